"""The dialects we speak to providers, and the vendors that speak each: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_core.providers.anthropic import vendors as anthropic
from gateway_core.providers.anthropic.dialect import ANTHROPIC
from gateway_core.providers.azure import vendors as azure
from gateway_core.providers.azure.dialect import AZURE
from gateway_core.providers.cohere import vendors as cohere
from gateway_core.providers.cohere.dialect import COHERE
from gateway_core.providers.dialect import Dialect
from gateway_core.providers.gemini import vendors as gemini
from gateway_core.providers.gemini.dialect import GEMINI
from gateway_core.providers.mistral import vendors as mistral
from gateway_core.providers.mistral.dialect import MISTRAL
from gateway_core.providers.openai import vendors as openai
from gateway_core.providers.openai.dialect import OPENAI
from gateway_core.providers.openai_responses import vendors as openai_responses
from gateway_core.providers.openai_responses.dialect import OPENAI_RESPONSES
from gateway_core.providers.vendor import Vendor

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (OPENAI, OPENAI_RESPONSES, ANTHROPIC, AZURE, GEMINI, COHERE, MISTRAL)}
)
VENDORS: tuple[Vendor, ...] = (
    *anthropic.VENDORS,
    *azure.VENDORS,
    *gemini.VENDORS,
    *cohere.VENDORS,
    *mistral.VENDORS,
    *openai.VENDORS,
    *openai_responses.VENDORS,
)
"""Where a vendor has several rows, its own API stands first."""


def vendor_of(name: str, url: str = "", dialect: str = "") -> Vendor | None:
    """The row of a vendor: the one that speaks the dialect, or that its URL selects, or else its first."""
    rows = [vendor for vendor in VENDORS if vendor.name == name]
    marked = [row for row in rows if row.url_mark and url.rstrip("/").endswith(row.url_mark)]
    speaking = [row for row in rows if row.dialect == dialect]
    return next(iter((*speaking, *marked, *rows)), None)
