"""Mistral's row."""

from __future__ import annotations

from gateway_core.providers.mistral.details import DIALECT
from gateway_core.providers.vendor import Vendor

MODEL_PREFIXES = (
    *("mistral-", "open-mistral-", "ministral-", "magistral-"),
    *("codestral-", "devstral-", "pixtral-", "voxtral-"),
)
VENDORS: tuple[Vendor, ...] = (Vendor("mistral", "https://api.mistral.ai/v1", DIALECT, model_prefixes=MODEL_PREFIXES),)
