"""A model gets what it takes: what it refuses is left out or brought to the nearest, with a warning."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_USER, Message, Part, Reasoning
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
        (("low", "high"), "none", "low"),
        (("none", "low"), "none", "none"),
        ((), "high", ""),
        (None, "high", "high"),
        (None, "heroic", "heroic"),
        (("none", "default"), "default", "default"),
    ],
)
def test_the_nearest_effort(efforts: tuple[str, ...] | None, effort: str, word: str) -> None:
    model = Capabilities(reasoning=True, efforts=efforts)
    result, warned = fitted(asked(reasoning=ReasoningSettings(effort=effort)), model)
    assert result.reasoning.effort == word
    assert warned == ([] if word == effort else ["reasoning.effort"])


@pytest.mark.parametrize("model", [{"efforts": ("low", "high")}, {"budget": (1, 9)}])
def test_an_effort_that_is_none(model: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        fitted(asked(reasoning=ReasoningSettings(effort="heroic")), Capabilities(reasoning=True, **model))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "reasoning.effort")
    assert "heroic" in caught.value.message
    assert "low" in caught.value.message


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


def test_more_stop_texts_than_it_takes() -> None:
    assert fitted(asked(stop="abcde"), Capabilities(most_stops=4)) == (asked(stop="abcd"), ["stop"])
    assert fitted(asked(stop="abcd"), Capabilities(most_stops=4)) == (asked(stop="abcd"), [])


@pytest.mark.parametrize(("bound", "sent"), [(1, 16), (16, 16), (100, 100), (128_000, 16_384)])
@pytest.mark.parametrize("name", ["max_tokens", "max_output_tokens"])
def test_the_bound_of_tokens(name: str, bound: int, sent: int) -> None:
    model = Capabilities(least_output=16, most_output=16_384)
    assert fitted(asked(**{name: bound}), model) == (asked(**{name: sent}), ["max_tokens"] if sent != bound else [])


def test_both_spellings_of_the_bound_follow_the_one_that_counts() -> None:
    model = Capabilities(most_output=100)
    both = asked(max_tokens=500, max_output_tokens=500)
    assert fitted(both, model) == (asked(max_tokens=100, max_output_tokens=100), ["max_tokens"])
    assert fitted(asked(max_tokens=500, max_output_tokens=50), model)[1] == []


def test_a_bound_that_is_the_client_s_own_affair_is_kept() -> None:
    model = Capabilities(most_output=100, least_output=16)
    kept, warnings = fit_to_model(asked(max_tokens=500), model, "p", keeps_bound=True)
    assert (kept.max_tokens, list(warnings)) == (500, [])
    assert fit_to_model(asked(max_tokens=1), model, "p", keeps_bound=True)[0].max_tokens == 16


SWITCHED = Capabilities(
    reasoning=True, efforts=("none", "high"), refused_reasoning=frozenset({"temperature"}), reasons_unasked=True
)


@pytest.mark.parametrize(
    ("settings", "kept"), [({}, False), ({"effort": "none"}, True), ({"enabled": False}, True), ({"effort": "high"}, False)]
)
def test_what_is_refused_only_while_it_reasons(settings: dict[str, Any], kept: bool) -> None:
    request = asked(temperature=0.5, reasoning=ReasoningSettings(**settings))
    result, warned = fitted(request, SWITCHED)
    assert (result.HasField("temperature"), warned) == (kept, [] if kept else ["temperature"])


@pytest.mark.parametrize(
    ("always", "settings", "expected", "warned"),
    [
        (True, {"effort": "high"}, {}, ["reasoning.effort"]),
        (True, {"enabled": True}, {}, []),
        (True, {"effort": "none"}, {}, ["reasoning.effort"]),
        (True, {"enabled": False}, {}, ["reasoning"]),
        (False, {"effort": "high"}, {"enabled": True}, ["reasoning.effort"]),
        (False, {"effort": "none"}, {"enabled": False}, []),
        (False, {"enabled": True}, {"enabled": True}, []),
    ],
)
def test_a_model_that_takes_no_effort(
    always: bool, settings: dict[str, Any], expected: dict[str, Any], warned: list[str]
) -> None:
    model = Capabilities(reasoning=True, efforts=(), always_reasons=always)
    result, found = fitted(asked(reasoning=ReasoningSettings(**settings)), model)
    assert (result.reasoning, found) == (ReasoningSettings(**expected), warned)


def test_the_only_word_for_reasoning_may_be_the_provider_s_own() -> None:
    model = Capabilities(reasoning=True, efforts=("none", "default"))
    assert fitted(asked(reasoning=ReasoningSettings(effort="low")), model)[0].reasoning.effort == "default"


F = Tool(function=FunctionTool(name="f", strict=True))


@pytest.mark.parametrize(("effort", "warned"), [("high", ["reasoning"]), ("", []), ("none", [])])
def test_an_api_without_tools_beside_reasoning_gets_the_tools(effort: str, warned: list[str]) -> None:
    model = Capabilities(reasoning=True, reasons_unasked=True, tools_api="openai-responses")
    asked_for = asked(tools=[F], reasoning=ReasoningSettings(effort=effort) if effort else None)
    off = asked(tools=[F], reasoning=ReasoningSettings(effort="none"))
    assert fitted(asked_for, model) == (off, warned)
    assert fitted(asked(reasoning=ReasoningSettings(effort="high")), model)[1] == []


@pytest.mark.parametrize(("temperature", "top_p", "warned"), [(0, 0.4, ["top_p"]), (0, 1, []), (0.3, 0.4, [])])
def test_top_p_beside_the_temperature_0(temperature: float, top_p: float, warned: list[str]) -> None:
    request = asked(temperature=temperature, top_p=top_p)
    result, found = fitted(request, Capabilities(greedy_alone=True))
    assert (result.HasField("top_p"), found) == (bool(temperature), warned)


def test_a_choice_that_is_not_free() -> None:
    needed = asked(tools=[F], tool_choice=ToolChoice(mode=TOOL_CHOICE_MODE_REQUIRED))
    model = Capabilities(reasoning=True, forced_reasoning=False)
    assert fitted(needed, model) == (needed, [])
    needed.reasoning.effort = "high"
    assert fitted(needed, model)[1] == ["tool_choice"]
    denied = asked(tools=[F], tool_choice=ToolChoice(mode=TOOL_CHOICE_MODE_NONE))
    assert fitted(denied, Capabilities(denied_tools=False)) == (asked(), [])


def test_json_mode_beside_a_schema_alone() -> None:
    model = Capabilities(structured="only schema")
    assert fitted(asked(response_format=SCHEMA), model) == (asked(response_format=SCHEMA), [])
    assert fitted(asked(response_format=OBJECT), model)[1] == ["response_format"]


REQUIRED = ToolChoice(mode=TOOL_CHOICE_MODE_REQUIRED)
AUTO = ToolChoice(mode=TOOL_CHOICE_MODE_AUTO)


def test_without_tools_there_is_nothing_to_choose() -> None:
    assert fitted(asked(tool_choice=AUTO, parallel_tool_calls=False), UNKNOWN) == (asked(), [])
    assert fitted(asked(tool_choice=REQUIRED), UNKNOWN) == (asked(), ["tool_choice"])
    with_tools = asked(tools=[F], tool_choice=REQUIRED, parallel_tool_calls=False)
    assert fitted(with_tools, UNKNOWN) == (with_tools, [])


def test_a_model_without_tools_gets_none() -> None:
    request = asked(tools=[F], tool_choice=REQUIRED, parallel_tool_calls=True)
    assert fitted(request, Capabilities(tools=False)) == (asked(), ["tools"])


def test_what_a_model_does_not_take_of_tools() -> None:
    loose = Tool(function=FunctionTool(name="f"))
    assert fitted(asked(tools=[F]), Capabilities(strict_tools=False)) == (asked(tools=[loose]), ["tools[0].function.strict"])
    alone = asked(tools=[F], parallel_tool_calls=False)
    assert fitted(alone, Capabilities(parallel_tools=False)) == (asked(tools=[F]), ["parallel_tool_calls"])
    named = asked(tools=[F], tool_choice=ToolChoice(mode=TOOL_CHOICE_MODE_TOOL, tool_name="f"))
    for forced in (named, asked(tools=[F], tool_choice=REQUIRED)):
        free = asked(tools=[F], tool_choice=AUTO)
        assert fitted(forced, Capabilities(forced_tools=False)) == (free, ["tool_choice"])


SCHEMA = ResponseFormat(type=RESPONSE_FORMAT_TYPE_JSON_SCHEMA, name="o", schema_json='{"type":"object"}', strict=True)
OBJECT = ResponseFormat(type=RESPONSE_FORMAT_TYPE_JSON_OBJECT)


def said(request: ChatRequest) -> list[str]:
    return [part.text for message in request.messages for part in message.parts]


def test_a_schema_in_words_beside_json_mode() -> None:
    result, warned = fitted(asked(response_format=SCHEMA), Capabilities(structured="json", json_word=True))
    assert (result.response_format, warned) == (OBJECT, ["response_format"])
    assert [message.role for message in result.messages] == [ROLE_SYSTEM, ROLE_USER]
    assert SCHEMA.schema_json in said(result)[0]


@pytest.mark.parametrize("form", [SCHEMA, OBJECT])
def test_a_form_in_words_alone(form: ResponseFormat) -> None:
    result, warned = fitted(asked(response_format=form), Capabilities(structured="words"))
    assert (result.HasField("response_format"), warned) == (False, ["response_format"])
    assert "JSON" in said(result)[0]


def test_words_stand_behind_the_application_s_own() -> None:
    request = asked(response_format=OBJECT)
    request.messages.insert(0, Message(role=ROLE_SYSTEM, parts=[Part(text="Be kind.")]))
    assert said(fitted(request, Capabilities(structured="words"))[0])[::2] == ["Be kind.", "Hi"]


def test_beside_tools_a_form_may_be_words_only() -> None:
    model = Capabilities(structured="schema", json_with_tools=False)
    result, warned = fitted(asked(response_format=SCHEMA, tools=[F]), model)
    assert (result.HasField("response_format"), warned) == (False, ["response_format"])
    assert said(result)[0].startswith("Unless you call a tool: ")
    assert fitted(asked(response_format=SCHEMA), model) == (asked(response_format=SCHEMA), [])


def test_json_mode_says_json_once() -> None:
    model = Capabilities(structured="schema", json_word=True)
    result, warned = fitted(asked(response_format=OBJECT), model)
    assert ("JSON" in said(result)[0], result.response_format, warned) == (True, OBJECT, [])
    assert fitted(result, model) == (result, [])


def test_reasoning_is_not_given_back_to_a_model_that_refuses_it() -> None:
    request = asked()
    request.messages.add(role=ROLE_ASSISTANT, parts=[Part(reasoning=Reasoning(text="r")), Part(text="b")])
    result, warned = fitted(request, Capabilities(replays_reasoning=False))
    assert (list(result.messages[1].parts), warned) == ([Part(text="b")], ["messages[1]"])
    assert fitted(asked(), Capabilities(replays_reasoning=False)) == (asked(), [])
