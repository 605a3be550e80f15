from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.providers.demo.models import MODELS, answer, find_model
from gateway_core.providers.demo.script import Ending, Pause
from tests.gateway_core.providers.demo.asking import ask, chat, chunks, deltas, error, function, message, only_bytes

WEATHER = function("weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
NOW = function("now")


def test_echo_says_the_last_user_text() -> None:
    conversation = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": "second\n question "},
    ]
    assert message("echo", messages=conversation) == {"role": "assistant", "content": "second\n question ", "refusal": None}


def test_echo_streams_word_by_word() -> None:
    assert deltas("echo", "one two\nthree ") == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "one"},
        {"content": " two"},
        {"content": "\nthree "},
        {},
    ]


def test_echo_of_nothing_is_an_empty_answer() -> None:
    assert message("echo", "")["content"] == ""
    assert deltas("echo", "") == [{"role": "assistant", "content": None, "refusal": None}, {}]


def test_media_is_described() -> None:
    content = [
        {"type": "text", "text": "look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAAAAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,not base64"}},
        {"type": "hologram"},
    ]
    assert message("echo", content)["content"] == (
        "look: [image image/png 3 bytes] [image https://example.com/a.png] [audio wav 6 bytes]"
        " [file a.pdf application/pdf 3 bytes] [file file-1] [video video/mp4 10 bytes] [hologram]"
    )


def test_equal_requests_get_equal_answers_and_others_get_other_ids() -> None:
    assert chat("echo") == chat("echo")
    assert chat("echo")["id"] != chat("echo", "something else")["id"]
    assert chat("echo")["id"] == chunks("echo")[0]["id"]
    assert chat("echo")["system_fingerprint"] == "fp_demo"
    assert chat("echo")["model"] == "echo"


def test_usage_counts_words() -> None:
    conversation = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two three"}]
    usage = chat("reasoning", messages=conversation, n=2)["usage"]
    assert usage["prompt_tokens"] == 5
    assert usage["completion_tokens"] == 2 * (9 + 3)
    assert usage["total_tokens"] == 29
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 18}


def test_usage_is_streamed_only_when_asked_for() -> None:
    assert all("usage" not in chunk for chunk in chunks("echo"))
    *before, last = chunks("echo", stream_options={"include_usage": True})
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in before)
    assert last["choices"] == []
    assert last["usage"] == chat("echo")["usage"]


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    ("bound", "content", "finish"),
    [(1, "hello", "length"), (3, "hello there my", "length"), (4, "hello there my friend", "stop")],
)
def test_max_tokens_is_honoured(field: str, bound: int, content: str, finish: str) -> None:
    [choice] = chat("echo", **{field: bound})["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, finish)


def test_reasoning_uses_up_tokens_first() -> None:
    [choice] = chat("reasoning", max_tokens=2)["choices"]
    assert choice["message"]["reasoning_content"] == "The user"
    assert choice["message"]["content"] == ""
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("stop", "content"),
    [
        ("there", "hello "),
        (["friend", " my"], "hello there"),
        ("e my f", "hello ther"),
        ("hello", ""),
        ("nowhere", "hello there my friend"),
        ("", "hello there my friend"),
    ],
)
def test_stop_ends_the_answer_before_the_stop_text(stop: object, content: str) -> None:
    [choice] = chat("echo", stop=stop)["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, "stop")
    assert "".join(delta.get("content") or "" for delta in deltas("echo", stop=stop)) == content


def test_several_candidates_are_given() -> None:
    choices = chat("echo", n=3)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in choices} == {"hello there my friend"}
    finished = [chunk["choices"][0] for chunk in chunks("echo", n=3) if chunk["choices"][0]["finish_reason"]]
    assert [choice["index"] for choice in finished] == [0, 1, 2]


def test_logprobs_are_given_when_asked_for() -> None:
    assert chat("echo")["choices"][0]["logprobs"] is None
    logprobs = chat("echo", "hello you", logprobs=True, top_logprobs=2)["choices"][0]["logprobs"]
    first, second = logprobs["content"]
    assert (first["token"], first["logprob"], first["bytes"]) == ("hello", -0.05, list(b"hello"))
    assert [top["token"] for top in first["top_logprobs"]] == ["hello", "hello~1"]
    assert second["token"] == " you"
    streamed = [chunk["choices"][0]["logprobs"] for chunk in chunks("echo", "hello you", logprobs=True, top_logprobs=2)]
    assert streamed == [None, {"content": [first], "refusal": None}, {"content": [second], "refusal": None}, None]


def test_slow_pauses_before_each_word() -> None:
    steps = list(ask("slow", "one two", stream=True).steps)
    assert [step for step in steps if isinstance(step, Pause)] == [Pause(0.05)] * 2
    assert [type(step) for step in steps] == [Pause, bytes, Pause, bytes]
    assert next(iter(ask("slow-7", "one two").steps)) == Pause(0.014)


