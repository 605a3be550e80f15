"""The vendors that speak Cohere's chat API: one row each."""

from __future__ import annotations

from gateway_core.providers.cohere.details import DIALECT
from gateway_core.providers.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (Vendor("cohere", "https://api.cohere.ai", DIALECT, model_prefixes=("command-", "c4ai-")),)
"""api.cohere.ai and api.cohere.com are the same."""
