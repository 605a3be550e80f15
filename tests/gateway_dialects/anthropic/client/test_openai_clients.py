"""Claude through an OpenAI client: the exact request that goes out, and the exact answer and chunks that come back."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.gateway_dialects.anthropic.client.answering import STOP, Json, block, decode, end, start, text, tool, wire
from tests.gateway_dialects.anthropic.client.asking import HI, ask, call, calls, function, result
from tests.laws.languages.openai import chunks_of, fold_chunks
from tests.laws.reading import read_stream

CACHE = {"type": "ephemeral"}
USAGE: Json = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 20,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 3},
    "service_tier": "standard",
}
CHAT_USAGE: Json = {
    "prompt_tokens": 130,
    "completion_tokens": 7,
    "total_tokens": 137,
    "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 3,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "S="}
SEALED: Json = {"type": "redacted_thinking", "data": "R="}
SEARCH: Json = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"encrypted_content": "E"}]}
SAID: Json = {"type": "text", "text": "I look."}
LOOK: Json = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"x": 1}}
NOW: Json = {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}
CONTENT = [THOUGHT, SEALED, SEARCH, FOUND, SAID, LOOK, NOW]
DETAILS: list[Json] = [
    {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "text": "Hm.", "signature": "S="},
    {"type": "reasoning.encrypted", "format": "anthropic-claude-v1", "index": 1, "data": "R="},
]


def test_a_whole_request() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    sent = ask(
        {"role": "developer", "content": [{"type": "text", "text": "Be brief.", "cache_control": CACHE}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": "https://e/a.png"}},
            ],
        },
        {**calls(call("call_1", "look", '{"x":1}'), call("call_2", "now", "")), "reasoning_details": DETAILS},
        result("call_1", "a cat"),
        result("call_2", "noon"),
        {"role": "user", "content": "And now?"},
        tools=[function("look", description="Looks.", parameters=schema), function("now")],
        tool_choice="auto",
        parallel_tool_calls=False,
        temperature=0.2,
        max_completion_tokens=500,
        stop="END",
        user="u-1",
        stream=True,
        stream_options={"include_usage": True},
    )
    assert sent.body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": CACHE}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "source": {"type": "url", "url": "https://e/a.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    THOUGHT,
                    SEALED,
                    {"type": "tool_use", "id": "call_1", "name": "look", "input": {"x": 1}},
                    {"type": "tool_use", "id": "call_2", "name": "now", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "a cat"},
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "noon"},
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [
            {"name": "look", "description": "Looks.", "input_schema": schema},
            {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "temperature": 0.2,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    }
    assert sent.warned == []


def rendered(*content: Json, **fields: Any) -> Json:
    found: Json = json.loads(render_chat(decode(*content, **fields), "fallback", 1234))
    return found


def test_a_whole_answer() -> None:
    assert rendered(*CONTENT, stop_reason="tool_use", usage=USAGE) == {
        "id": "msg_1",
        "object": "chat.completion",
        "created": 1234,
        "model": "claude-x",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "I look.",
                    "refusal": None,
                    "reasoning_content": "Hm.",
                    "reasoning_details": DETAILS,
                    "tool_calls": [
                        {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}},
                        {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                    ],
                    "opaque": [{"dialect": "anthropic", "content": SEARCH}, {"dialect": "anthropic", "content": FOUND}],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
                "native_finish_reason": "tool_use",
            }
        ],
        "usage": CHAT_USAGE,
        "system_fingerprint": None,
        "service_tier": "default",
    }


def test_an_answer_of_tools_alone_has_no_content() -> None:
    message = rendered(NOW, stop_reason="tool_use")["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_why_it_ended(word: str, reason: str) -> None:
    choice = rendered(SAID, stop_reason=word)["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (reason, word)
    last = chunks_of(streamed(*text(0, "x"), stop_reason=word))[-1]["choices"][0]
    assert (last["finish_reason"], last["native_finish_reason"]) == (reason, word)


def streamed(*events: Json, stop_reason: str = "tool_use", include_usage: bool = False) -> bytes:
    """The chunks that an OpenAI client gets."""
    first = {name: value for name, value in USAGE.items() if name != "output_tokens_details"}
    told = [start(usage={**first, "output_tokens": 1}), {"type": "ping"}, *events, end(stop_reason, USAGE), STOP]
    renderer = ChunkRenderer(include_usage=include_usage, fallback_id="fallback", now=1234)
    return b"".join(renderer.render(batch) for batch in read_stream(ANTHROPIC, [wire(told)]))


def json_pieces(*pieces: str) -> list[Json]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


BEGUN: Json = {"type": "thinking", "thinking": "", "signature": ""}
EVENTS: list[Json] = [
    *block(0, BEGUN, {"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": "S="}),
    *block(1, SEALED),
    *block(2, {**SEARCH, "input": {}}, *json_pieces("", '{"query":', '"x"}')),
    *block(3, FOUND),
    *text(4, "I ", "look."),
    *tool(5, "toolu_1", "look", "", '{"x"', ":1}"),
    *tool(6, "toolu_2", "now", ""),
]


def test_a_streams_chunks() -> None:
    chunks = chunks_of(streamed(*EVENTS, include_usage=True))
    head = {"id": "msg_1", "object": "chat.completion.chunk", "created": 1234, "model": "claude-x"}
    assert all(chunk.items() >= head.items() for chunk in chunks)
    sealed = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-2]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_details": [{**sealed, "text": "Hm."}], "reasoning_content": "Hm."},
        {"reasoning_details": [{**sealed, "signature": "S="}]},
        {"reasoning_details": [DETAILS[1]]},
        {"opaque": [{"index": 0, "dialect": "anthropic", "content": SEARCH}]},
        {"opaque": [{"index": 1, "dialect": "anthropic", "content": FOUND}]},
        {"content": "I "},
        {"content": "look."},
        {"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {"tool_calls": [{"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]
    ending = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls", "native_finish_reason": "tool_use"}
    assert chunks[-2]["choices"] == [ending]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], CHAT_USAGE)


def test_usage_is_shown_only_where_it_was_asked_for() -> None:
    assert not any(chunk.get("usage") for chunk in chunks_of(streamed(*text(0, "x"))))


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_that_is_given_back_is_what_anthropic_wrote(is_stream: bool) -> None:
    """Thinking, seals, server tools and calls as they were; Anthropic takes back nothing else in their place."""
    if is_stream:
        message = fold_chunks(streamed(*EVENTS))["choices"][0]["message"]
    else:
        message = rendered(*CONTENT, stop_reason="tool_use")["choices"][0]["message"]
    answers = [result("toolu_1", "cat"), result("toolu_2", "noon")]
    sent = ask(HI, message, *answers, tools=[function("look"), function("now")])
    assert sent.turns[1] == {"role": "assistant", "content": CONTENT}
    assert sent.warned == []


def test_openais_own_accumulator_takes_the_chunks() -> None:
    """It raises at the second item of a list that does not say its place."""
    web = {"type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "c"}
    cited = {"type": "citations_delta", "citation": web}
    said = {"type": "text_delta", "text": "So."}
    body = streamed(
        *EVENTS, *block(7, {"type": "text", "text": ""}, said, cited), *block(8, {"type": "text", "text": ""}, cited, said)
    )
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    client = openai.OpenAI(
        api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=httpx2.Client(transport=transport)
    )
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == "I look.So.So."
    assert [item.url_citation.start_index for item in message.annotations or []] == [7, 10]
    assert [(item.function.name, item.function.arguments) for item in message.tool_calls or []] == [
        ("look", '{"x":1}'),
        ("now", "{}"),
    ]


CACHED = {"type": "ephemeral", "ttl": "1h"}
PICTURE: Json = {"type": "image_url", "image_url": {"url": "https://e/a.png"}}


def test_cache_marks_stay_where_openais_clients_put_them() -> None:
    sent = ask(
        {"role": "system", "content": [{"type": "text", "text": "S", "cache_control": CACHED}]},
        {"role": "user", "content": [{**PICTURE, "cache_control": CACHED}]},
        {**calls(call("a")), "cache_control": CACHED},
        {**result("a", "r"), "cache_control": CACHED},
        {"role": "user", "content": "More", "cache_control": CACHED},
        tools=[{**function("one"), "cache_control": CACHED}, function("two", cache_control=CACHED), function("three")],
    )
    assert sent.body["system"] == [{"type": "text", "text": "S", "cache_control": CACHED}]
    marks = [[block.get("cache_control") for block in turn["content"]] for turn in sent.turns]
    assert marks == [[CACHED], [CACHED], [CACHED, CACHED]]
    assert [tool.get("cache_control") for tool in sent.body["tools"]] == [CACHED, CACHED, None]
    assert sent.warned == []


SIGNED: Json = {"type": "thinking", "thinking": "So …\n", "signature": "EqQ=="}
HIDDEN: Json = {"type": "thinking", "thinking": "", "signature": "EmptyText=="}
SIGNED_DETAILS: list[Json] = [
    {"type": "reasoning.text", "text": "So …\n", "signature": "EqQ==", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.text", "text": "", "signature": "EmptyText==", "format": "anthropic-claude-v1", "index": 1},
    {"type": "reasoning.encrypted", "data": "R=", "format": "anthropic-claude-v1", "index": 2},
]


@pytest.mark.parametrize(
    "carrier",
    [
        {"reasoning_details": SIGNED_DETAILS},
        {"reasoning_details": SIGNED_DETAILS, "reasoning_content": "So …\n"},
        {"thinking_blocks": [SIGNED, HIDDEN, SEALED]},
        {"thinking_blocks": [SIGNED, HIDDEN, SEALED], "reasoning_content": "So …\n"},
    ],
)
def test_signed_reasoning_comes_back_first_whole_and_unmodified(carrier: Json) -> None:
    sent = ask(HI, {**calls(call("a"), content="I look."), **carrier}, result("a"), tools=[function()])
    assert sent.turns[1]["content"] == [
        SIGNED,
        HIDDEN,
        SEALED,
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "a", "name": "look", "input": {}},
    ]
    assert sent.warned == []


@pytest.mark.parametrize(
    ("carrier", "told"),
    [
        ({"reasoning_content": "unsigned"}, "messages[1].parts[0]"),
        ({"reasoning": "unsigned"}, "messages[1].parts[0]"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "t"}]}, "messages[1].parts[0]"),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s", "format": "google-gemini-v1"}]},
            "messages[1].parts[0]",
        ),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}]}, "messages[1].parts[0]"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "t"}]}, "messages[1].parts[0]"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": None}, 5]}, "messages[1].parts[0]"),
    ],
)
def test_reasoning_that_anthropic_did_not_sign_is_dropped_and_reported(carrier: Json, told: str) -> None:
    sent = ask(HI, {"role": "assistant", "content": "Hello", **carrier}, HI)
    assert sent.turns[1] == {"role": "assistant", "content": "Hello"}
    assert sent.warned == [told]


@pytest.mark.parametrize("as_text", [False, True])
def test_server_tools_blocks_come_back_after_the_reasoning(as_text: bool) -> None:
    """As an answer gave them to an OpenAI client: whole answers as objects, streams as text."""
    opaque = [{"dialect": "anthropic", "content": json.dumps(block) if as_text else block} for block in (SEARCH, FOUND)]
    assistant = {"role": "assistant", "content": "Found.", "reasoning_details": SIGNED_DETAILS[:1], "opaque": opaque}
    sent = ask(HI, assistant, HI)
    assert sent.turns[1]["content"] == [SIGNED, SEARCH, FOUND, {"type": "text", "text": "Found."}]
    assert sent.warned == []