def test_reasoning_reasons_before_it_answers() -> None:
    answered = message("reasoning", "hello you")
    assert answered["reasoning_content"] == "The user said 2 words. I say them back."
    assert answered["content"] == "hello you"
    kinds = [next(iter(delta), None) for delta in deltas("reasoning", "hello you")]
    assert kinds == ["role", *["reasoning_content"] * 9, "content", "content", None]


def test_tools_calls_the_first_tool() -> None:
    [choice] = chat("tools", tools=[WEATHER, NOW])["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "text"}'}
    assert call["type"] == "function"


def test_a_tool_call_is_streamed_in_pieces_with_a_dense_index() -> None:
    calls = [delta["tool_calls"][0] for delta in deltas("tools-parallel", tools=[WEATHER, NOW]) if "tool_calls" in delta]
    whole = message("tools-parallel", tools=[WEATHER, NOW])["tool_calls"]
    assert calls == [
        {"index": 0, "id": whole[0]["id"], "type": "function", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city":'}},
        {"index": 0, "function": {"arguments": ' "text"}'}},
        {"index": 1, "id": whole[1]["id"], "type": "function", "function": {"name": "now", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]
    assert whole[0]["id"] != whole[1]["id"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("auto", ["weather", "now"]),
        ("required", ["weather", "now"]),
        ({"type": "function", "function": {"name": "now"}}, ["now"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NOW]}}, ["now"]),
    ],
)
def test_tool_choice_is_honoured(choice: object, called: list[str]) -> None:
    calls = message("tools-parallel", tools=[WEATHER, NOW], tool_choice=choice)["tool_calls"]
    assert [call["function"]["name"] for call in calls] == called


def test_tool_choice_none_and_no_tools_mean_an_answer_in_words() -> None:
    assert message("tools", tools=[WEATHER], tool_choice="none")["content"] == "hello there my friend"
    assert message("tools")["content"] == "hello there my friend"


def test_a_forced_tool_must_be_offered() -> None:
    script = ask("tools", tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "absent"}})
    assert script.status == 400
    assert error(script)["message"] == "tool_choice names absent, which is not among the tools."


def test_parallel_calls_can_be_forbidden() -> None:
    assert len(message("tools-parallel", tools=[WEATHER, NOW], parallel_tool_calls=False)["tool_calls"]) == 1


def test_custom_tools_are_called_with_free_text() -> None:
    [call] = message("tools", tools=[{"type": "custom", "custom": {"name": "shell"}}])["tool_calls"]
    assert call["type"] == "custom"
    assert call["custom"] == {"name": "shell", "input": "demo input"}


def test_tool_results_are_quoted() -> None:
    calls = message("tools-parallel", tools=[WEATHER, NOW])["tool_calls"]
    conversation = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": calls[0]["id"], "content": "sunny"},
        {"role": "tool", "tool_call_id": calls[1]["id"], "content": [{"type": "text", "text": "noon"}]},
    ]
    for model in ("tools", "tools-parallel", "script"):
        answered = message(model, messages=conversation, tools=[WEATHER, NOW])
        assert answered["content"] == "weather answered: sunny\nnow answered: noon"


def test_json_answers_json() -> None:
    assert json.loads(message("json", 'say "hi"')["content"]) == {"echo": 'say "hi"'}


@pytest.mark.parametrize("model", ["echo", "slow-0", "reasoning", "json", "tools", "eof", "flaky-0"])
def test_response_formats_are_honoured_by_every_model_that_answers(model: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    formats = [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}]
    said = []
    for response_format in formats:
        steps = ask(model, "hi", response_format=response_format).steps
        [body] = [step for step in steps if isinstance(step, bytes)]
        said.append(json.loads(json.loads(body)["choices"][0]["message"]["content"]))
    assert said == [{"echo": "hi"}, {"a": 1}]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (418, "invalid_request_error", None),
        (500, "server_error", None),
        (529, "overloaded_error", "overloaded_error"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_have_their_status_and_words(status: int, kind: str, code: str | None, stream: bool) -> None:
    script = ask(f"error-{status}", stream=stream)
    assert script.status == status
    assert script.headers.get("retry-after") == ("1" if status == 429 else None)
    found = error(script)
    assert (found["type"], found["code"], found["param"]) == (kind, code, None)
    assert found["message"] == f"The demo fails with status {status}, as asked."


def test_error_after_fails_within_the_stream() -> None:
    said, _, failed = ask("error-after-2", stream=True).steps
    assert isinstance(said, bytes)
    assert isinstance(failed, bytes)
    assert said.count(b"\n\n") == 1 + 2
    assert json.loads(failed.removeprefix(b"data: "))["error"]["type"] == "server_error"
    assert ask("error-after-2").status == 500


@pytest.mark.parametrize(("model", "words"), [("cut", 3), ("cut-1", 1), ("cut-0", 0), ("stall-2", 2)])
def test_broken_streams_break_after_their_words(model: str, words: int) -> None:
    body, ending = ask(model, stream=True).steps
    assert isinstance(body, bytes)
    assert ending == (Ending.STALL if model.startswith("stall") else Ending.CUT)
    assert body.count(b'"content":"') - body.count(b'"content":""') == words
    assert b"[DONE]" not in body
    assert b'"role":"assistant"' in body


def test_a_cut_answer_in_one_piece_is_half_an_answer() -> None:
    body, ending = ask("cut").steps
    assert ending == Ending.CUT
    assert isinstance(body, bytes)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)


