"""The vendors that speak Gemini's API: one row each."""

from __future__ import annotations

from gateway_core.providers.gemini.details import DIALECT
from gateway_core.providers.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    Vendor("google", "https://generativelanguage.googleapis.com/v1beta", DIALECT, model_prefixes=("gemini-",)),
)
