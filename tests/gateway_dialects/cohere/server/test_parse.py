import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    ChatRequest,
)
from dragoman.v1.content_pb2 import ROLE_TOOL
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.cohere.parse_request import parse_chat
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import written_details_of
from gateway_dialects.openai import CLIENT as OPENAI

FUNCTION = {"name": "f", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def parsed(**fields: Any) -> ChatRequest:
    body = {"model": "openai/m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return parse_chat(json.dumps(body).encode()).chat


def refused(**fields: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    return caught.value


def sent_to_openai(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    """What a provider of another dialect gets from a client of Cohere's."""
    upstream, warnings = OPENAI.encode_chat(parsed(**fields), "m", Endpoint("p", "openai", "http://u"), False)
    body = json.loads(upstream.body)
    del body["model"]
    return body, [warning.field for warning in warnings]


def test_settings() -> None:
    request = parsed(
        p=0.9, k=0, stop_sequences=["END"], max_tokens=9, temperature=0.5, seed=1, logprobs=True, safety_mode="OFF"
    )

    assert (request.top_p, request.top_k, list(request.stop), request.max_tokens) == (0.9, 0, ["END"], 9)
    assert (request.temperature, request.seed, request.logprobs) == (0.5, 1, True)
    assert request.provider_options_json["cohere"] == '{"safety_mode":"OFF"}'


@pytest.mark.parametrize(("stream", "expected"), [(None, False), (False, False), (True, True)])
def test_whether_to_stream(stream: bool | None, expected: bool) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}

    assert parse_chat(json.dumps(body).encode()).stream is expected


def test_tools_and_choices() -> None:
    request = parsed(tools=[TOOL, {"type": "search", "x": 1}], strict_tools=True, tool_choice="REQUIRED")

    assert (request.tools[0].function.name, request.tools[0].function.strict) == ("f", True)
    assert (request.tools[1].opaque.dialect, request.tools[1].opaque.json) == ("cohere", '{"type":"search","x":1}')
    assert request.tool_choice.mode == TOOL_CHOICE_MODE_REQUIRED
    assert parsed(tool_choice="NONE").tool_choice.mode == TOOL_CHOICE_MODE_NONE
    assert json.loads(parsed(tool_choice="AUTO", strict_tools=True).provider_options_json["cohere"]) == {
        "tool_choice": "AUTO",
        "strict_tools": True,
    }


def test_forms_of_the_answer() -> None:
    schema = {"type": "object", "properties": {}}
    form = parsed(response_format={"type": "json_object", "json_schema": schema}).response_format

    assert (form.type, form.name, json.loads(form.schema_json)) == (RESPONSE_FORMAT_TYPE_JSON_SCHEMA, "answer", schema)
    assert parsed(response_format={"type": "json_object"}).response_format.type == RESPONSE_FORMAT_TYPE_JSON_OBJECT
    assert not parsed(response_format={"type": "xml"}).HasField("response_format")


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"type": "disabled"}, {"enabled": False}),
        ({"type": "enabled"}, {"enabled": True}),
        ({"type": "enabled", "token_budget": 500}, {"max_tokens": 500, "effort": "low"}),
        ({"type": "enabled", "token_budget": 31000}, {"max_tokens": 31000, "effort": "xhigh"}),
    ],
)
def test_thinking(thinking: dict[str, Any], expected: dict[str, Any]) -> None:
    reasoning = parsed(thinking=thinking).reasoning
    found = {descriptor.name: value for descriptor, value in reasoning.ListFields()}
    del found["provider_details_json"]

    assert found == expected
    assert list(reasoning.provider_details_json) == ["cohere.form"]
    assert written_details_of(reasoning, "cohere") == {"thinking": thinking}


def test_what_another_dialect_is_sent() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://x/a.png"}}],
        },
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "document", "document": {"id": "d", "data": {"sky": "clear"}}}],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Clear."}],
            "citations": [{"start": 0}],
        },
        {"role": "user", "content": "Sure?"},
    ]
    body, warned = sent_to_openai(
        messages=messages,
        p=0.5,
        k=3,
        stop_sequences=["END"],
        tools=[TOOL],
        strict_tools=True,
        tool_choice="REQUIRED",
        thinking={"type": "enabled", "token_budget": 5000},
        documents=[{"data": {"text": "x"}}],
        safety_mode="OFF",
    )

    assert body["messages"] == [
        messages[0],
        messages[1],
        {"role": "assistant", "content": None, "reasoning_content": "I will look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"sky":"clear"}'},
        {"role": "assistant", "reasoning_content": "Hm.", "content": "Clear."},
        messages[5],
    ]
    assert {name: value for name, value in body.items() if name != "messages"} == {
        "top_p": 0.5,
        "top_k": 3,
        "stop": ["END"],
        "tools": [{"type": "function", "function": {**FUNCTION, "strict": True}}],
        "tool_choice": "required",
        "reasoning_effort": "medium",
    }
    assert sorted(warned) == ["documents", "messages[4].parts[1].citations", "reasoning.max_tokens", "safety_mode"]


def test_citations() -> None:
    page = {"type": "tool", "id": "t", "tool_output": {"url": "https://x", "title": "X"}}
    citations: list[dict[str, Any]] = [
        {"start": 0, "end": 1, "text": "I", "sources": [], "type": "PLAN"},
        {"start": 0, "end": 2, "text": "It", "sources": [page, {"type": "document", "id": "d"}], "content_index": 1},
        {"start": 0, "content_index": 7},
    ]
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "It is."}]
    turn = {"role": "assistant", "tool_plan": "I will.", "content": content, "citations": citations}
    message = parsed(messages=[turn]).messages[0]
    plan, thought, text = message.parts

    assert [len(part.citations) for part in (plan, thought, text)] == [1, 0, 2]
    assert (text.citations[0].uri, text.citations[0].title, text.citations[0].end_index) == ("https://x", "X", 2)
    assert [citation.source_id for citation in text.citations] == ["t", "d"]
    assert json.loads(message.provider_details_json["cohere"]) == {"citations": [citations[2]]}


