"""A stream that was cut in the middle of characters has the text of the whole answer, in every language."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects import anthropic, cohere, gemini, mistral, openai
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, Secret, ServerSentEvent
from gateway_dialects.kit.server import Served

Json = dict[str, Any]


def chunk(delta: Json, finish: str | None = None) -> Json:
    return {"id": "c", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def of_openai(pieces: Iterable[str]) -> Iterator[Json]:
    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces:
        yield chunk({"content": piece})
        yield chunk({"content": ""})
    yield chunk({}, "stop")


def of_completions(pieces: Iterable[str]) -> Iterator[Json]:
    for piece in pieces:
        yield {"id": "c", "choices": [{"index": 0, "text": piece, "finish_reason": None}]}
    yield {"id": "c", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}


def of_anthropic(pieces: Iterable[str]) -> Iterator[Json]:
    yield {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for piece in pieces:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        yield {"type": "ping"}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    yield {"type": "message_stop"}


def of_gemini(pieces: Iterable[str]) -> Iterator[Json]:
    for piece in pieces:
        yield {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": piece}]}}]}
    yield {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP"}]}


def of_cohere(pieces: Iterable[str]) -> Iterator[Json]:
    yield {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}
    yield {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
    for piece in pieces:
        yield {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
    yield {"type": "content-end", "index": 0}
    yield {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}


def of_responses(pieces: Iterable[str]) -> Iterator[Json]:
    said = [*pieces]
    head = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": []}
    item = {"id": "msg", "type": "message", "role": "assistant", "status": "completed"}
    content = [{"type": "output_text", "text": "".join(said), "annotations": []}]
    yield {"type": "response.created", "response": {**head, "status": "in_progress"}}
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}}
    for piece in said:
        place = {"output_index": 0, "content_index": 0, "item_id": "msg"}
        yield {"type": "response.output_text.delta", **place, "delta": piece}
    yield {"type": "response.output_item.done", "output_index": 0, "item": {**item, "content": content}}
    yield {
        "type": "response.completed",
        "response": {**head, "status": "completed", "output": [{**item, "content": content}]},
    }


STREAMS: dict[str, Callable[[Iterable[str]], Iterator[Json]]] = {
    "openai": of_openai,
    "azure": of_openai,
    "mistral": of_openai,
    "openai-completions": of_completions,
    "anthropic": of_anthropic,
    "gemini": of_gemini,
    "cohere": of_cohere,
    "openai-responses": of_responses,
}


def text_of(name: str, pieces: Iterable[str]) -> str:
    """The text of the stream in these pieces, folded."""
    decoder, batch = DIALECTS[name].stream.decoder(), StreamResponse()
    for event in STREAMS[name](pieces):
        decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
    decoder.finish(batch)
    [candidate] = accumulate([batch]).candidates
    return "".join(part.text for part in candidate.parts)


def units(text: str) -> list[str]:
    """The UTF-16 units of a text, as JavaScript has them."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    return [encoded[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(encoded), 2)]


def test_every_language_that_streams_is_here() -> None:
    assert STREAMS.keys() == DIALECTS.keys()


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("ab\U0001f600\U0001f9d1é"), min_size=1, max_size=5), st.data())
def test_halves_in_two_events_are_joined(name: str, text: str, data: st.DataObject) -> None:
    """However its UTF-16 units are divided among the events."""
    pieces, rest = [], units(text)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append("".join(rest[:size]))
        rest = rest[size:]
    assert text_of(name, pieces) == text


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a \ud83d", " b"], "a \ufffd b"),
        (["a \ud83d"], "a \ufffd"),
        (["\ude00 b"], "\ufffd b"),
        (["a \ud83d", "\ud83d", "\ude00"], "a \ufffd\U0001f600"),
        (["a \ud83d", *["b"] * 20], "a \ufffd" + "b" * 20),
    ],
)
def test_a_half_that_stands_alone_is_replaced(name: str, pieces: list[str], text: str) -> None:
    assert text_of(name, pieces) == text


def test_halves_of_several_candidates_are_told_apart() -> None:
    def said(index: int, text: str, finish: str | None = None) -> Json:
        return {"id": "c", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    decoder, batch = DIALECTS["openai"].stream.decoder(), StreamResponse()
    for event in (said(0, "\ud83d"), said(1, "\ud83e"), said(0, "\ude00"), said(1, "\uddd1"), said(0, "", "stop")):
        decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
    decoder.feed(ServerSentEvent(json.dumps(said(1, "", "stop")).encode()), batch)
    decoder.feed(ServerSentEvent(b"[DONE]"), batch)
    assert [c.parts[0].text for c in accumulate([batch]).candidates] == ["\U0001f600", "\U0001f9d1"]


CLIENTS: dict[str, tuple[Served, str]] = {
    "openai": (
        openai.SERVER,
        r"""{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a \ud83d"},{"role":"assistant","tool_calls":[
        {"id":"c","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\ud83d\"}"}}]},
        {"role":"tool","tool_call_id":"c","content":"\ude00 b"}]}""",
    ),
    "anthropic": (
        anthropic.SERVER,
        r"""{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a \ud83d"},{"role":"assistant","content":[
        {"type":"tool_use","id":"c","name":"f","input":{"x":"\ud83d"}}]},{"role":"user","content":[
        {"type":"tool_result","tool_use_id":"c","content":"\ude00 b"}]}]}""",
    ),
    "gemini": (
        gemini.SERVER,
        r"""{"contents":[{"role":"user","parts":[{"text":"a \ud83d"}]},{"role":"model","parts":[{"functionCall":{"name":"f",
        "args":{"x":"\ud83d"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f",
        "response":{"r":"\ude00 b"}}}]}]}""",
    ),
    "mistral": (
        mistral.SERVER,
        r"""{"model":"m","messages":[{"role":"user","content":"a \ud83d"},{"role":"assistant","tool_calls":[
        {"id":"abcdefghi","function":{"name":"f","arguments":"{\"x\":\"\\ud83d\"}"}}]},
        {"role":"tool","tool_call_id":"abcdefghi","content":"\ude00 b"}]}""",
    ),
    "cohere": (
        cohere.SERVER,
        r"""{"model":"m","messages":[{"role":"user","content":"a \ud83d"},{"role":"assistant","tool_calls":[
        {"id":"c","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\ud83d\"}"}}]},
        {"role":"tool","tool_call_id":"c","content":"\ude00 b"}]}""",
    ),
}
"""A served API, and a conversation of its clients whose text, arguments and result have halves."""


class Head:
    """A RequestHead of a request that says nothing beside its body."""

    request_id = "r"

    def header(self, name: bytes) -> str | None:
        return None

    def query(self) -> Mapping[str, Any]:
        return {}

    def path_param(self, name: str) -> str:
        return "m" if name == "model" else ""


def texts_in(value: Any) -> Iterator[str]:
    """All texts, also of the JSON in texts."""
    if isinstance(value, str):
        yield value
        if value.startswith("{"):
            yield from texts_in(json.loads(value))
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_in(inner)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", sorted(DIALECTS.keys() - {"openai-completions"}))
def test_halves_of_clients_reach_no_provider(client: str, name: str) -> None:
    server, body = CLIENTS[client]
    assert server.parse_chat
    chat = server.parse_chat(Head(), body.encode()).chat
    endpoint = Endpoint("p", name, "http://u", keys=(Secret("k"),))
    sent = json.loads(DIALECTS[name].encode_chat(chat, "m", endpoint, False).request.body)
    found = [*texts_in(sent)]
    assert sum("\ufffd" in text for text in found) >= 3
    "".join(found).encode()
