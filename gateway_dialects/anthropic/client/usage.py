"""Usage as this dialect reports it: cached input stands beside input_tokens, not in it.

Source: https://platform.claude.com/docs (prompt caching, streaming) and recorded answers.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic.client.details import DIALECT
from gateway_dialects.kit.json import Json, encode_json

SERVICE_TIERS = {"standard": "default"}
"""What ran, in the words of the contract; others are the same in both."""


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json."""
    read, written = count(raw.get("cache_read_input_tokens")), count(raw.get("cache_creation_input_tokens"))
    input_tokens = count(raw.get("input_tokens")) + read + written
    output_tokens = count(raw.get("output_tokens"))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        raw_json=encode_json(raw).decode(),
        raw_dialect=DIALECT,
    )
    if type(raw.get("cache_read_input_tokens")) is int:
        usage.cache_read_tokens = read
    if type(raw.get("cache_creation_input_tokens")) is int:
        usage.cache_write_tokens = written
    details = raw.get("output_tokens_details")
    if isinstance(details, dict) and type(details.get("thinking_tokens")) is int:
        usage.reasoning_tokens = count(details["thinking_tokens"])
    return usage


def service_tier_of(raw: Json) -> str:
    """Empty when the provider does not say."""
    tier = raw.get("service_tier")
    return SERVICE_TIERS.get(tier, tier) if isinstance(tier, str) else ""


def count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**60 else 0
