"""usageMetadata in the contract's inclusive totals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_dialects.gemini.decode_answer import decode_usage


@pytest.mark.parametrize(
    ("raw", "totals"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}, (9, 3, 12)),
        # Thoughts stand beside the candidates.
        ({"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 20, "totalTokenCount": 32}, (9, 23, 32)),
        # What the provider's own tools read is extra input.
        (
            {"promptTokenCount": 9, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 17},
            (14, 3, 17),
        ),
        # The cached part is inside the prompt.
        ({"promptTokenCount": 9, "cachedContentTokenCount": 8, "totalTokenCount": 9}, (9, 0, 9)),
        ({"promptTokenCount": 9}, (9, 0, 9)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 99}, (9, 3, 99)),
        ({"promptTokenCount": "9", "candidatesTokenCount": -1, "totalTokenCount": None}, (0, 0, 0)),
        ({}, (0, 0, 0)),
    ],
)
def test_totals(raw: dict[str, Any], totals: tuple[int, int, int]) -> None:
    usage = decode_usage(raw)
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == totals
    assert (json.loads(usage.raw_json), usage.raw_dialect) == (raw, "gemini")


def test_named_subsets() -> None:
    usage = decode_usage(
        {
            "promptTokenCount": 100,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 10},
                {"modality": "AUDIO", "tokenCount": 60},
                {"modality": "IMAGE", "tokenCount": 20},
                {"modality": "IMAGE", "tokenCount": 10},
                "odd",
            ],
            "candidatesTokenCount": 50,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 10}],
            "cachedContentTokenCount": 30,
            "thoughtsTokenCount": 7,
        }
    )
    assert (usage.input_audio_tokens, usage.input_image_tokens) == (60, 30)
    assert (usage.output_audio_tokens, usage.output_image_tokens) == (10, 40)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (30, 7)
    assert not usage.HasField("cache_write_tokens")


def test_what_was_not_told_is_unset() -> None:
    usage = decode_usage({"promptTokenCount": 1})
    assert not usage.HasField("reasoning_tokens")
    assert not usage.HasField("cache_read_tokens")
    assert not usage.HasField("input_audio_tokens")
