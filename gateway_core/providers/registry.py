"""The dialects we speak to providers: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_dialects.anthropic.client.dialect import ANTHROPIC
from gateway_dialects.azure.client.dialect import AZURE
from gateway_dialects.cohere.client.dialect import COHERE
from gateway_dialects.gemini.client.dialect import GEMINI
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.mistral.client.dialect import MISTRAL
from gateway_dialects.openai.client.dialect import OPENAI
from gateway_dialects.openai_responses.client.dialect import OPENAI_RESPONSES

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (OPENAI, OPENAI_RESPONSES, ANTHROPIC, AZURE, GEMINI, COHERE, MISTRAL)}
)
