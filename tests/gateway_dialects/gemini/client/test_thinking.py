"""How much to think, by generation of models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ReasoningSettings
from gateway_core.models.families import family_of
from tests.gateway_dialects.gemini.client.asking import FLASH, FLASH_LITE, NEWER, NEWER_FLASH, OLD, PRO, asked, sent


def thinking(model: str, details: dict[str, Any] | None = None, **fields: Any) -> tuple[Any, list[str]]:
    settings = ReasoningSettings(**fields)
    if details:
        settings.provider_details_json["gemini"] = json.dumps(details)
    body, lost = sent(asked(reasoning=settings), model)
    return body.get("generationConfig", {}).get("thinkingConfig"), lost


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (FLASH, {"effort": "minimal"}, {"thinkingBudget": 1024}),
        (FLASH, {"effort": "low"}, {"thinkingBudget": 1024}),
        (FLASH, {"effort": "medium"}, {"thinkingBudget": 8192}),
        (FLASH, {"effort": "high"}, {"thinkingBudget": 24_576}),
        (FLASH, {"effort": "xhigh"}, {"thinkingBudget": 24_576}),
        (PRO, {"effort": "max"}, {"thinkingBudget": 32_768}),
        (FLASH, {"max_tokens": 2000}, {"thinkingBudget": 2000}),
        (FLASH, {"max_tokens": 2000, "effort": "high"}, {"thinkingBudget": 2000}),
        (FLASH, {"enabled": True}, {"thinkingBudget": -1}),
        (NEWER, {"effort": "low"}, {"thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", {"effort": "medium"}, {"thinkingLevel": "medium"}),
        (NEWER_FLASH, {"effort": "minimal"}, {"thinkingLevel": "minimal"}),
        (NEWER, {"enabled": True}, {}),
        (FLASH, {"summary": "auto"}, {}),
    ],
)
def test_effort_becomes_a_budget_or_a_level_and_thoughts_are_shown(
    model: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert thinking(model, **fields) == ({**expected, "includeThoughts": True}, [])


def test_thoughts_can_be_left_out() -> None:
    assert thinking(FLASH, effort="low", exclude=True) == ({"thinkingBudget": 1024, "includeThoughts": False}, [])


@pytest.mark.parametrize("fields", [{"effort": "none"}, {"enabled": False}])
def test_switched_off(fields: dict[str, Any]) -> None:
    assert thinking(FLASH, **fields) == ({"thinkingBudget": 0}, [])
    assert thinking(FLASH_LITE, **fields) == ({"thinkingBudget": 0}, [])
    assert thinking(OLD, **fields) == (None, [])
    assert thinking(PRO, **fields) == ({"thinkingBudget": 128}, ["reasoning.effort"])
    assert thinking(NEWER, **fields) == ({"thinkingLevel": "low"}, ["reasoning.effort"])
    assert thinking(NEWER_FLASH, **fields) == ({"thinkingLevel": "minimal"}, ["reasoning.effort"])


@pytest.mark.parametrize(
    ("model", "fields", "expected", "lost"),
    [
        (FLASH, {"max_tokens": 99_999}, {"thinkingBudget": 24_576}, "reasoning.max_tokens"),
        (FLASH_LITE, {"max_tokens": 1}, {"thinkingBudget": 512}, "reasoning.max_tokens"),
        (PRO, {"max_tokens": 1}, {"thinkingBudget": 128}, "reasoning.max_tokens"),
        (NEWER_FLASH, {"max_tokens": 8000}, {"thinkingLevel": "medium"}, "reasoning.max_tokens"),
        (NEWER, {"effort": "minimal"}, {"thinkingLevel": "low"}, "reasoning.effort"),
        (NEWER, {"effort": "medium"}, {"thinkingLevel": "high"}, "reasoning.effort"),
        (NEWER_FLASH, {"effort": "max"}, {"thinkingLevel": "high"}, "reasoning.effort"),
        (FLASH, {"effort": "low", "summary": "detailed"}, {"thinkingBudget": 1024}, "reasoning.summary"),
    ],
)
def test_what_cannot_be_had_is_told(model: str, fields: dict[str, Any], expected: dict[str, Any], lost: str) -> None:
    assert thinking(model, **fields) == ({**expected, "includeThoughts": True}, [lost])


def test_a_model_that_does_not_think() -> None:
    assert thinking(OLD, effort="high") == (None, ["reasoning"])


def test_what_a_client_of_this_dialect_wrote_stays() -> None:
    written = {"thinkingBudget": 512, "sparkle": True}
    assert thinking(FLASH, written, max_tokens=512, effort="low") == (written, [])
    level = {"thinkingLevel": "LOW"}
    assert thinking(NEWER, level, effort="low") == (level, [])


def test_a_level_becomes_a_budget_for_a_model_that_knows_none() -> None:
    assert thinking(FLASH, {"thinkingLevel": "LOW"}, effort="low") == (
        {"thinkingBudget": 1024, "includeThoughts": False},
        [],
    )
    shown = {"thinkingLevel": "LOW", "includeThoughts": True}
    assert thinking(FLASH, shown, effort="low") == ({"thinkingBudget": 1024, "includeThoughts": True}, [])


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("gemini-1.5-pro", ""),
        ("gemini-2.5-flash-preview-09-2025", "budget"),
        ("gemini-2.5-flash-image", ""),
        ("gemini-2.5-pro-preview-tts", ""),
        ("gemini-3.5-flash", "level"),
        ("gemini-4-ultra", "level"),
        ("gemini-flash-latest", "level"),
        ("models/gemini-3-pro-preview", "level"),
        ("publishers/google/models/gemini-2.5-pro", "budget"),
        ("gemma-3-27b-it", ""),
        ("learnlm-2.0", ""),
        ("", ""),
    ],
)
def test_families(model: str, kind: str) -> None:
    takes = family_of(model).takes
    assert (bool(takes.budget), bool(takes.efforts)) == (kind == "budget", kind == "level")
