from typing import Any

import pytest

from tests.gateway_dialects.cohere.client.asking import PLAIN, REASONING, asked


@pytest.mark.parametrize(
    ("asked_for", "thinking"),
    [
        ({"reasoning_effort": "none"}, {"type": "disabled"}),
        ({"reasoning_effort": "minimal"}, {"type": "enabled", "token_budget": 512}),
        ({"reasoning_effort": "low"}, {"type": "enabled", "token_budget": 1024}),
        ({"reasoning_effort": "medium"}, {"type": "enabled", "token_budget": 4096}),
        ({"reasoning_effort": "high"}, {"type": "enabled"}),
        ({"reasoning_effort": "xhigh"}, {"type": "enabled"}),
        ({"reasoning_effort": "medium", "max_tokens": 1000}, {"type": "enabled", "token_budget": 500}),
        ({"reasoning": {"max_tokens": 3000}}, {"type": "enabled", "token_budget": 3000}),
        ({"reasoning": {"effort": "low", "max_tokens": 3000}}, {"type": "enabled", "token_budget": 3000}),
        ({"reasoning": {"enabled": True}}, {"type": "enabled"}),
        ({"reasoning": {"enabled": False}}, {"type": "disabled"}),
    ],
)
def test_how_much_to_think(asked_for: dict[str, Any], thinking: dict[str, Any]) -> None:
    body, warned = asked(REASONING, **asked_for)

    assert body["thinking"] == thinking
    assert warned == []


def test_words_that_this_provider_does_not_know() -> None:
    assert asked(REASONING, reasoning_effort="ultra")[1] == ["reasoning.effort"]
    body, warned = asked(REASONING, reasoning={"effort": "high", "summary": "auto", "exclude": True})

    assert body["thinking"] == {"type": "enabled"}
    assert warned == ["reasoning.summary", "reasoning.exclude"]


@pytest.mark.parametrize("model", [PLAIN, "command-r7b-12-2024", "command-a-vision-07-2025", "c4ai-aya-expanse-32b"])
def test_a_model_that_does_not_reason_is_not_asked_to(model: str) -> None:
    assert asked(model, reasoning_effort="low")[1] == ["reasoning"]
    assert asked(model, reasoning_effort="none")[1] == []
    assert all("thinking" not in asked(model, reasoning_effort=effort)[0] for effort in ("low", "none"))


def test_a_model_that_is_not_known_is_asked_as_the_client_asks() -> None:
    assert asked("command-b-01-2030", reasoning_effort="high")[0]["thinking"] == {"type": "enabled"}
