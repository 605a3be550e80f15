"""The dialects we speak to providers, and the vendors that speak each: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_core.providers.anthropic import vendors as anthropic
from gateway_core.providers.anthropic.dialect import ANTHROPIC
from gateway_core.providers.dialect import Dialect
from gateway_core.providers.openai import vendors as openai
from gateway_core.providers.openai.dialect import OPENAI
from gateway_core.providers.vendor import Vendor

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (OPENAI, ANTHROPIC)})
VENDORS: tuple[Vendor, ...] = (*anthropic.VENDORS, *openai.VENDORS)
