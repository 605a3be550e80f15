"""What is known of families of models: each has its members, and no name falls into one by accident."""

from __future__ import annotations

import re

import pytest

from gateway_core.models.describe import known_of, parameters_taken
from gateway_core.models.families import FAMILIES
from gateway_dialects.kit.capabilities import FIELDS, UNKNOWN

WORDS = {"text", "image", "audio", "video", "file"}


@pytest.mark.parametrize(
    ("model", "inputs", "parameter", "max_output"),
    [
        ("gpt-4o", "text image file", "temperature", 16_384),
        ("gpt-4o-2024-11-20", "text image file", "structured_outputs", 16_384),
        ("GPT-4o-mini", "text image file", "logprobs", 16_384),
        ("gpt-4.1-nano-2025-04-14", "text image file", "temperature", 32_768),
        ("gpt-5.2", "text image file", "reasoning", 128_000),
        ("o3-mini", "text", "reasoning", 100_000),
        ("openai/o3", "text image file", "reasoning", 100_000),
        ("gpt-oss:20b", "text", "reasoning", None),
        ("openai/gpt-oss-120b", "text", "tools", None),
        ("claude-3-5-haiku-20241022", "text image file", "top_k", 8192),
        ("claude-sonnet-4-5-20250929", "text image file", "reasoning", 64_000),
        ("claude-opus-4-1", "text image file", "reasoning", 32_000),
        ("gemini-2.5-flash", "text image audio video file", "reasoning", 65_536),
        ("gemini-2.0-flash-001", "text image audio video file", "temperature", 8192),
        ("meta-llama/llama-3.2-11b-vision-instruct", "text image", "", None),
    ],
)
def test_members(model: str, inputs: str, parameter: str, max_output: int | None) -> None:
    found = known_of(model)
    parameters = parameters_taken(found)
    assert found.inputs == tuple(inputs.split())
    assert found.outputs == ("text",)
    assert (not parameter and not parameters) or parameter in parameters
    assert found.most_output == max_output


@pytest.mark.parametrize(
    ("model", "absent"),
    [("gpt-5", "temperature"), ("o3", "top_p"), ("gpt-4", "response_format"), ("gpt-3.5-turbo", "structured_outputs")],
)
def test_what_a_family_does_not_take(model: str, absent: str) -> None:
    parameters = parameters_taken(known_of(model))
    assert parameters
    assert absent not in parameters


@pytest.mark.parametrize(
    "model",
    [
        *("", "/", "gpt", "gpt-6", "gpt-4o-tts", "gpt-4o-transcribe", "gpt-image-1", "o5"),
        *("text-embedding-3-small", "claude", "claude-", "gemini-2.5-flash-image", "gemini-2.5-pro-preview-tts"),
        *(
            "gemini-embedding-001",
            "my-gpt-4o",
            "gpt-4o\n",
            "deepseek-flash",
            "glm-4.5v",
            "kimi-k2.6",
            "whisper-1",
            "claude-instant-1.2",
        ),
    ],
)
def test_what_is_not_known(model: str) -> None:
    assert known_of(model) is UNKNOWN


def test_the_table_is_sound() -> None:
    for family in FAMILIES:
        re.compile(family.pattern)
        assert set(family.takes.inputs) | set(family.takes.outputs) <= WORDS
        assert family.takes.refused <= set(FIELDS)
        assert family.later or "text" in family.takes.inputs
