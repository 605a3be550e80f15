"""What each generation of Anthropic's models takes, by what its name tells."""

from __future__ import annotations

import pytest

from gateway_core.models.families import UNKNOWN, anthropic, family_of

BUDGET, EITHER, ADAPTIVE = "a budget", "either", "adaptive"


def kind_of(model: str) -> str:
    takes = family_of(model).takes
    if not takes.reasoning:
        return ""
    return EITHER if takes.budget and takes.adaptive else BUDGET if takes.budget else ADAPTIVE


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("claude-opus-4-6", EITHER),
        ("claude-sonnet-4-20250514", BUDGET),
        ("claude-sonnet-4-0", BUDGET),
        ("claude-sonnet-4-5-20250929", BUDGET),
        ("claude-haiku-4-5", BUDGET),
        ("claude-opus-4.6", EITHER),
        ("us.anthropic.claude-sonnet-5-v1:0", ADAPTIVE),
        ("anthropic/claude-opus-5-5", ADAPTIVE),
        ("claude-opus-4-1@20250805", BUDGET),
        ("claude-3-7-sonnet-latest", BUDGET),
        ("claude-3-opus-20240229", ""),
        ("claude-3-5-haiku-20241022", ""),
        ("claude-opus-10-2", ADAPTIVE),
        ("claude-instant-1.2", ""),
        ("claude-2.1", ""),
        ("claude-sonnet-4-5[1m]", BUDGET),
        ("anthropic/claude-3.7-sonnet:thinking", BUDGET),
    ],
)
def test_how_it_thinks(model: str, kind: str) -> None:
    assert kind_of(model) == kind


@pytest.mark.parametrize("model", ["claude-mythos-preview", "claude"])
def test_an_unknown_claude_is_new_and_asked_for_nothing_that_some_refuse(model: str) -> None:
    takes = family_of(model).takes
    assert (kind_of(model), takes.always_reasons, takes.forced_tools) == (ADAPTIVE, True, False)
    assert "temperature" in takes.refused


@pytest.mark.parametrize("model", ["kimi-future", "", "somebody-elses"])
def test_what_is_no_claude(model: str) -> None:
    assert family_of(model) is UNKNOWN


@pytest.mark.parametrize(
    ("model", "off", "forced"),
    [
        ("claude-opus-4-7", True, True),
        ("claude-opus-4-8", True, True),
        ("claude-opus-5", True, True),
        ("claude-sonnet-5", True, True),
        ("claude-haiku-5-5", True, True),
        ("claude-fable-5", False, True),
        ("claude-mythos-5", False, True),
        ("claude-opus-5-5", False, False),
        ("claude-sonnet-5-5", True, False),
        ("claude-fable-5-2", False, False),
    ],
)
def test_what_the_newest_models_refuse(model: str, off: bool, forced: bool) -> None:
    takes = family_of(model).takes
    assert (kind_of(model), takes.efforts, takes.structured) == (ADAPTIVE, anthropic.ADAPTIVE.efforts, "schema")
    assert (not takes.always_reasons, takes.forced_tools) == (off, forced)
    assert takes.off_between_tools == (model == "claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("model", "most", "default"),
    [
        ("claude-opus-5-5", 128_000, 32_000),
        ("claude-sonnet-4-6", 128_000, 32_000),
        ("claude-haiku-4-5", 64_000, 32_000),
        ("claude-opus-4-1", 32_000, 32_000),
        ("claude-opus-4-20250514", 32_000, 32_000),
        ("claude-sonnet-4", 64_000, 32_000),
        ("claude-3-7-sonnet-latest", 64_000, 32_000),
        ("claude-3-5-haiku-latest", 8192, 8192),
        ("claude-3-haiku-20240307", 4096, 4096),
    ],
)
def test_how_much_they_produce(model: str, most: int, default: int) -> None:
    takes = family_of(model).takes
    assert (takes.most_output, takes.default_output) == (most, default)
