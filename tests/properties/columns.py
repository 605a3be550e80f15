"""The columns of the table in docs/providers.md: each dialect, asked as its own vendor is; the openai dialect also as a
server is that the gateway knows nothing of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import Target
from gateway_dialects.kit.dialect import Dialect, Endpoint, UpstreamRequest
from tests.fitted import encode_fitted, endpoint_at


@dataclass(frozen=True)
class Column:
    """A dialect, and the models that it is probed with."""

    title: str
    endpoint: Endpoint
    models: tuple[str, ...]
    """The first is shown; where an older one differs, its verdict is shown beside it."""
    fixtures: str
    """The folder of fixtures whose answers it gives."""

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.endpoint.dialect]

    @property
    def target(self) -> Target:
        return Target(self.endpoint, self.models[0])

    def encode(self, request: ChatRequest, model: str, *, stream: bool = False) -> tuple[UpstreamRequest, Sequence[Warning]]:
        """Raises GatewayError."""
        return encode_fitted(request, model, self.endpoint, stream)


def own(dialect: str, models: tuple[str, ...], fixtures: str) -> Column:
    row = next(vendor for vendor in VENDORS if vendor.dialect == dialect)
    endpoint = endpoint_at(row, row.url.format(RESOURCE="r"))
    return Column(dialect, endpoint, models, fixtures)


COLUMNS = (
    own("openai", ("gpt-5-mini",), "openai"),
    Column("openai (any server)", Endpoint("corp", "openai", "http://10.0.0.5:8000/v1"), ("some-model",), "openai"),
    own("openai-responses", ("gpt-5-mini",), "openai_responses"),
    own("azure", ("gpt-5-mini",), "openai"),
    own("anthropic", ("claude-opus-4-6", "claude-3-5-haiku-latest"), "anthropic"),
    own("gemini", ("gemini-2.5-flash", "gemini-3-pro-preview", "gemini-2.0-flash"), "gemini"),
    own("cohere", ("command-a-reasoning-08-2025", "command-r-08-2024"), "cohere"),
    own("mistral", ("mistral-medium-latest",), "mistral"),
)
CHAT = ("openai", "openai (any server)", "azure")
"""The columns that speak OpenAI's chat form."""