@pytest.mark.parametrize("stream", [True, False])
def test_stall_sends_nothing(stream: bool) -> None:
    assert list(ask("stall", stream=stream).steps) == [Ending.STALL]


def test_eof_names_no_finish_reason() -> None:
    body = only_bytes(ask("eof", stream=True))
    assert b" friend" in body
    assert b"[DONE]" not in body
    assert body.count(b'"finish_reason":null') == body.count(b"data: ")
    assert chat("eof")["choices"][0]["finish_reason"] is None


def test_pages_and_bodies_that_are_no_answer() -> None:
    page = ask("html")
    assert (page.status, page.headers["content-type"]) == (502, "text/html")
    assert b"<html>" in only_bytes(page)
    for stream, kind in ((False, "application/json"), (True, "text/event-stream; charset=utf-8")):
        for model in ("empty", "broken"):
            script = ask(model, stream=stream)
            assert (script.status, script.headers["content-type"]) == (200, kind)
    assert only_bytes(ask("empty")) == only_bytes(ask("empty", stream=True)) == b""
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(only_bytes(ask("broken")))


def test_flaky_fails_as_often_as_asked_and_then_begins_anew() -> None:
    body = b'{"model":"flaky-2","messages":[{"role":"user","content":"hi"}]}'
    before = itertools.count()
    statuses = [answer("POST", "/chat/completions", body, lambda: next(before)).status for _ in range(6)]
    assert statuses == [503, 503, 200, 503, 503, 200]


def test_long_says_as_many_words_as_asked() -> None:
    assert len(message("long-25")["content"].split(" ")) == 25
    assert chat("long-25")["usage"]["completion_tokens"] == 25
    steps = list(ask("long-1000", stream=True).steps)
    assert len(steps) > 5
    assert b"".join(step for step in steps if isinstance(step, bytes)).count(b"data: ") == 1003


def test_refusal_and_filters() -> None:
    refused = message("refusal")
    assert (refused["content"], refused["refusal"]) == (None, "I am sorry, but I cannot help with that.")
    for model, finish in (("length", "length"), ("filter", "content_filter")):
        [choice] = chat(model)["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("hello there", finish)


def test_an_unknown_model_is_not_found_and_the_others_are_named() -> None:
    for name in ("nothing", "error-200", "error-999", "echo-3", "cut-123456", "long-N", ""):
        script = ask(name)
        assert script.status == 404
        assert error(script)["code"] == "model_not_found"
        assert "echo, slow, slow-N" in error(script)["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"messages":[]}',
        b'{"model":"echo"}',
        b'{"model":"echo","messages":[]}',
        b'{"model":"echo","messages":["hi"]}',
        b'{"model":"echo","messages":[{"role":"user"}],"n":0}',
        b'{"model":"echo","messages":[{"role":"user"}],"n":1000}',
        b'{"model":"echo","messages":[{"role":"user"}],"max_tokens":"many"}',
    ],
)
def test_a_request_that_is_none_is_refused(body: bytes) -> None:
    script = answer("POST", "/chat/completions", body)
    assert script.status == 400
    assert error(script)["type"] == "invalid_request_error"


def test_other_paths_are_not_found() -> None:
    assert answer("GET", "/chat/completions", b"").status == 404
    assert answer("POST", "/embeddings", b"{}").status == 404


def test_every_listed_model_exists_and_is_described() -> None:
    listed = json.loads(only_bytes(answer("GET", "/models", b"")))["data"]
    assert len({row["id"] for row in listed}) == len(listed) == sum(model.listed for model in MODELS)
    for row in listed:
        assert find_model(row["id"]) is not None
        assert row["description"].endswith(".")
        assert "N" not in row["id"]
        assert list(ask(row["id"], "[]").steps) or row["id"] == "empty"


FIELDS = ["n", "stop", "tools", "tool_choice", "response_format", "logprobs", "top_logprobs", "stream_options", "max_tokens"]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.text(max_size=2), st.sampled_from(["none", "function", "json_schema"])
)
ODDITIES = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                ["type", "function", "custom", "name", "parameters", "json_schema", "schema", "content", "role"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["echo", "tools-parallel", "json", "reasoning"]),
    st.dictionaries(st.sampled_from(FIELDS), ODDITIES, max_size=3),
    ODDITIES,
    st.booleans(),
)
def test_whatever_the_fields_hold_there_is_an_answer_or_a_refusal(
    model: str, fields: dict[str, object], content: object, stream: bool
) -> None:
    script = ask(model, content, **fields, stream=stream)
    assert script.status in (200, 400)
    assert only_bytes(script)
