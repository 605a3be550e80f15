"""What the Mistral face refuses, naming the field, and what it reads that OpenAI's does not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import TOOL_CHOICE_MODE_REQUIRED, TOOL_CHOICE_MODE_TOOL
from gateway_dialects.kit.server import ParsedChat
from gateway_dialects.mistral.parse_request import parse_chat, parse_fim

HI = [{"role": "user", "content": "Hi."}]


def parsed(**fields: Any) -> ParsedChat:
    return parse_chat(json.dumps({"model": "m", "messages": HI, **fields}).encode())


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": user(7)}, "messages[0].content"),
        ({"messages": user([{"text": "x"}])}, "messages[0].content[0].type"),
        ({"messages": user([{"type": "text"}])}, "messages[0].content[0].text"),
        ({"messages": user([{"type": "image_url"}])}, "messages[0].content[0].image_url"),
        ({"messages": user([{"type": "thinking"}])}, "messages[0].content[0].thinking"),
        (
            {"messages": user([{"type": "thinking", "thinking": [{"type": "text"}]}])},
            "messages[0].content[0].thinking[0].text",
        ),
        ({"messages": user([{"type": "document_url"}])}, "messages[0].content[0].document_url"),
        ({"messages": user([{"type": "file"}])}, "messages[0].content[0].file_id"),
        ({"messages": user([{"type": "input_audio"}])}, "messages[0].content[0].input_audio"),
        (
            {"messages": user([{"type": "input_audio", "input_audio": {"data": ""}}])},
            "messages[0].content[0].input_audio.format",
        ),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "tool_calls": 7}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"messages": [{"role": "tool", "tool_call_id": 7, "content": ""}]}, "messages[0].tool_call_id"),
        ({"random_seed": "x"}, "random_seed"),
        ({"temperature": "x"}, "temperature"),
        ({"stream": "x"}, "stream"),
        ({"stop": [7]}, "stop[0]"),
        ({"reasoning_effort": 7}, "reasoning_effort"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"function": {}}}, "tool_choice.function.name"),
        ({"response_format": {}}, "response_format.type"),
    ],
)
def test_what_is_refused_names_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.field) == (400, param)


def test_a_call_may_leave_out_its_id_and_write_its_arguments_as_an_object() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1.50}}}]}
    [part] = parsed(messages=[message]).chat.messages[0].parts

    assert (part.tool_call.id, part.tool_call.name, part.tool_call.arguments_json) == ("", "f", '{"a":1.5}')


def test_what_was_shown_of_other_providers_answers() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "X", "start_index": 0, "end_index": 1}}
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "Zoë", "cache_control": {"type": "ephemeral"}}],
        "tool_calls": [{**call, "extra_content": {"google": {"thought_signature": "s"}}}],
        "annotations": [cited],
        "reasoning_details": [{"type": "reasoning.text", "text": "x"}],
        "prefix": True,
    }
    found = parsed(messages=[message]).chat.messages[0]
    text, called = found.parts

    assert [citation.uri for citation in text.citations] == ["https://x"]
    assert (called.signature.provider, called.signature.value) == ("gemini", "s")
    assert text.HasField("cache_hint")
    assert not (text.provider_details_json or called.provider_details_json)
    assert json.loads(found.provider_details_json["mistral"]) == {"prefix": True}


def test_the_choice_of_a_tool() -> None:
    named = parsed(tool_choice={"function": {"name": "f"}}).chat.tool_choice

    assert (named.mode, named.tool_name) == (TOOL_CHOICE_MODE_TOOL, "f")
    assert parsed(tool_choice="any").chat.tool_choice.mode == TOOL_CHOICE_MODE_REQUIRED
    assert parsed(tool_choice="required").chat.tool_choice.mode == TOOL_CHOICE_MODE_REQUIRED


def test_what_no_other_provider_knows_is_an_option_of_mistrals() -> None:
    chat = parsed(safe_prompt=True, random_seed=7, user="u").chat

    assert json.loads(chat.provider_options_json["mistral"]) == {"safe_prompt": True, "user": "u"}
    assert (chat.seed, chat.user) == (7, "")
    assert list(chat.provider_options_json) == ["mistral"]


ANY = st.recursive(
    st.sampled_from([None, True, 0, 2**70, 0.5, "", "text", "thinking", "user", "assistant", "tool", "function"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "thinking", "image_url", "function", "name", "tool_calls", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(ANY, ANY, ANY)
@settings(max_examples=150)
def test_nothing_else_is_raised(message: object, tool: object, choice: object) -> None:
    body = {"model": "m", "messages": [message, {"role": "user", "content": [tool]}], "tools": [tool], "tool_choice": choice}
    try:
        assert parse_chat(json.dumps(body).encode()).chat.model == "m"
    except GatewayError as failure:
        assert failure.http_status == 400


def test_a_gap_to_fill() -> None:
    body = {
        "model": "codestral-latest",
        "prompt": "def f(",
        "suffix": "return x",
        "max_tokens": 9,
        "stream": True,
        "stop": "#",
    }
    parsed = parse_fim(json.dumps(body).encode())
    chat = parsed.chat
    (part,) = chat.messages[0].parts
    assert (chat.model, chat.max_tokens, list(chat.stop), parsed.stream) == ("codestral-latest", 9, ["#"], True)
    assert part.opaque.dialect == "mistral"
    assert json.loads(part.opaque.json) == {"type": "fim", "prompt": "def f(", "suffix": "return x"}


def test_a_gap_without_an_end() -> None:
    (part,) = parse_fim(b'{"model": "m", "prompt": "a", "suffix": null, "min_tokens": 3}').chat.messages[0].parts
    assert json.loads(part.opaque.json) == {"type": "fim", "prompt": "a"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"suffix": 1}, "suffix"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"max_tokens": "9"}, "max_tokens"),
    ],
)
def test_a_gap_that_is_none(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_fim(json.dumps({"model": "m", "prompt": "a", **fields}).encode())
    assert (caught.value.http_status, caught.value.field) == (400, param)
