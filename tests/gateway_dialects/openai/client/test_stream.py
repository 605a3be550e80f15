"""The stream machine, event by event: what vendors vary, and how streams go wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse, FinishReason
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder

Chunk = dict[str, Any] | bytes
DONE = b"[DONE]"


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def tool(call: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return delta(finish, tool_calls=[call])


def feed(decoder: OpenAIStreamDecoder, *chunks: Chunk) -> StreamResponse:
    batch = StreamResponse()
    for chunk in chunks:
        decoder.feed(ServerSentEvent(chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode()), batch)
    return batch


def events(*chunks: Chunk) -> list[StreamEvent]:
    return list(feed(OpenAIStreamDecoder(), *chunks).events)


def kinds(*chunks: Chunk) -> list[str | None]:
    return [event.WhichOneof("event") for event in events(*chunks)]


def fold(*chunks: Chunk) -> ChatResponse:
    return accumulate([feed(OpenAIStreamDecoder(), *chunks, DONE)])


def failure(*chunks: Chunk) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        events(*chunks)
    return caught.value


def test_a_text_event_by_event() -> None:
    assert kinds(delta(role="assistant", content=""), delta(content="a"), delta(content="b"), delta("stop"), DONE) == [
        "started",
        "part_started",
        "part_delta",
        "part_delta",
        "part_finished",
        "finished",
    ]


def test_a_role_an_empty_text_and_an_empty_chunk_are_no_content() -> None:
    assert kinds({"choices": []}, {"choices": [], "prompt_filter_results": []}) == []
    assert kinds(delta(role="assistant", content="", refusal=None, tool_calls=[], audio=None)) == ["started"]
    assert kinds(delta(content=None), delta(), {"id": "c1", "choices": [{"index": 0, "delta": None}]}) == ["started"]


def test_started_tells_what_the_first_real_chunk_tells() -> None:
    first = {"choices": [], "id": "", "model": "", "created": 0, "prompt_filter_results": [{"prompt_index": 0}]}
    started = events(first, {**delta(), "model": "m", "created": 5, "system_fingerprint": "fp"})[0].started
    assert (started.id, started.model, started.created, started.system_fingerprint) == ("c1", "m", 5, "fp")
    assert json.loads(started.provider_details_json["openai"]) == {"prompt_filter_results": [{"prompt_index": 0}]}


def test_what_comes_late_is_told_at_the_end() -> None:
    late = {**delta("stop"), "service_tier": "default", "system_fingerprint": "fp", "citations": ["u"]}
    answer = fold(delta(content="a"), late)
    assert (answer.service_tier, answer.system_fingerprint) == ("default", "fp")
    assert json.loads(answer.provider_details_json["openai"]) == {"citations": ["u"]}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.FINISH_REASON_STOP),
        ("max_tokens", FinishReason.FINISH_REASON_LENGTH),
        ("sunset", FinishReason.FINISH_REASON_STOP),
    ],
)
def test_finish_reasons_are_normalised_and_kept(word: str, reason: FinishReason.ValueType) -> None:
    candidate = fold(delta(content="a"), delta(word)).candidates[0]
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, word)


def test_an_empty_finish_reason_ends_nothing() -> None:
    assert failure(delta("", content="a"), DONE).reason is Reason.STREAM_INTERRUPTED


@pytest.mark.parametrize("chunks", [[], [delta(content="a")], [delta("stop", content="a"), delta(index=1, content="b")]])
def test_the_end_without_a_finish_reason_is_an_error(chunks: list[dict[str, Any]]) -> None:
    decoder, batch = OpenAIStreamDecoder(), StreamResponse()
    feed(decoder, *chunks)
    with pytest.raises(GatewayError) as caught:
        decoder.finish(batch)
    assert caught.value.reason is Reason.STREAM_INTERRUPTED
    assert not batch.events
    assert not decoder.done


def test_complete_and_done() -> None:
    decoder = OpenAIStreamDecoder()
    seen = []
    chunks: list[Chunk] = [
        delta(content="a"),
        delta(index=1, content="b"),
        delta("stop"),
        delta("stop", 1),
        {"choices": []},
        DONE,
    ]
    for chunk in chunks:
        feed(decoder, chunk)
        seen.append((decoder.complete, decoder.done))
    assert seen == [(False, False)] * 3 + [(True, False)] * 2 + [(True, True)]


def test_nothing_follows_the_end() -> None:
    decoder = OpenAIStreamDecoder()
    batch = feed(decoder, delta("stop", content="a"), DONE, DONE, delta(content="more"), b"garbage")
    decoder.finish(batch)
    assert [event.WhichOneof("event") for event in batch.events].count("finished") == 1
    assert batch.events[-1].WhichOneof("event") == "finished"


@pytest.mark.parametrize(
    "chunk",
    [
        {"error": {"message": "m", "code": 429}},
        {"error": {"message": "m", "code": 429}, "choices": []},
        {"error": {"message": "m", "code": 429}, "id": "c1", "choices": [{"index": 0, "delta": {"content": "x"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "m", "code": 429}}]},
    ],
)
def test_an_error_frame_is_raised(chunk: dict[str, Any]) -> None:
    found = failure(delta(content="a"), chunk)
    assert (found.reason, found.message) == (Reason.RATE_LIMITED, "m")


def test_a_failed_generation_without_words() -> None:
    assert failure(delta("error", content="a")).reason is Reason.UPSTREAM_UNAVAILABLE


def test_error_null_is_no_error() -> None:
    assert fold({**delta("stop", content="a"), "error": None}).candidates[0].parts[0].text == "a"


def test_what_was_decoded_before_the_error_stands() -> None:
    decoder, batch = OpenAIStreamDecoder(), StreamResponse()
    decoder.feed(ServerSentEvent(json.dumps(delta(content="a")).encode()), batch)
    with pytest.raises(GatewayError):
        decoder.feed(ServerSentEvent(b"{"), batch)
    assert batch.events[-1].part_delta.text == "a"


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"7", b"\xff", b"<html>", b'{"choices":[7]}', b'{"choices":[{"delta":{"content":7}}]}']
)
def test_events_of_another_form(data: bytes) -> None:
    assert failure(data).reason is Reason.UPSTREAM_INVALID_RESPONSE


def tools(*chunks: dict[str, Any]) -> list[tuple[str, str, str]]:
    parts = fold(*chunks, delta("tool_calls")).candidates[0].parts
    return [
        (part.tool_call.id, part.tool_call.name, part.tool_call.arguments_json)
        for part in parts
        if part.HasField("tool_call")
    ]


def test_parallel_tools_by_index_interleaved() -> None:
    assert tools(
        tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}),
        tool({"index": 1, "id": "b", "function": {"name": "g"}}),
        tool({"index": 1, "function": {"arguments": '{"y":'}}),
        tool({"index": 0, "function": {"arguments": '{"x":1}'}}),
        tool({"index": 1, "function": {"arguments": "2}"}}),
    ) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_parallel_tools_that_all_have_index_0() -> None:
    assert tools(
        tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}}),
        tool({"index": 0, "function": {"arguments": "1}"}}),
        tool({"index": 0, "id": "b", "function": {"name": "g", "arguments": '{"y":'}}),
        tool({"index": 0, "function": {"arguments": "2}"}}),
    ) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_parallel_tools_without_index() -> None:
    assert tools(
        tool({"id": "a", "function": {"name": "f", "arguments": "{}"}}),
        tool({"id": "b", "function": {"name": "g", "arguments": '{"y":'}}),
        tool({"function": {"arguments": "2}"}}),
    ) == [("a", "f", "{}"), ("b", "g", '{"y":2}')]


def test_an_id_or_a_name_that_is_repeated_is_the_same_call() -> None:
    assert tools(
        tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}}),
        tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": "1}"}}),
        tool({"index": 0, "id": "", "function": {"name": ""}}),
    ) == [("a", "f", '{"x":1}')]


@pytest.mark.parametrize("arguments", [{}, {"arguments": ""}, {"arguments": None}, {"arguments": "{}"}])
def test_a_tool_that_takes_nothing_is_called_with_an_empty_object(arguments: dict[str, Any]) -> None:
    assert tools(tool({"index": 0, "id": "a", "function": {"name": "f", **arguments}})) == [("a", "f", "{}")]


def test_arguments_that_are_an_object_already() -> None:
    assert tools(tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}})) == [("a", "f", '{"x":1}')]


def test_broken_arguments_are_carried() -> None:
    assert tools(tool({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}})) == [("a", "f", '{"x":')]


@pytest.mark.parametrize("text", ["hm", ""])
def test_reasoning_before_text(text: str) -> None:
    answer = fold(delta(reasoning_content=text, content=""), delta(reasoning_content="!"), delta("stop", content="a"))
    assert [part.WhichOneof("kind") for part in answer.candidates[0].parts] == ["reasoning", "text"]
    assert answer.candidates[0].parts[0].reasoning.text == text + "!"


def test_logprobs_without_a_text_ride_on_an_empty_one() -> None:
    chunk = delta()
    chunk["choices"][0]["logprobs"] = {"content": [{"token": "", "logprob": -0.5}], "refusal": None}
    found = events(chunk)
    assert found[-1].part_delta.HasField("text")
    assert found[-1].part_delta.logprobs.content[0].logprob == -0.5


@pytest.mark.parametrize(
    "chunks",
    [
        [delta("stop", content="a"), {"choices": [], "usage": {"prompt_tokens": 3}}],
        [{**delta("stop", content="a"), "usage": {"prompt_tokens": 3}}],
        [{**delta("stop", content="a"), "x_groq": {"usage": {"prompt_tokens": 3}}}],
        [{**delta(content="a"), "usage": {"prompt_tokens": 1}}, {**delta("stop"), "usage": {"prompt_tokens": 3}}],
        [{**delta("stop", content="a"), "usage": {"prompt_tokens": 3}}, {"choices": [{"delta": {}}], "usage": None}],
        [{"choices": [], "usage": {"prompt_tokens": 3}}, delta("stop", content="a")],
    ],
)
def test_usage_wherever_it_comes(chunks: list[dict[str, Any]]) -> None:
    assert fold(*chunks).usage.input_tokens == 3


@pytest.mark.parametrize("usage", [None, {}, [], "7", 0])
def test_no_usage(usage: Any) -> None:
    assert not fold({**delta("stop", content="a"), "usage": usage}).HasField("usage")


def test_citations_and_signatures_of_the_text() -> None:
    web = {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 0, "end_index": 1}}
    other = {"type": "file", "file": {}}
    extra = {"google": {"thought_signature": "c2ln"}}
    chunks = [delta(content="a", annotations=[web, other]), delta("stop", extra_content=extra, annotations=[web])]
    found = events(*chunks)
    assert [len(event.part_delta.citations) for event in found if event.HasField("part_delta")] == [1, 1]
    candidate = fold(*chunks).candidates[0]
    (part,) = candidate.parts
    assert [citation.uri for citation in part.citations] == ["u", "u"]
    assert (part.signature.provider, part.signature.value) == ("gemini", "c2ln")
    assert json.loads(candidate.provider_details_json["openai"]) == {"message": {"annotations": [other]}}


def test_what_the_contract_does_not_name_is_shown_and_stored() -> None:
    chunk = delta(content="a", annotations=[{"url": "u"}])
    shown = events(chunk)[-1].part_delta
    assert (shown.text, json.loads(shown.provider_details_json["openai"])) == ("a", {"annotations": [{"url": "u"}]})
    candidate = fold(chunk, delta("stop", annotations=[{"url": "v"}])).candidates[0]
    assert json.loads(candidate.provider_details_json["openai"]) == {
        "message": {"annotations": [{"url": "u"}, {"url": "v"}]}
    }


def test_usage_in_the_last_choice() -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    last = delta("stop")
    last["choices"][0]["usage"] = told
    assert fold(delta(content="a"), last).usage.total_tokens == 7
    assert fold(delta(content="a"), last, {"choices": [], "usage": {**told, "total_tokens": 8}}).usage.total_tokens == 8
