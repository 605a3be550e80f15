"""Usage as OpenAI and its compatible vendors report it; each names the cached and reasoning subsets in a place of its own.

Sources: recorded answers of openai-chat, deepseek (prompt_cache_hit_tokens), mistral (num_cached_tokens), huggingface
(cached_tokens), openrouter (cost, cache_write_tokens), perplexity (cost object).
"""

from __future__ import annotations

from typing import Any, TypeGuard

from dragoman.v1.usage_pb2 import COST_SOURCE_PROVIDER, Usage
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, encode_json, text_of
from gateway_dialects.openai.words import DIALECT

INPUT_SUBSETS = (
    ("cached_tokens", "cache_read_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("audio_tokens", "input_audio_tokens"),
    ("image_tokens", "input_image_tokens"),
)
OUTPUT_SUBSETS = (
    ("reasoning_tokens", "reasoning_tokens"),
    ("audio_tokens", "output_audio_tokens"),
    ("image_tokens", "output_image_tokens"),
    ("accepted_prediction_tokens", "accepted_prediction_tokens"),
    ("rejected_prediction_tokens", "rejected_prediction_tokens"),
)
CACHE_READ_FIELDS = tuple(
    (name, "cache_read_tokens") for name in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
)
"""Where it is when it is not among the details."""
LARGEST_COUNT = 2**62
"""The sum of two still fits into the contract's int64."""


def decode_usage(usage: Usage, raw: Json) -> None:
    """Fills an empty usage. Never raises: a field of an unexpected type is left out of the typed counts and stays in
    raw_json."""
    usage.input_tokens = input_tokens = count(raw.get("prompt_tokens"))
    usage.output_tokens = output_tokens = count(raw.get("completion_tokens"))
    usage.total_tokens = count(raw.get("total_tokens")) or input_tokens + output_tokens
    usage.raw_json = encode_json(raw).decode()
    usage.raw_dialect = DIALECT
    set_subsets(usage, raw.get("prompt_tokens_details"), INPUT_SUBSETS)
    set_subsets(usage, raw.get("completion_tokens_details"), OUTPUT_SUBSETS)
    if not usage.HasField("cache_read_tokens"):
        set_subsets(usage, raw, CACHE_READ_FIELDS)
    if (total := cost_of(raw.get("cost"))) is not None:
        usage.cost.total_usd, usage.cost.source = total, COST_SOURCE_PROVIDER


def set_subsets(usage: Usage, details: Any, subsets: tuple[tuple[str, str], ...]) -> None:
    if not isinstance(details, dict):
        return
    for theirs, ours in subsets:
        value = details.get(theirs)
        if value is not None and is_count(value):
            setattr(usage, ours, int(value))


def is_count(value: Any) -> TypeGuard[int | float]:
    """Some vendors write whole numbers as floats."""
    return type(value) in (int, float) and 0 <= value < LARGEST_COUNT


def count(value: Any) -> int:
    return int(value) if is_count(value) else 0


def cost_of(value: Any) -> float | None:
    if isinstance(value, dict):
        value = value.get("total_cost")
    return float(value) if is_count(value) else None


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    groq = answer.get("x_groq")
    usage = answer.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
    if not isinstance(usage, dict) or not ("prompt_tokens" in usage or "completion_tokens" in usage):
        return None
    return UsageReport(usage, text_of(answer.get("model")), text_of(answer.get("service_tier")))


def read_usage(raw: Json) -> Usage:
    """See Dialect.read_usage."""
    usage = Usage()
    decode_usage(usage, raw)
    return usage
