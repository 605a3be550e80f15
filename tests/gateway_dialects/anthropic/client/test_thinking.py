"""How much a model is told to think, and what its thinking rules out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.anthropic.parse_request import parse_chat
from tests.gateway_dialects.anthropic.client.asking import (
    ADAPTIVE_MODEL,
    BUDGET_MODEL,
    EITHER_MODEL,
    HI,
    LATE_MODEL,
    OLD_MODEL,
    Json,
    Sent,
    ask,
    call,
    calls,
    function,
    result,
    send,
)

SHOWN = {"type": "adaptive", "display": "summarized"}


def budget(tokens: int) -> Json:
    return {"type": "enabled", "budget_tokens": tokens}


def asked(sent: Sent) -> tuple[Any, Any]:
    """The thinking and the effort that went out."""
    return sent.body.get("thinking"), sent.body.get("output_config", {}).get("effort")


@pytest.mark.parametrize(
    ("effort", "tokens"),
    [("minimal", 1024), ("low", 1024), ("medium", 4096), ("high", 16_384), ("xhigh", 32_000), ("max", 32_000)],
)
def test_an_effort_as_a_budget_that_leaves_room_to_answer(effort: str, tokens: int) -> None:
    sent = ask(reasoning_effort=effort)
    assert asked(sent) == (budget(tokens), None)
    assert sent.body["max_tokens"] == (64_000 if tokens == 32_000 else 32_000)
    assert sent.warned == []


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
def test_an_effort_where_the_model_thinks_adaptively(effort: str) -> None:
    word = "low" if effort == "minimal" else effort
    assert asked(ask(model=ADAPTIVE_MODEL, reasoning_effort=effort)) == (SHOWN, word)
    expected = {"xhigh": "high"}.get(word, word)
    assert asked(ask(model=EITHER_MODEL, reasoning_effort=effort)) == ({"type": "adaptive"}, expected)


@pytest.mark.parametrize(("most", "sent_most", "told"), [(100, 4196, True), (4096, 8192, True), (4097, 4097, False)])
def test_max_tokens_is_raised_over_the_budget_and_it_is_reported(most: int, sent_most: int, told: bool) -> None:
    sent = ask(reasoning_effort="medium", max_completion_tokens=most)
    assert sent.body["max_tokens"] == sent_most > sent.body["thinking"]["budget_tokens"]
    assert sent.warned == (["max_tokens"] if told else [])


@pytest.mark.parametrize(
    ("model", "wanted", "tokens", "most"),
    [
        (BUDGET_MODEL, 2000, 2000, 32_000),
        (BUDGET_MODEL, 5, 1024, 32_000),
        (BUDGET_MODEL, 40_000, 40_000, 64_000),
        (BUDGET_MODEL, 10**9, 62_976, 64_000),
        (EITHER_MODEL, 3000, 3000, 32_000),
        ("claude-opus-4-1", 31_999, 30_976, 32_000),
        ("somebody-elses", 9000, 7168, 8192),
    ],
)
def test_a_budget_in_tokens_stays_within_what_the_model_takes(model: str, wanted: int, tokens: int, most: int) -> None:
    sent = ask(model=model, reasoning={"max_tokens": wanted})
    assert asked(sent) == (budget(tokens), None)
    assert sent.body["max_tokens"] == most
    assert sent.warned == ([] if tokens == wanted else ["reasoning.max_tokens"])


@pytest.mark.parametrize(("model", "tokens"), [("claude-opus-4-1", 16_000), ("somebody-elses", 4096)])
def test_the_greatest_effort_leaves_half_to_answer_with(model: str, tokens: int) -> None:
    sent = ask(model=model, reasoning_effort="max")
    assert asked(sent) == (budget(tokens), None)
    assert sent.body["max_tokens"] == 2 * tokens


@pytest.mark.parametrize(("wanted", "effort"), [(1000, "low"), (2000, "medium"), (8000, "high"), (24_000, "xhigh")])
def test_a_budget_in_tokens_where_the_model_takes_none(wanted: int, effort: str) -> None:
    sent = ask(model=ADAPTIVE_MODEL, reasoning={"max_tokens": wanted})
    assert asked(sent) == (SHOWN, effort)
    assert sent.warned == ["reasoning.max_tokens"]


@pytest.mark.parametrize(
    ("model", "expected", "told"),
    [
        (BUDGET_MODEL, ({"type": "disabled"}, None), []),
        (ADAPTIVE_MODEL, ({"type": "disabled"}, None), []),
        ("claude-haiku-5-5", ({"type": "disabled"}, None), []),
        ("claude-sonnet-5-5", ({"type": "between_tools"}, None), []),
        (LATE_MODEL, (None, "low"), ["reasoning"]),
        ("claude-fable-5", (None, "low"), ["reasoning"]),
        (OLD_MODEL, (None, None), []),
    ],
)
@pytest.mark.parametrize("fields", [{"reasoning_effort": "none"}, {"reasoning": {"enabled": False}}])
def test_switching_it_off(model: str, expected: tuple[Any, Any], told: list[str], fields: Json) -> None:
    sent = ask(model=model, **fields)
    assert asked(sent) == expected
    assert sent.warned == told


def test_switching_it_on_without_saying_how_much() -> None:
    assert asked(ask(reasoning={"enabled": True})) == (budget(4096), None)
    assert asked(ask(model=EITHER_MODEL, reasoning={"enabled": True})) == ({"type": "adaptive"}, None)
    assert asked(ask(model=ADAPTIVE_MODEL, reasoning={"enabled": True})) == (SHOWN, None)


@pytest.mark.parametrize("model", [BUDGET_MODEL, EITHER_MODEL, ADAPTIVE_MODEL])
def test_reasoning_that_is_to_stay_hidden(model: str) -> None:
    thinking, _ = asked(ask(model=model, reasoning={"effort": "low", "exclude": True}))
    assert thinking["display"] == "omitted"
    assert asked(ask(reasoning={"summary": "auto"}))[0] is None


def test_a_model_that_does_not_reason() -> None:
    sent = ask(model=OLD_MODEL, reasoning_effort="high")
    assert asked(sent) == (None, None)
    assert sent.warned == ["reasoning"]


@pytest.mark.parametrize("model", [BUDGET_MODEL, ADAPTIVE_MODEL])
def test_an_effort_nobody_knows(model: str) -> None:
    with pytest.raises(GatewayError) as caught:
        ask(model=model, reasoning_effort="boundless")
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "reasoning.effort")
    assert ask(model="of-somebody", reasoning_effort="boundless").warned == ["reasoning.effort"]


LOOP = [HI, calls(call("a")), result("a")]
THOUGHT = {"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-claude-v1", "index": 0}


def test_a_tool_loop_that_began_without_anthropics_reasoning_goes_on_without_it() -> None:
    """With a budget Anthropic refuses it: it expects the turn of the call to begin with thinking."""
    sent = ask(*LOOP, tools=[function()], reasoning_effort="high")
    assert asked(sent) == (None, None)
    assert sent.warned == ["reasoning"]


def test_a_tool_loop_that_began_with_it_goes_on_with_it() -> None:
    thoughtful = [HI, {**calls(call("a")), "reasoning_details": [THOUGHT]}, result("a")]
    assert asked(ask(*thoughtful, tools=[function()], reasoning_effort="low")) == (budget(1024), None)
    finished = [*LOOP, {"role": "assistant", "content": "Done."}, HI]
    assert asked(ask(*finished, tools=[function()], reasoning_effort="low")) == (budget(1024), None)
    assert asked(ask(*LOOP, model=ADAPTIVE_MODEL, tools=[function()], reasoning_effort="low")) == (SHOWN, "low")


FORCED: Json = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize("choice", ["required", FORCED])
def test_a_budget_rules_out_a_forced_tool_and_adaptive_thinking_does_so_until_4_7(choice: Any) -> None:
    sent = ask(tools=[function()], tool_choice=choice, reasoning_effort="low")
    assert sent.body["tool_choice"] == {"type": "auto"}
    assert sent.warned == ["tool_choice"]
    sent = ask(model=EITHER_MODEL, tools=[function()], tool_choice=choice, reasoning_effort="low")
    assert (sent.body["tool_choice"], sent.warned) == ({"type": "auto"}, ["tool_choice"])
    sent = ask(model=ADAPTIVE_MODEL, tools=[function()], tool_choice=choice, reasoning_effort="low")
    assert sent.body["tool_choice"]["type"] == ("any" if choice == "required" else "tool")
    assert sent.warned == []


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_free_choice_stays(choice: str) -> None:
    sent = ask(tools=[function()], tool_choice=choice, reasoning_effort="low")
    assert sent.body["tool_choice"] == {"type": choice}


@pytest.mark.parametrize("model", [BUDGET_MODEL, EITHER_MODEL])
def test_thinking_rules_out_sampling(model: str) -> None:
    sent = ask(model=model, reasoning_effort="low", temperature=0.5, top_k=5)
    assert sent.body.keys().isdisjoint({"temperature", "top_k"})
    assert sent.warned == ["temperature", "top_k"]
    assert ask(model=model, reasoning_effort="low", top_p=0.5).warned == ["top_p"]
    assert ask(model=model, reasoning_effort="low", top_p=0.96).body["top_p"] == 0.96
    assert ask(model=model, reasoning_effort="low", temperature=1).body["temperature"] == 1


def test_thinking_as_clients_of_other_gateways_write_it() -> None:
    sent = ask(thinking=budget(20_000), max_tokens=10)
    assert asked(sent) == (budget(20_000), None)
    assert sent.body["max_tokens"] == 20_010


def messages_request(**fields: Any) -> ChatRequest:
    """An Anthropic client's request."""
    body = {"model": "m", "max_tokens": 2000, "messages": [HI], **fields}
    return parse_chat(json.dumps(body).encode()).chat


