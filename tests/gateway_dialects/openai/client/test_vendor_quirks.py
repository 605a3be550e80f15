"""What each vendor does in its own way: exact bodies towards it, and what its answers mean."""

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse, ReasoningSettings
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Part, Reasoning, ToolCall, ToolResult
from dragoman.v1.usage_pb2 import COST_SOURCE_PROVIDER
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai import CLIENT as OPENAI
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges, read_all, recordings_absent

ROWS = {vendor.name: vendor for vendor in VENDORS}
CALL = Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"))
RESULT = Message(role=ROLE_TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="c", parts=[Part(text="1")]))])
SENT_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def thought(text: str = "hm", *, form: str = "", signature: str = "") -> Part:
    details = {"openai.form": form} if form else {}
    return Part(reasoning=Reasoning(text=text, signature=signature), provider_details_json=details)


def sent(vendor: str, *parts: Part, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """The body for a tool loop whose assistant said these parts, and what was left out."""
    messages = [Message(role=ROLE_USER, parts=[Part(text="Hi")]), Message(role=ROLE_ASSISTANT, parts=parts), RESULT]
    row = ROWS[vendor]
    endpoint = Endpoint(vendor, row.dialect, row.url, quirks=row.quirks)
    upstream, warnings = OPENAI.encode_chat(ChatRequest(messages=messages, **fields), "m", endpoint, False)
    return json.loads(upstream.body), [warning.field for warning in warnings]


def turn(vendor: str, *parts: Part, **fields: Any) -> dict[str, Any]:
    """The assistant's message as the vendor gets it."""
    message: dict[str, Any] = sent(vendor, *parts, **fields)[0]["messages"][1]
    return message


def asked(vendor: str, **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """What a body says of reasoning."""
    body, left_out = sent(vendor, Part(text="x"), reasoning=ReasoningSettings(**settings))
    return {name: body[name] for name in body.keys() - {"model", "messages"}}, left_out


def recorded(name: str) -> Exchange:
    for exchange in read_all():
        if exchange.name == name:
            return exchange
    pytest.skip(recordings_absent() or f"no recording {name}")


def answer_of(exchange: Exchange) -> ChatResponse:
    if "stream" in exchange.response:
        return accumulate(read_stream(OPENAI, [exchange.stream]))
    return OPENAI.chat.decode(json.dumps(exchange.body).encode(), "p")


def reasoning_of(answer: ChatResponse) -> str:
    return "".join(part.reasoning.text for part in answer.candidates[0].parts)


@pytest.mark.parametrize(
    ("vendor", "field"),
    [
        ("deepseek", "reasoning_content"),
        ("moonshot", "reasoning_content"),
        ("zai", "reasoning_content"),
        ("fireworks", "reasoning_content"),
        ("groq", "reasoning"),
        ("cerebras", "reasoning"),
        ("ollama", "reasoning"),
        ("together", "reasoning"),
        ("openrouter", "reasoning"),
    ],
)
def test_where_reasoning_is_replayed(vendor: str, field: str) -> None:
    expected = {"role": "assistant", field: "hm", "content": None, "tool_calls": [SENT_CALL]}

    assert turn(vendor, thought(), CALL) == expected


@pytest.mark.parametrize("vendor", [name for name, row in ROWS.items() if row.quirks.reasoning_field_only])
@pytest.mark.parametrize(
    "form",
    [
        '{"strings":["reasoning"]}',
        '{"strings":["reasoning_content","reasoning"]}',
        '{"strings":["reasoning"],"item":{"type":"reasoning.text","format":"unknown"}}',
    ],
)
def test_those_who_refuse_other_spellings_get_their_own(vendor: str, form: str) -> None:
    message = turn(vendor, thought("a", form=form), thought("b", form=form), CALL)

    assert {name: text for name, text in message.items() if "reasoning" in name} == {
        ROWS[vendor].quirks.reasoning_field: "ab"
    }


@pytest.mark.parametrize("vendor", [name for name in ROWS if name not in ("openrouter", "demo")])
def test_what_another_provider_signed_is_not_replayed(vendor: str) -> None:
    body, left_out = sent(vendor, thought(signature="s", form='{"item":{}}'), CALL)

    assert left_out == ["messages[1].parts[0]"]
    assert "hm" not in json.dumps(body)


@pytest.mark.parametrize("vendor", ["deepseek", "moonshot"])
def test_turns_of_other_providers_get_an_empty_reasoning_while_thinking_goes_on(vendor: str) -> None:
    empty = {"role": "assistant", "content": None, "tool_calls": [SENT_CALL], "reasoning_content": ""}
    plain = {"role": "assistant", "content": None, "tool_calls": [SENT_CALL]}

    assert turn(vendor, CALL, reasoning=ReasoningSettings(effort="high")) == empty
    assert turn(vendor, CALL, reasoning=ReasoningSettings(enabled=True)) == empty
    assert turn(vendor, thought(signature="s"), CALL) == empty
    assert turn(vendor, CALL) == plain
    assert turn(vendor, CALL, reasoning=ReasoningSettings(effort="none")) == plain
    assert turn(vendor, thought(signature="s"), CALL, reasoning=ReasoningSettings(enabled=False)) == plain
    assert "reasoning_content" not in turn(vendor, Part(text="4"), reasoning=ReasoningSettings(effort="high"))


@pytest.mark.parametrize("vendor", ["deepseek", "moonshot", "zai"])
@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"enabled": False}, {"thinking": {"type": "disabled"}}),
        ({"enabled": True}, {"thinking": {"type": "enabled"}}),
        ({"effort": "high"}, {"reasoning_effort": "high"}),
    ],
)
def test_thinking_is_switched_by_an_object(vendor: str, settings: dict[str, Any], body: dict[str, Any]) -> None:
    assert asked(vendor, **settings) == (body, [])


