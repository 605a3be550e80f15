"""What a model name stands for: an ordered list of upstream deployments."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_dialects.kit.dialect import Endpoint


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream deployment: a model at a provider, reached with one key."""

    endpoint: Endpoint
    model: str
    """The model in the provider's own name."""

    @property
    def name(self) -> str:
        return f"{self.endpoint.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Route:
    """How a model is served: its targets in the order they are tried."""

    name: str
    targets: tuple[Target, ...]
