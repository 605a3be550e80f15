"""The dialects we speak to providers: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.azure import CLIENT as AZURE
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.mistral import CLIENT as MISTRAL
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (OPENAI, OPENAI_RESPONSES, ANTHROPIC, AZURE, GEMINI, COHERE, MISTRAL)}
)