def test_fields_of_a_text_block_that_signed_reasoning_has_too() -> None:
    block = {"type": "text", "text": "x", "id": "b1"}
    part = parsed(messages=[{"role": "user", "content": [block]}]).messages[0].parts[0]

    assert json.loads(part.provider_details_json["cohere"]) == {"id": "b1"}


def test_what_another_provider_signed_is_given_back() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "provider": "anthropic", "signature": "s", "encrypted": "e"}
    thought["id"] = "rs_1"
    request = parsed(messages=[{"role": "assistant", "content": [thought]}])
    reasoning = request.messages[0].parts[0].reasoning

    assert (reasoning.text, reasoning.provider, reasoning.signature, reasoning.encrypted) == ("Hm.", "anthropic", "s", "e")
    assert reasoning.id == "rs_1"


def test_a_document_in_words() -> None:
    contents: list[dict[str, Any]] = [{"document": {"data": "plain"}}, {"document": {"title": "t"}}, {"document": "bare"}]
    blocks = [{"type": "document", **content} for content in contents]
    message = parsed(messages=[{"role": "tool", "tool_call_id": "c", "content": blocks}]).messages[0]

    assert message.role == ROLE_TOOL
    assert [part.text for part in message.parts[0].tool_result.parts] == ["plain", '{"title":"t"}', "bare"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": [{"type": "document"}]}]},
            "messages[0].content[0].document",
        ),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "tool_plan": 5}]}, "messages[0].tool_plan"),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{"role": "assistant", "tool_calls": [{**CALL, "id": 5}]}]}, "messages[0].tool_calls[0].id"),
        ({"messages": [{"role": "assistant", "content": "x", "citations": "y"}]}, "messages[0].citations"),
        ({"tools": "x"}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools[0].function.parameters"),
        ({"tool_choice": {}}, "tool_choice"),
        ({"strict_tools": "yes"}, "strict_tools"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_object", "json_schema": 5}}, "response_format.json_schema"),
        ({"thinking": {"token_budget": 5}}, "thinking.type"),
        ({"thinking": {"type": "enabled", "token_budget": "5"}}, "thinking.token_budget"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stop_sequences": [5]}, "stop_sequences[0]"),
        ({"k": 1.5}, "k"),
        ({"p": "x"}, "p"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    failure = refused(**fields)

    assert (failure.http_status, failure.field) == (400, param)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"\xff", b"{" * 100_000])
def test_what_is_no_object(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_chat(body)
    assert caught.value.http_status == 400


NAMES = (
    *("role", "content", "type", "text", "thinking", "image_url", "url", "document", "data", "tool_plan", "tool_calls"),
    *("id", "function", "name", "arguments", "citations", "sources", "content_index", "start", "end", "parameters"),
)
SCALARS = [None, True, 0, 2**70, 0.5, "", "text", "thinking", "document", "user", "assistant", "tool", "function", "PLAN"]
ANY = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["assistant", "user", "tool"])},
    optional={"content": ANY | st.lists(ANY, max_size=2), "tool_plan": ANY, "tool_calls": st.lists(ANY), "citations": ANY},
)


@given(TURN | ANY, ANY, st.dictionaries(st.sampled_from(["thinking", "response_format", "documents", "k"]), ANY, max_size=2))
@settings(max_examples=300, derandomize=True, database=None)
def test_nothing_else_is_raised_and_what_is_read_can_be_sent(message: object, tool: object, fields: dict[str, Any]) -> None:
    try:
        request = parsed(messages=[message, {"role": "user", "content": [tool]}], tools=[tool], **fields)
        COHERE.encode_chat(request, "m", Endpoint("p", "cohere", "http://u"), False)
    except GatewayError as failure:
        assert failure.http_status == 400
