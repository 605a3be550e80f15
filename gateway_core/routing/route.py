"""Routes: the upstream targets of a model name, in order of preference."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_dialects.kit.dialect import Endpoint


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream deployment: a model at a provider, reached with one key."""

    endpoint: Endpoint
    model: str
    """The model in the provider's own name."""

    @property
    def name(self) -> str:
        return f"{self.endpoint.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Route:
    """A model name and its targets in the order in which they are tried."""

    name: str
    targets: tuple[Target, ...]
