"""The vendors that speak Cohere's chat API: one row each."""

from __future__ import annotations

from gateway_core.providers.cohere.details import DIALECT
from gateway_core.providers.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "cohere",
        "https://api.cohere.ai",
        DIALECT,
        model_prefixes=("command-", "c4ai-"),
        # The same as api.cohere.ai.
        more_hosts=("api.cohere.com",),
    ),
)
