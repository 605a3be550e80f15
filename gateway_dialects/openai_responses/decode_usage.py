"""Usage as the Responses API reports it. Source: recorded answers."""

from __future__ import annotations

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.decode_usage import INPUT_SUBSETS, OUTPUT_SUBSETS, count, set_subsets
from gateway_dialects.openai_responses.words import DIALECT


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json."""
    input_tokens, output_tokens = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=count(raw.get("total_tokens")) or input_tokens + output_tokens,
        raw_json=encode_json(raw).decode(),
        raw_dialect=DIALECT,
    )
    set_subsets(usage, raw.get("input_tokens_details"), INPUT_SUBSETS)
    set_subsets(usage, raw.get("output_tokens_details"), OUTPUT_SUBSETS)
    return usage