def test_groq_is_told_whether_to_show_reasoning() -> None:
    assert asked("groq", effort="low", exclude=True) == ({"reasoning_effort": "low", "include_reasoning": False}, [])
    assert asked("groq", exclude=False) == ({"include_reasoning": True}, [])
    assert asked("xai", exclude=True) == ({}, ["reasoning.exclude"])


def test_a_reasoning_format_of_groqs_goes_as_it_is() -> None:
    body, left_out = sent("groq", Part(text="x"), provider_options_json={"openai": '{"reasoning_format":"parsed"}'})

    assert (body["reasoning_format"], left_out) == ("parsed", [])


def test_what_cerebras_refuses_is_left_out() -> None:
    body, left_out = sent("cerebras", Part(text="x"), frequency_penalty=0.5, logit_bias={"9": 1.0}, temperature=0.5)

    assert left_out == ["frequency_penalty", "logit_bias"]
    assert body["temperature"] == 0.5
    assert not {"frequency_penalty", "logit_bias"} & body.keys()


def test_openrouter_gets_its_signed_reasoning_back() -> None:
    form = '{"item":{"type":"reasoning.text","format":"anthropic-claude-v1","index":0}}'

    assert turn("openrouter", thought(signature="s", form=form), CALL)["reasoning_details"] == [
        {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "text": "hm", "signature": "s"}
    ]


def test_openrouter_takes_the_whole_object() -> None:
    assert asked("openrouter", effort="low", exclude=True) == ({"reasoning": {"effort": "low", "exclude": True}}, [])


@pytest.mark.parametrize(
    "error", ["Generation was stopped", {"message": "Generation was stopped", "code": "tool_use_failed"}]
)
def test_groq_says_inside_a_stream_why_it_stopped(error: object) -> None:
    begun = {"id": "1", "model": "m", "x_groq": {"id": "req"}, "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    stopped = {"id": "1", "choices": [], "x_groq": {"error": error}}
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (begun, stopped)).encode()
    with pytest.raises(GatewayError, match="Generation was stopped") as caught:
        read_stream(OPENAI, [stream])
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("deepseek/stream_thinking", "Hmm"),
        ("deepseek/tools_parallel", "Great, now I have access"),
        ("groq/thinking", "Simple."),
        ("cerebras/thinking", "User asks simple question"),
        ("moonshot/va_moonshotai_reasoning", "Let me count"),
        ("ollama-openai/stream_thinking", "User"),
        ("zai/thinking", "1.  Identify"),
        ("zai/stream_thinking", "\n1"),
        ("openrouter/stream_thinking", ""),
    ],
)
def test_recorded_reasoning_is_found(name: str, begins: str) -> None:
    text = reasoning_of(answer_of(recorded(name)))

    assert text.startswith(begins)
    assert len(text) > 3


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("groq/stream_text", (12, 26, 38)),
        ("deepseek/stream_thinking", (6, 212, 218)),
        ("cloudflare/stream_text", (43, 9, 52)),
        ("together/stream_text", (41, 15, 56)),
    ],
)
def test_recorded_usage_is_found_wherever_it_stands(name: str, usage: tuple[int, int, int]) -> None:
    found = answer_of(recorded(name)).usage

    assert (found.input_tokens, found.output_tokens, found.total_tokens) == usage


@pytest.mark.parametrize(("name", "cost"), [("openrouter/stream_cache_hit", 0.00333825), ("perplexity/text", 0.00502)])
def test_what_a_vendor_says_that_it_cost(name: str, cost: float) -> None:
    found = answer_of(recorded(name)).usage.cost

    assert found.total_usd == pytest.approx(cost)
    assert found.source == COST_SOURCE_PROVIDER


@pytest.mark.parametrize("name", ["perplexity/text", "perplexity/va_perplexity_citations_stream"])
def test_what_was_searched_is_kept(name: str) -> None:
    details = json.loads(answer_of(recorded(name)).provider_details_json["openai"])

    assert all(citation.startswith("http") for citation in details["citations"])
    assert len(details["citations"]) > 2


def test_an_error_of_openrouters_inside_a_whole_answer() -> None:
    choice = {
        "index": 0,
        "message": {"content": "Hel"},
        "finish_reason": "error",
        "error": {"code": 502, "message": "Overrun"},
    }
    with pytest.raises(GatewayError, match="Overrun"):
        OPENAI.chat.decode(json.dumps({"choices": [choice]}).encode(), "p")


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_every_recorded_vendor_of_this_form_has_a_row() -> None:
    names = {exchange.vendor for exchange in exchanges() if not exchange.vendor.startswith("fixtures-")}

    assert names - set(ROWS) == {"azure", "ollama-openai", "openai-chat"}


@pytest.mark.parametrize(("vendor", "takes_them"), [("openrouter", True), ("openai", False), ("groq", False)])
def test_options_that_only_openrouter_takes(vendor: str, takes_them: bool) -> None:
    options = {"openrouter": '{"provider": {"only": ["azure"]}, "model": "other"}', "openai": '{"brand_new": 0.1}'}

    body, left_out = sent(vendor, provider_options_json=options)

    assert (body["model"], body["brand_new"]) == ("m", 0.1)
    assert body.get("provider") == ({"only": ["azure"]} if takes_them else None)
    assert left_out == ([] if takes_them else ["provider", "model"])
