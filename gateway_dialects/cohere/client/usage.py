"""Usage as Cohere reports it: tokens are what the model read and wrote, billed_units what is on the bill.

Source: https://docs.cohere.com/reference/chat and recorded answers: cached_tokens and reasoning_tokens are among the
tokens, image_tokens stand beside input_tokens.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere.client.details import DIALECT
from gateway_dialects.kit.json import Json, encode_json

LARGEST_COUNT = 2**60


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json."""
    tokens, billed = part_of(raw, "tokens"), part_of(raw, "billed_units")
    counted = tokens if "input_tokens" in tokens or "output_tokens" in tokens else billed
    images = count(tokens.get("image_tokens")) if counted is tokens else 0
    input_tokens = count(counted.get("input_tokens")) + images
    output_tokens = count(counted.get("output_tokens"))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        raw_json=encode_json(raw).decode(),
        raw_dialect=DIALECT,
    )
    if is_count(raw.get("cached_tokens")):
        usage.cache_read_tokens = count(raw["cached_tokens"])
    if is_count(tokens.get("reasoning_tokens")):
        usage.reasoning_tokens = count(tokens["reasoning_tokens"])
    if images:
        usage.input_image_tokens = images
    return usage


def part_of(raw: Json, name: str) -> Json:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def is_count(value: Any) -> bool:
    """Whole numbers are documented as floats."""
    return type(value) in (int, float) and 0 <= value < LARGEST_COUNT


def count(value: Any) -> int:
    return int(value) if is_count(value) else 0
