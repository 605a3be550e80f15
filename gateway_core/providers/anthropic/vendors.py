"""The vendors that speak Anthropic's Messages API: one row each."""

from __future__ import annotations

from gateway_core.providers.anthropic.details import DIALECT
from gateway_core.providers.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (Vendor("anthropic", "https://api.anthropic.com/v1", DIALECT, model_prefixes=("claude-",)),)
