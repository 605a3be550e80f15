"""Which generation a model's name tells."""

from __future__ import annotations

import pytest

from gateway_dialects.anthropic.encode_thinking import NEWEST, UNKNOWN, Thinking, family_of, line_and_version


@pytest.mark.parametrize(
    ("model", "line", "version"),
    [
        ("claude-opus-4-6", "opus", (4, 6)),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
        ("claude-sonnet-4-5-20250929", "sonnet", (4, 5)),
        ("claude-haiku-4-5", "haiku", (4, 5)),
        ("claude-opus-4.6", "opus", (4, 6)),
        ("us.anthropic.claude-sonnet-5-v1:0", "sonnet", (5, 0)),
        ("anthropic/claude-opus-5-5", "opus", (5, 5)),
        ("claude-opus-4-1@20250805", "opus", (4, 1)),
        ("claude-3-7-sonnet-latest", "sonnet", (3, 7)),
        ("claude-3-opus-20240229", "opus", (3, 0)),
        ("claude-3-5-haiku-20241022", "haiku", (3, 5)),
        ("claude-opus-10-2", "opus", (10, 2)),
        ("claude-instant-1.2", "instant", (1, 2)),
    ],
)
def test_names(model: str, line: str, version: tuple[int, int]) -> None:
    assert line_and_version(model) == (line, version)


@pytest.mark.parametrize("model", ["claude-2.1", "claude-mythos-preview", "kimi-k2", "", "claude"])
def test_names_without_a_version(model: str) -> None:
    assert line_and_version(model) is None


def test_an_unknown_claude_is_new_and_asked_for_nothing_that_some_refuse() -> None:
    family = family_of("claude-mythos-preview")
    assert (family.thinking, family.off, family.forced_tools) == (Thinking.ADAPTIVE, "", False)
    assert family_of("kimi-k2") is UNKNOWN


@pytest.mark.parametrize(
    ("model", "off", "forced"),
    [
        ("claude-opus-4-7", "disabled", True),
        ("claude-opus-4-8", "disabled", True),
        ("claude-opus-5", "disabled", True),
        ("claude-sonnet-5", "disabled", True),
        ("claude-haiku-5-5", "disabled", True),
        ("claude-fable-5", "", True),
        ("claude-mythos-5", "", True),
        ("claude-opus-5-5", "", False),
        ("claude-sonnet-5-5", "between_tools", False),
        ("claude-fable-5-2", "", False),
    ],
)
def test_what_the_newest_models_refuse(model: str, off: str, forced: bool) -> None:
    family = family_of(model)
    assert (family.thinking, family.efforts, family.native_schema) == (Thinking.ADAPTIVE, NEWEST.efforts, True)
    assert (family.off, family.forced_tools) == (off, forced)


@pytest.mark.parametrize(
    ("model", "most", "default"),
    [
        ("claude-opus-5-5", 128_000, 32_000),
        ("claude-sonnet-4-6", 128_000, 32_000),
        ("claude-haiku-4-5", 64_000, 32_000),
        ("claude-opus-4-1", 32_000, 32_000),
        ("claude-3-7-sonnet-latest", 64_000, 32_000),
        ("claude-3-5-haiku-latest", 8192, 8192),
        ("claude-3-haiku-20240307", 4096, 4096),
        ("somebody-elses", 8192, 8192),
    ],
)
def test_how_much_they_produce(model: str, most: int, default: int) -> None:
    assert (family_of(model).most_output, family_of(model).default_output) == (most, default)
