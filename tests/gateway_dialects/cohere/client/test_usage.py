import json
from typing import Any

import pytest

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere.decode_response import decode_usage

BILLED = {"input_tokens": 7, "output_tokens": 5}


def counts(usage: Usage) -> dict[str, Any]:
    kept = {descriptor.name: value for descriptor, value in usage.ListFields()}
    return {name: value for name, value in kept.items() if name not in ("raw_json", "raw_dialect")}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, {}),
        (
            {"billed_units": BILLED, "tokens": {"input_tokens": 502, "output_tokens": 9}},
            {"input_tokens": 502, "output_tokens": 9, "total_tokens": 511},
        ),
        ({"billed_units": BILLED}, {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}),
        ({"billed_units": BILLED, "tokens": {}}, {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}),
        (
            {"tokens": {"input_tokens": 502.0, "output_tokens": 91.0, "reasoning_tokens": 58}, "cached_tokens": 448},
            {
                "input_tokens": 502,
                "output_tokens": 91,
                "total_tokens": 593,
                "cache_read_tokens": 448,
                "reasoning_tokens": 58,
            },
        ),
        (
            {
                "tokens": {"input_tokens": 34, "output_tokens": 56, "image_tokens": 259, "reasoning_tokens": 0},
                "cached_tokens": 0,
            },
            {
                "input_tokens": 293,
                "output_tokens": 56,
                "total_tokens": 349,
                "input_image_tokens": 259,
                "cache_read_tokens": 0,
                "reasoning_tokens": 0,
            },
        ),
        ({"billed_units": 5, "tokens": {"input_tokens": "x", "output_tokens": -1}, "cached_tokens": True}, {}),
        ({"tokens": {"input_tokens": 1e300, "output_tokens": 2}}, {"output_tokens": 2, "total_tokens": 2}),
    ],
)
def test_tokens_and_billed_units(raw: dict[str, Any], expected: dict[str, int]) -> None:
    usage = decode_usage(raw)

    assert counts(usage) == expected
    assert (json.loads(usage.raw_json), usage.raw_dialect) == (raw, "cohere")
