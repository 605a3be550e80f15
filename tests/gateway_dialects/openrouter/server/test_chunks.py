"""Streams as OpenRouter's clients read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.openai import CLIENT as OPENAI
from gateway_dialects.openrouter.render_response import OpenRouterRenderer
from tests.laws.languages.openai import chunks_of
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges

STREAMS = [e for e in exchanges() if e.vendor == "openrouter" and e.response["status"] == 200 and "stream" in e.response]
RECORDED = [e for e in STREAMS if b'"error":{' not in e.stream]
"""A stream may also hold a failure, which is no answer."""
STARTED = {"started": {"id": "msg_1", "model": "m", "route": {"provider": "anthropic", "model": "m"}}}
FINISHED = {
    "finished": {
        "candidates": [{"finishReason": "FINISH_REASON_STOP", "rawFinishReason": "end_turn"}],
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5, "cost": {"totalUsd": 0.5}},
    }
}


def thinking(index: int, **reasoning: str) -> dict[str, Any]:
    return {"partStarted": {"partIndex": index, "part": {"reasoning": {"provider": "anthropic", **reasoning}}}}


def delta(index: int, **fields: str) -> dict[str, Any]:
    return {"partDelta": {"partIndex": index, **fields}}


def streamed(*events: dict[str, Any]) -> list[Any]:
    renderer = OpenRouterRenderer(fallback_id="gen-1-x", now=7)
    batch = ParseDict({"events": list(events)}, StreamResponse())
    before = batch.SerializeToString(deterministic=True)
    chunks = chunks_of(renderer.render(batch))
    assert batch.SerializeToString(deterministic=True) == before
    return chunks


def test_a_stream() -> None:
    text = {"partStarted": {"partIndex": 1, "part": {"text": ""}}}
    chunks = streamed(
        STARTED,
        thinking(0),
        delta(0, reasoning="Hm."),
        delta(0, signature="s"),
        thinking(1, encrypted=""),
        delta(1, encrypted="e"),
        {"partStarted": {**text["partStarted"], "partIndex": 2}},
        delta(2, text="Hi"),
        FINISHED,
    )
    assert {(chunk["id"], chunk["provider"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("gen-1-x", "anthropic", 7, "m")
    }
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    item = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    assert deltas[1] == {"reasoning": "Hm.", "reasoning_details": [{**item, "text": "Hm."}]}
    assert deltas[2] == {"reasoning_details": [{**item, "signature": "s"}]}
    assert deltas[3] == {"reasoning_details": [{**item, "type": "reasoning.encrypted", "index": 1, "data": "e"}]}
    assert deltas[4] == {"content": "Hi"}
    ending = chunks[-2]["choices"][0]
    assert (ending["finish_reason"], ending["native_finish_reason"]) == ("stop", "end_turn")
    assert chunks[-1]["choices"] == []
    assert not any("usage" in chunk for chunk in chunks[:-1])
    assert chunks[-1]["usage"]["cost"] == 0.5
    assert chunks[-1]["usage"]["total_tokens"] == 5


def test_the_id_of_its_call() -> None:
    started = {"started": {**STARTED["started"], "route": {"provider": "anthropic", "callId": "0af1"}}}
    assert {chunk["id"] for chunk in streamed(started, FINISHED)} == {"gen-0af1"}


def test_a_failure_in_the_middle() -> None:
    renderer = OpenRouterRenderer(fallback_id="gen-1-x", now=7)
    renderer.render(ParseDict({"events": [STARTED]}, StreamResponse()))
    failure = GatewayError(Reason.STREAM_INTERRUPTED, "It broke off.", metadata={"provider": "anthropic"})
    told, bare = chunks_of(renderer.fail(failure))
    assert (told["id"], told["provider"]) == (bare["id"], bare["provider"]) == ("gen-1-x", "anthropic")
    assert told["choices"][0]["finish_reason"] == "error"
    assert bare["choices"] == []
    assert told["error"] == bare["error"]
    assert (told["error"]["code"], told["error"]["message"]) == (502, "It broke off.")
    assert told["error"]["metadata"]["error_type"] == "provider_unavailable"


@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.name)
def test_what_openrouter_streams_itself_stays(exchange: Exchange) -> None:
    batches = read_stream(OPENAI, [exchange.stream])
    renderer = OpenRouterRenderer(fallback_id="gen-other", now=7)
    ours, theirs = chunks_of(b"".join(map(renderer.render, batches))), chunks_of(exchange.stream)
    assert {chunk["id"] for chunk in ours} == {theirs[0]["id"]}
    assert {chunk["provider"] for chunk in ours} == {theirs[0]["provider"]}
    assert told(ours, "content") == told(theirs, "content")
    assert told(ours, "reasoning") == told(theirs, "reasoning")
    assert [usage for chunk in ours if (usage := chunk.get("usage"))] == [
        usage for chunk in theirs if (usage := chunk.get("usage"))
    ]
    assert last(ours, "finish_reason") == last(theirs, "finish_reason")
    assert last(ours, "native_finish_reason") == last(theirs, "native_finish_reason")


def told(chunks: list[Any], name: str) -> str:
    return "".join(choice["delta"].get(name) or "" for chunk in chunks for choice in chunk["choices"])


def last(chunks: list[Any], name: str) -> Any:
    found = [choice[name] for chunk in chunks for choice in chunk["choices"] if choice.get(name)]
    return json.dumps(found[-1])


def test_the_signature_of_a_call_comes_before_it() -> None:
    call = {"toolCall": {"id": "c1", "name": "f"}, "signature": {"provider": "gemini", "value": "s"}}
    chunks = streamed(
        STARTED, thinking(0), delta(0, reasoning="Hm."), {"partStarted": {"partIndex": 1, "part": call}}, FINISHED
    )
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    signed = {"type": "reasoning.encrypted", "data": "s", "format": "google-gemini-v1", "id": "c1", "index": 1}
    places = [place for place, one in enumerate(deltas) if one.get("reasoning_details") == [signed]]
    assert len(places) == 1
    assert places[0] < next(place for place, one in enumerate(deltas) if "tool_calls" in one)
    assert {chunk["id"] for chunk in chunks} == {"gen-1-x"}
