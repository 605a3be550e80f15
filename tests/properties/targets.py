"""Where conversations are sent: every dialect at its own vendor, and every vendor of the openai dialect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.kit.dialect import Dialect, Secret, UpstreamRequest
from tests.fitted import encode_fitted, endpoint_at

KEY = "key-that-nobody-may-see"
MODELS = {
    "openai": "gpt-5-mini",
    "openai-responses": "gpt-5-mini",
    "azure": "gpt-5-mini",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "cohere": "command-a-vision-07-2025",
    "mistral": "mistral-medium-latest",
}
"""A model that sees pictures, for each dialect that takes conversations."""
OTHER_MODELS = {"anthropic": "claude-opus-4-6", "gemini": "gemini-3-pro-preview", "cohere": "command-a-reasoning-08-2025"}
KEY_PLACES = ("authorization", "api-key", "x-api-key", "x-goog-api-key")


@dataclass(frozen=True, repr=False)
class Target:
    """A model of a vendor."""

    vendor: Vendor
    model: str

    @property
    def name(self) -> str:
        return f"{self.dialect.name}:{self.vendor.name}:{self.model}"

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.vendor.dialect]

    def encode(
        self, request: ChatRequest, stream: bool = False
    ) -> tuple[dict[str, Any], Sequence[Warning], UpstreamRequest]:
        """The body, the warnings, and the whole request. Raises GatewayError."""
        url = "https://up.example.com/v1"
        row = self.vendor
        endpoint = endpoint_at(row, url, (Secret(KEY),))
        upstream, warnings = encode_fitted(request, self.model, endpoint, stream)
        body: dict[str, Any] = json.loads(upstream.body)
        return body, warnings, upstream


def target(vendor: Vendor) -> Target:
    return Target(vendor, MODELS[vendor.dialect])


EVERY_DIALECT = [target(next(vendor for vendor in VENDORS if vendor.dialect == name)) for name in MODELS]
"""Each at the vendor that is named first."""
COMPATIBLE = [target(vendor) for vendor in VENDORS if vendor.dialect == "openai" and vendor.name != "openai"]
OTHERS = [
    Target(found.vendor, OTHER_MODELS[found.dialect.name]) for found in EVERY_DIALECT if found.dialect.name in OTHER_MODELS
]
TARGETS = [*EVERY_DIALECT, *OTHERS, *COMPATIBLE]
