"""A model gets what it takes: what it refuses is left out or brought to the nearest, with a warning."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.content_pb2 import ROLE_USER, Message, Part
from gateway_core.models.fit import fit_to_model
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.capabilities import UNKNOWN, Capabilities


def asked(**fields: Any) -> ChatRequest:
    return ChatRequest(messages=[Message(role=ROLE_USER, parts=[Part(text="Hi")])], **fields)


def fitted(request: ChatRequest, model: Capabilities) -> tuple[ChatRequest, list[str]]:
    """The request, and the fields that warnings name."""
    before = request.SerializeToString(deterministic=True)
    result, warnings = fit_to_model(request, model, "p")
    assert request.SerializeToString(deterministic=True) == before
    assert all(warning.provider == "p" and warning.message for warning in warnings)
    return result, [warning.field for warning in warnings]


REASONING = Capabilities(reasoning=True, refused=frozenset({"temperature", "stop", "logit_bias", "logprobs"}))


def test_an_unknown_model_gets_what_the_client_said() -> None:
    request = asked(temperature=7, stop=["a"] * 99, max_tokens=10**9, reasoning=ReasoningSettings(effort="max"))
    assert fit_to_model(request, UNKNOWN, "p")[0] is request


def test_a_request_that_asks_for_nothing_special_is_not_copied() -> None:
    request = asked(top_p=0.5, max_tokens=100)
    assert fit_to_model(request, REASONING, "p")[0] is request


def test_what_is_refused_is_left_out_with_a_warning() -> None:
    request = asked(temperature=0.5, top_p=0.5, stop=["a"], logit_bias={"1": 1}, logprobs=True)
    result, warned = fitted(request, REASONING)
    assert result == asked(top_p=0.5)
    assert sorted(warned) == ["logit_bias", "logprobs", "stop", "temperature"]


def test_what_asks_for_nothing_is_left_out_without_a_warning() -> None:
    assert fitted(asked(temperature=1, logprobs=False), REASONING) == (asked(), [])


def test_a_number_is_brought_into_its_range() -> None:
    model = Capabilities(ranges=(("temperature", 0.0, 1.0),))
    assert fitted(asked(temperature=1.8), model) == (asked(temperature=1), ["temperature"])
    assert fitted(asked(temperature=-1), model) == (asked(temperature=0), ["temperature"])
    assert fitted(asked(temperature=0.7), model) == (asked(temperature=0.7), [])


@pytest.mark.parametrize(
    ("efforts", "effort", "word"),
    [
        (("low", "high"), "medium", "high"),
        (("low", "medium", "high", "max"), "xhigh", "high"),
        (("low", "medium"), "minimal", "low"),
        (("none", "high"), "low", "high"),
        (("low", "high"), "heroic", "heroic"),
        (("low", "high"), "none", "low"),
        (("none", "low"), "none", "none"),
        ((), "high", ""),
        (None, "high", "high"),
    ],
)
def test_the_nearest_effort(efforts: tuple[str, ...] | None, effort: str, word: str) -> None:
    model = Capabilities(reasoning=True, efforts=efforts)
    result, warned = fitted(asked(reasoning=ReasoningSettings(effort=effort)), model)
    assert result.reasoning.effort == word
    assert warned == ([] if word == effort else ["reasoning.effort"])


def test_switching_off_is_the_least_effort_where_there_is_no_other_way() -> None:
    off = asked(reasoning=ReasoningSettings(enabled=False))
    least = asked(reasoning=ReasoningSettings(effort="low"))
    assert fitted(off, Capabilities(reasoning=True, efforts=("low", "high"))) == (least, ["reasoning.effort"])
    assert fitted(off, Capabilities(reasoning=True, efforts=("none", "high"))) == (off, [])
    assert fitted(off, Capabilities(reasoning=True, efforts=("low", "high"), off_by_effort=False)) == (off, [])


@pytest.mark.parametrize("settings", [{"effort": "none"}, {"enabled": False}])
def test_a_model_that_does_not_reason_needs_no_switch(settings: dict[str, Any]) -> None:
    request = asked(reasoning=ReasoningSettings(**settings))
    assert fitted(request, Capabilities(reasoning=False)) == (asked(), [])


@pytest.mark.parametrize("settings", [{"effort": "high"}, {"enabled": True}, {"max_tokens": 1000}])
def test_a_model_that_does_not_reason_is_not_asked_to(settings: dict[str, Any]) -> None:
    request = asked(reasoning=ReasoningSettings(**settings))
    assert fitted(request, Capabilities(reasoning=False)) == (asked(), ["reasoning"])


def test_a_vendor_narrows_what_its_models_take() -> None:
    assert ModelTable("groq", "openai", ("none", "low", "high"))("openai/gpt-oss-20b").efforts == ("low", "high")
    assert ModelTable("openrouter", "openai")("openai/gpt-5").efforts == (
        *("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    )
    assert ModelTable("p", "openai", ("none", "high"))("gpt-4o").reasoning is False


@pytest.mark.parametrize(
    "name",
    [
        *("gpt-5-mini", "openai/gpt-5-mini", "openai/gpt-5-mini:free", "GPT-5-mini", "gpt-5-mini-2025-08-07"),
        *("ft:gpt-5-mini:acme::id", "gpt-5-mini:nitro", "us.openai.gpt-5-mini-v1:0"),
    ],
)
def test_a_name_is_found_as_hosts_write_it(name: str) -> None:
    assert ModelTable("p", "openai")(name).efforts == ("minimal", "low", "medium", "high")


def test_names_that_clients_choose_do_not_pile_up() -> None:
    table = ModelTable("p", "openai")
    for number in range(5000):
        table(f"m-{number}")
    assert table("gpt-4o").most_stops == 4
