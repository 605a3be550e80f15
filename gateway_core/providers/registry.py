"""The dialects we speak to providers: one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway_dialects import anthropic, azure, cohere, completions, gemini, mistral, openai, openai_responses
from gateway_dialects.kit.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        folder.CLIENT.name: folder.CLIENT
        for folder in (
            # A line each.
            openai,
            openai_responses,
            completions,
            anthropic,
            azure,
            gemini,
            cohere,
            mistral,
        )
    }
)
