"""Routes: the upstream targets of a model name, in order of preference."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Endpoint


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream deployment: a model at a provider, reached with one key."""

    endpoint: Endpoint
    model: str
    """The model in the provider's own name."""
    _spoken: dict[str, Target] = field(default_factory=dict, init=False, repr=False, compare=False)
    """At the provider's other APIs, by dialect."""

    @property
    def name(self) -> str:
        return f"{self.endpoint.provider}/{self.model}"

    def speaking(self, api: str) -> Target:
        """The target at the API of its provider that the clients of a served API gain by; mostly the provider's first."""
        dialect = DIALECTS.get(api)
        if dialect is None or not dialect.for_its_clients:
            return self
        found = self._spoken.get(api)
        if found is None:
            endpoint = self.endpoint.speaking(api, self.model)
            found = self._spoken[api] = self if endpoint is self.endpoint else replace(self, endpoint=endpoint)
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """A model name and its targets in the order in which they are tried."""

    name: str
    targets: tuple[Target, ...]
