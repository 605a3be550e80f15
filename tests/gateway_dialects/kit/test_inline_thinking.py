"""Reasoning between <think> and </think>, in whole answers and in streams cut anywhere."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.execution.streams import decoder_for
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect, Endpoint, Quirks, ServerSentEvent
from gateway_dialects.kit.inline_thinking import InlineThinkingDecoder, split_answer
from gateway_dialects.openai import CLIENT as OPENAI
from tests.recordings import exchanges, recordings_absent

CASES = {
    "<think>\nTwo and two.\n</think>\n\n4": [("reasoning", "Two and two."), ("text", "4")],
    "<think></think>4": [("text", "4")],
    "<think>\n\n</think>\n\n4": [("text", "4")],
    "\n <think>a</think>b": [("reasoning", "a"), ("text", "b")],
    "<think>Never ends\n": [("reasoning", "Never ends\n")],
    "<think>a</thin": [("reasoning", "a</thin")],
    "<think>a < b</think>c</think>d": [("reasoning", "a < b"), ("text", "c</think>d")],
    "<think>a</think>b<think>c</think>": [("reasoning", "a"), ("text", "b<think>c</think>")],
    "No tag <think>here</think>": [("text", "No tag <think>here</think>")],
    "<thi": [("text", "<thi")],
    "<thinking>a": [("text", "<thinking>a")],
    "  ": [("text", "  ")],
    "": [("text", "")],
    "<think>": [("text", "")],
}


def whole(message: dict[str, object], finish: str = "stop") -> ChatResponse:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    answer = OPENAI.chat.decode(json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode(), "p")
    split_answer(answer)
    return answer


def streamed(deltas: Sequence[object], dialect: Dialect = OPENAI) -> StreamResponse:
    decoder, batch = InlineThinkingDecoder(dialect.stream.decoder()), StreamResponse()
    for delta in deltas:
        chunk = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta}]}
        decoder.feed(ServerSentEvent(json.dumps(chunk).encode()), batch)
    end = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    decoder.feed(ServerSentEvent(json.dumps(end).encode()), batch)
    assert decoder.complete
    decoder.finish(batch)
    assert decoder.done
    return batch


def told(answer: ChatResponse) -> list[tuple[str, str]]:
    parts = answer.candidates[0].parts
    return [(part.WhichOneof("kind") or "", part.reasoning.text or part.text) for part in parts]


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_a_whole_answer(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(whole({"content": text})) == expected


@pytest.mark.parametrize("text", [text for text in CASES if text])
def test_a_stream_cut_anywhere_is_the_same(text: str) -> None:
    expected = whole({"content": text})
    for cut in range(len(text)):
        folded = accumulate([streamed([{"content": text[:cut]}, {"content": text[cut:]}])])
        assert [part for part in told(folded) if part[1]] == [part for part in told(expected) if part[1]]
    one_by_one = accumulate([streamed([{"content": character} for character in text])])
    assert [part for part in told(one_by_one) if part[1]] == [part for part in told(expected) if part[1]]


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<th", "ink>", "</", ">", "<", "a", " ", "\n", "b"]), max_size=12),
    st.integers(1, 4),
)
@settings(max_examples=200)
def test_whatever_is_said(pieces: list[str], length: int) -> None:
    text = "".join(pieces)
    cut = [text[start : start + length] for start in range(0, len(text), length)]
    folded = accumulate([streamed([{"content": piece} for piece in cut])])
    expected = whole({"content": text})
    assert [part for part in told(folded) if part[1]] == [part for part in told(expected) if part[1]]


def test_parts_behind_keep_their_order_and_have_no_gaps() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for text in ("<think>a</think>b", "b", " ", "<think>a"):
        batch = streamed([{"content": text}, {"tool_calls": [call]}])
        starts = [event.part_started for event in batch.events if event.HasField("part_started")]
        assert [start.part_index for start in starts] == list(range(len(starts)))
        assert starts[-1].part.tool_call.name == "f"
        ends = [event.part_finished.part_index for event in batch.events if event.HasField("part_finished")]
        assert sorted(ends) == list(range(len(starts)))
        folded = accumulate([batch])
        expected = whole({"content": text, "tool_calls": [call]})
        assert folded.candidates[0].parts == expected.candidates[0].parts


def test_what_is_known_of_the_tokens_is_kept() -> None:
    decoder, batch = InlineThinkingDecoder(OPENAI.stream.decoder()), StreamResponse()
    tokens = [{"token": text, "logprob": -0.5} for text in ("<th", "ink>a", "</think>", "b")]
    for token in tokens:
        choice = {"index": 0, "delta": {"content": token["token"]}, "logprobs": {"content": [token]}}
        decoder.feed(ServerSentEvent(json.dumps({"id": "1", "choices": [choice]}).encode()), batch)
    decoder.feed(ServerSentEvent(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'), batch)
    decoder.finish(batch)
    folded = accumulate([batch])

    assert told(folded) == [("reasoning", "a"), ("text", "b")]
    assert [token.token for token in folded.candidates[0].logprobs.content] == ["<th", "ink>a", "</think>", "b"]


def test_what_came_before_a_failure_stands() -> None:
    decoder, batch = InlineThinkingDecoder(OPENAI.stream.decoder()), StreamResponse()
    decoder.feed(ServerSentEvent(b'{"id":"1","choices":[{"index":0,"delta":{"content":"Hel"}}]}'), batch)
    with pytest.raises(GatewayError):
        decoder.feed(ServerSentEvent(b'{"choices":[{"index":0,"delta":{"content":"lo"}},7]}'), batch)

    assert "".join(event.part_delta.text for event in batch.events) == "Hello"


def test_only_who_asks_for_it_gets_it() -> None:
    plain, asked = (Endpoint("p", "openai", "http://u", quirks=Quirks(inline_thinking=wanted)) for wanted in (False, True))

    assert not isinstance(decoder_for(OPENAI, plain, {}), InlineThinkingDecoder)
    assert isinstance(decoder_for(OPENAI, asked, {}), InlineThinkingDecoder)


@pytest.mark.parametrize(("name", "text"), [("huggingface/text", "Hello! 👋 How can I"), ("huggingface/max_tokens", "")])
def test_recorded_answers(name: str, text: str) -> None:
    found = [exchange for exchange in exchanges() if exchange.name == name]
    if not found:
        pytest.skip(recordings_absent())
    answer = OPENAI.chat.decode(json.dumps(found[0].body).encode(), "p")
    split_answer(answer)
    first, *rest = told(answer)

    assert first[0] == "reasoning"
    assert first[1].startswith("Hmm, the user just said")
    assert "think>" not in first[1]
    assert [part[1].startswith(text) for part in rest] == [True] * bool(text)
