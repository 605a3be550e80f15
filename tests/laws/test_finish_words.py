"""Compatible servers' words for the end of an answer are read by what they mean, in every language, whole and streamed, and
written for every client in a word of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FinishReason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects import anthropic, cohere, gemini, mistral, openai
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.server import Served

Json = dict[str, Any]

MEANINGS = {
    "eos": FinishReason.FINISH_REASON_STOP,
    "end_turn": FinishReason.FINISH_REASON_STOP,
    "of_the_future": FinishReason.FINISH_REASON_STOP,
    "max_tokens": FinishReason.FINISH_REASON_LENGTH,
    "model_length": FinishReason.FINISH_REASON_LENGTH,
    "length": FinishReason.FINISH_REASON_LENGTH,
    "model_context_window_exceeded": FinishReason.FINISH_REASON_LENGTH,
    "sensitive": FinishReason.FINISH_REASON_CONTENT_FILTER,
    "content_filter": FinishReason.FINISH_REASON_CONTENT_FILTER,
    "refusal": FinishReason.FINISH_REASON_CONTENT_FILTER,
    "SAFETY": FinishReason.FINISH_REASON_CONTENT_FILTER,
    "content_filter: PROHIBITED_CONTENT": FinishReason.FINISH_REASON_CONTENT_FILTER,
}
FAILURES = {
    "network_error": Reason.UPSTREAM_UNAVAILABLE,
    "insufficient_system_resource": Reason.UPSTREAM_OVERLOADED,
    "error": Reason.UPSTREAM_UNAVAILABLE,
    "timeout": Reason.UPSTREAM_TIMEOUT,
    "abort": Reason.UPSTREAM_UNAVAILABLE,
    "function_call_filter: MALFORMED_FUNCTION_CALL": Reason.UPSTREAM_INVALID_RESPONSE,
}


def of_openai(word: str) -> tuple[Json, list[Json]]:
    def choice(**fields: Any) -> Json:
        return {"id": "a", "choices": [{"index": 0, **fields}]}

    events = [choice(delta={"content": "x"}), choice(delta={}, finish_reason=word)]
    return choice(message={"content": "x"}, finish_reason=word), events


def of_completions(word: str) -> tuple[Json, list[Json]]:
    def choice(text: str, finish: str | None) -> Json:
        return {"id": "a", "choices": [{"index": 0, "text": text, "finish_reason": finish}]}

    return choice("x", word), [choice("x", None), choice("", word)]


def of_anthropic(word: str) -> tuple[Json, list[Json]]:
    head = {"id": "a", "model": "m", "role": "assistant", "usage": {}}
    return {**head, "content": [{"type": "text", "text": "x"}], "stop_reason": word}, [
        {"type": "message_start", "message": {**head, "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": word}},
        {"type": "message_stop"},
    ]


def of_gemini(word: str) -> tuple[Json, list[Json]]:
    answer = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "x"}]}, "finishReason": word}]}
    return answer, [answer]


def of_cohere(word: str) -> tuple[Json, list[Json]]:
    text = {"type": "text", "text": "x"}
    return {"id": "a", "message": {"role": "assistant", "content": [text]}, "finish_reason": word}, [
        {"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": text}}},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": word}},
    ]


ANSWERS = {
    "openai": of_openai,
    "azure": of_openai,
    "mistral": of_openai,
    "openai-completions": of_completions,
    "anthropic": of_anthropic,
    "gemini": of_gemini,
    "cohere": of_cohere,
}


def whole(name: str, answer: Json) -> tuple[FinishReason.ValueType, str]:
    [found] = DIALECTS[name].chat.decode(json.dumps(answer).encode(), name).candidates
    return found.finish_reason, found.raw_finish_reason


def streamed(name: str, events: list[Json]) -> tuple[FinishReason.ValueType, str]:
    decoder, batch = DIALECTS[name].stream.decoder(), StreamResponse()
    for event in events:
        decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
    decoder.finish(batch)
    [found] = accumulate([batch]).candidates
    return found.finish_reason, found.raw_finish_reason


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize(("word", "meaning"), MEANINGS.items())
def test_a_word_is_read_by_what_it_means(name: str, word: str, meaning: FinishReason.ValueType) -> None:
    answer, events = ANSWERS[name](word)
    assert whole(name, answer) == streamed(name, events) == (meaning, word)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize(("word", "reason"), FAILURES.items())
def test_an_answer_that_broke_off_is_a_failure_of_the_provider(name: str, word: str, reason: Reason) -> None:
    answer, events = ANSWERS[name](word)
    with pytest.raises(GatewayError, match=word) as caught:
        whole(name, answer)
    assert caught.value.reason is reason
    with pytest.raises(GatewayError, match=word) as caught:
        streamed(name, events)
    assert caught.value.reason is reason


class Head:
    """A RequestHead of a request that says nothing beside its body."""

    request_id = "r"

    def header(self, name: bytes) -> str | None:
        return None

    def query(self) -> Mapping[str, Any]:
        return {}

    def path_param(self, name: str) -> str:
        return "m" if name == "model" else ""


WORDS: Mapping[str, tuple[Served, bytes, tuple[str, ...], frozenset[str]]] = {
    "openai": (
        openai.SERVER,
        b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
        ("choices", "finish_reason"),
        frozenset({"stop", "length", "tool_calls", "content_filter"}),
    ),
    "mistral": (
        mistral.SERVER,
        b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
        ("choices", "finish_reason"),
        frozenset({"stop", "length", "model_length", "content_filter", "tool_calls"}),
    ),
    "anthropic": (
        anthropic.SERVER,
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}',
        ("stop_reason",),
        frozenset({"end_turn", "max_tokens", "refusal", "tool_use", "stop_sequence", "model_context_window_exceeded"}),
    ),
    "cohere": (
        cohere.SERVER,
        b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
        ("finish_reason",),
        frozenset({"COMPLETE", "MAX_TOKENS", "TOOL_CALL", "ERROR"}),
    ),
    "gemini": (
        gemini.SERVER,
        b'{"contents":[{"role":"user","parts":[{"text":"x"}]}]}',
        ("candidates", "finishReason"),
        frozenset({"STOP", "MAX_TOKENS", "SAFETY"}),
    ),
}
"""A served API, a request, where its answer has the word, and the words that its clients know."""


@pytest.mark.parametrize("api", WORDS)
@pytest.mark.parametrize("word", MEANINGS)
def test_clients_read_a_word_of_their_own(api: str, word: str) -> None:
    server, request, path, known = WORDS[api]
    answer = DIALECTS["openai"].chat.decode(json.dumps(of_openai(word)[0]).encode(), "p")
    assert server.parse_chat
    found: Any = json.loads(server.parse_chat(Head(), request).render(answer))
    for name in path:
        found = found[name]
        found = found[0] if isinstance(found, list) else found
    assert found in known
