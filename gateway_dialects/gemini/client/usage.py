"""Usage as Gemini reports it (usageMetadata): the prompt includes what came from the cache; thoughts and the prompts of
the provider's own tools are counted beside it.

Source: https://ai.google.dev/api/generate-content#UsageMetadata and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini.client.details import DIALECT
from gateway_dialects.kit.json import Json, encode_json

SUBSETS = (
    ("promptTokensDetails", "AUDIO", "input_audio_tokens"),
    ("promptTokensDetails", "IMAGE", "input_image_tokens"),
    ("candidatesTokensDetails", "AUDIO", "output_audio_tokens"),
    ("candidatesTokensDetails", "IMAGE", "output_image_tokens"),
)


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json."""
    thoughts = count(raw.get("thoughtsTokenCount"))
    input_tokens = count(raw.get("promptTokenCount")) + count(raw.get("toolUsePromptTokenCount"))
    output_tokens = count(raw.get("candidatesTokenCount")) + thoughts
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=max(count(raw.get("totalTokenCount")), input_tokens + output_tokens),
        raw_json=encode_json(raw).decode(),
        raw_dialect=DIALECT,
    )
    if "thoughtsTokenCount" in raw:
        usage.reasoning_tokens = thoughts
    if "cachedContentTokenCount" in raw:
        usage.cache_read_tokens = count(raw["cachedContentTokenCount"])
    for field, modality, ours in SUBSETS:
        for tokens in of_modality(raw.get(field), modality):
            setattr(usage, ours, getattr(usage, ours) + tokens)
    return usage


def of_modality(details: Any, modality: str) -> Iterator[int]:
    for item in details if isinstance(details, list) else ():
        if isinstance(item, dict) and item.get("modality") == modality:
            yield count(item.get("tokenCount"))


def count(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 2**62 else 0