@pytest.mark.parametrize(
    ("model", "thinking", "config"),
    [
        (BUDGET_MODEL, budget(1500), {}),
        (EITHER_MODEL, budget(1500), {"effort": "max"}),
        (EITHER_MODEL, {"type": "adaptive", "display": "omitted"}, {}),
        (ADAPTIVE_MODEL, {"type": "adaptive"}, {"effort": "xhigh"}),
        (ADAPTIVE_MODEL, {"type": "disabled"}, {}),
        ("claude-sonnet-5-5", {"type": "between_tools"}, {"effort": "low"}),
        (LATE_MODEL, {"type": "of_the_future", "x": 1}, {"effort": "medium"}),
    ],
)
def test_an_anthropic_client_gets_what_it_asks_for(model: str, thinking: Json, config: Json) -> None:
    sent = send(messages_request(thinking=thinking, **({"output_config": config} if config else {})), model)
    assert sent.body["thinking"] == thinking
    assert sent.body.get("output_config", {}) == config
    assert sent.body["max_tokens"] == 2000
    assert sent.warned == []


@pytest.mark.parametrize(
    ("model", "thinking", "expected", "told"),
    [
        (ADAPTIVE_MODEL, budget(1500), (SHOWN, "low"), ["reasoning.max_tokens"]),
        (BUDGET_MODEL, {"type": "adaptive"}, (budget(4096), None), ["max_tokens"]),
        (OLD_MODEL, budget(1500), (None, None), ["reasoning"]),
        (LATE_MODEL, {"type": "disabled"}, (None, "low"), ["reasoning"]),
        ("claude-sonnet-5-5", {"type": "disabled"}, ({"type": "between_tools"}, None), []),
        (BUDGET_MODEL, {"type": "between_tools"}, ({"type": "disabled"}, None), []),
    ],
)
def test_an_anthropic_clients_thinking_on_a_model_of_another_generation(
    model: str, thinking: Json, expected: tuple[Any, Any], told: list[str]
) -> None:
    sent = send(messages_request(thinking=thinking), model)
    assert asked(sent) == expected
    assert sent.warned == told
