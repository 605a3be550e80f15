"""Events that a template reads mean what the decoder would have read: in all recorded streams, and where they are tricky."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Logprobs
from dragoman.v1.stream_pb2 import PartDelta, StreamResponse
from gateway_core.transport.sse import SseDecoder
from gateway_dialects.anthropic.decode_stream import AnthropicStreamDecoder
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.event_decoder import LESSONS, EventDecoder
from gateway_dialects.kit.text_template import learn
from gateway_dialects.mistral.decode_response import MistralStreamDecoder
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder
from tests.recordings import Exchange, exchanges


class Untaught(OpenAIStreamDecoder):
    lessons = 0


class UntaughtAnthropic(AnthropicStreamDecoder):
    lessons = 0


class UntaughtMistral(MistralStreamDecoder):
    lessons = 0


PAIRS: tuple[tuple[type[EventDecoder], type[EventDecoder]], ...] = (
    (OpenAIStreamDecoder, Untaught),
    (AnthropicStreamDecoder, UntaughtAnthropic),
    (MistralStreamDecoder, UntaughtMistral),
)


def streams() -> Iterator[tuple[Exchange, tuple[type[EventDecoder], type[EventDecoder]]]]:
    for path, pair in (("/chat/completions", PAIRS[0]), ("/messages", PAIRS[1])):
        for exchange in exchanges(path):
            if "stream" in exchange.response:
                yield exchange, PAIRS[2] if "mistral" in exchange.vendor else pair


STREAMS = list(streams())


def decoded(decoder: EventDecoder, events: Sequence[ServerSentEvent]) -> tuple[StreamResponse, str]:
    """Everything, and how it ended."""
    batch = StreamResponse()
    try:
        for event in events:
            decoder.feed(event, batch)
        decoder.finish(batch)
    except GatewayError as error:
        return batch, f"{error.reason}: {error}"
    return batch, ""


def of(data: bytes) -> list[ServerSentEvent]:
    framing = SseDecoder()
    return [*framing.feed(data), *framing.finish()]


@pytest.mark.parametrize(("exchange", "pair"), STREAMS, ids=[exchange.name for exchange, _ in STREAMS])
def test_recorded_streams_mean_the_same_with_templates(
    exchange: Exchange, pair: tuple[type[EventDecoder], type[EventDecoder]]
) -> None:
    events = of(exchange.stream)

    assert decoded(pair[0](), events) == decoded(pair[1](), events)


ANSWER = "answer-1"


def chunk(delta: dict[str, Any] | None = None, tail: str = "", **fields: Any) -> bytes:
    """An event of OpenAI's; tail: more JSON at its end."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None, **fields}
    text = json.dumps({"id": ANSWER, "model": "m", "choices": [choice]}, ensure_ascii=False, separators=(",", ":"))
    return f"{text[:-1]}{tail}}}".encode(errors="surrogatepass")


def says(text: str, tail: str = "", **fields: Any) -> bytes:
    return chunk({"content": text}, tail, **fields)


def padded(text: str, padding: str) -> bytes:
    return says(text, f',"obfuscation":"{padding}"')


BEGIN = [chunk({"role": "assistant", "content": ""}), says("one"), says("two")]
TRICKY = {
    "quotes and brackets": [says('"}]}'), says('},"finish_reason":null}]}'), says("\\"), says("é😀\n")],
    "escapes": [says("x").replace(b'"x"', b'"\\u00e9\\n\\""')],
    "half a character": [says("x").replace(b'"x"', b'"\\ud83d"'), says("x").replace(b'"x"', b'"\\ude00"'), says("y")],
    "no UTF-8": [says("x").replace(b'"x"', b'"\xff"')],
    "a control character": [says("x").replace(b'"x"', b'"\n\x01"')],
    "a second key": [says("x").replace(b'"x"', b'"x","content":"y"'), says("z")],
    "a number": [says("x").replace(b'"x"', b"5"), says("z")],
    "the text is the id": [
        says("x", ',"y":1').replace(b'"x"', b'"\\u0061nswer-1"'),
        says("x", ',"y":1').replace(b'"x"', b'"\\u0061nswer-1"').replace(b'"answer-1"', b'"answer-2"'),
    ],
    "no text": [says(""), says("z"), chunk({"content": None}), says("z")],
    "the text is a key": [says("content"), says("index"), says("id"), says("z")],
    "padding": [padded("three", "aB3"), padded("four", ""), padded("five", "zzzzzz"), padded("six", "a\\u0022")],
    "padding that is not": [padded("a", "x"), padded("b", 'x","usage":{"prompt_tokens":1},"y":"x'), padded("c", "x")],
    "usage in between": [says("a", ',"usage":{"prompt_tokens":1}'), says("b", ',"usage":{"prompt_tokens":2}'), says("c")],
    "usage comes back": [
        says("a", u := ',"usage":{"prompt_tokens":1}'),
        says("b", ',"usage":{"prompt_tokens":2}'),
        says("c", u),
    ],
    "usage alone in between": [
        *(says(text, ',"usage":{"prompt_tokens":1}') for text in "ab"),
        b'{"choices":[],"usage":{"prompt_tokens":2}}',
        says("c", ',"usage":{"prompt_tokens":1}'),
    ],
    "marks": [says("a", ',"service_tier":"x"'), says("b", ',"service_tier":"y"'), says("c", ',"service_tier":"x"')],
    "log-probabilities": [says("a", logprobs={"content": [{"token": "a", "logprob": -1.0}]}), says("b"), says("c")],
    "unknown fields of a delta": [chunk({"content": "a", "x": [1]}), chunk({"content": "b", "x": [1]}), says("c")],
    "reasoning, then text": [*(chunk({"reasoning_content": text}) for text in "abc"), says("d"), says("e")],
    "two texts": [chunk({"reasoning": "a", "reasoning_content": "a"}), chunk({"reasoning": "b", "reasoning_content": "b"})],
    "a refusal": [chunk({"refusal": "a"}), chunk({"refusal": "b"}), chunk({"refusal": "c"})],
    "another candidate": [says("a", index=1), says("b", index=1), says("c", index=1), says("d"), says("e")],
    "an error": [says("a"), b'{"error":{"message":"no"}}', says("b")],
    "a finish reason": [says("a", finish_reason="stop"), says("b", finish_reason="stop"), says("c", finish_reason="stop")],
}


@pytest.mark.parametrize("events", TRICKY.values(), ids=TRICKY)
def test_tricky_events_mean_the_same_with_templates(events: list[bytes]) -> None:
    whole = [ServerSentEvent(data) for data in (*BEGIN, *events, says("!"), chunk(finish_reason="stop"), b"[DONE]")]

    assert decoded(OpenAIStreamDecoder(), whole) == decoded(Untaught(), whole)


BLOCK = (
    b'{"type":"message_start","message":{"id":"a","model":"m"}}',
    b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
)


def anthropic_delta(text: str, blanks: int) -> bytes:
    head = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
    return f"{head}{json.dumps(text)}}}{' ' * blanks}}}".encode()


def test_blanks_pad_events_of_anthropic() -> None:
    events = [*BLOCK, *(anthropic_delta("}" * size, size % 3) for size in range(1, 9))]
    whole = [ServerSentEvent(data) for data in events]

    assert decoded(AnthropicStreamDecoder(), whole) == decoded(UntaughtAnthropic(), whole)


@pytest.mark.parametrize(
    ("decoder", "events"),
    [
        (OpenAIStreamDecoder(), [BEGIN[0], *(padded("three", "x" * size) for size in range(9))]),
        (OpenAIStreamDecoder(), [*BEGIN, *(says("word") for _ in range(9))]),
        (AnthropicStreamDecoder(), [*BLOCK, *(anthropic_delta("word", size) for size in range(9))]),
    ],
    ids=["padded", "plain", "blanks"],
)
def test_events_that_differ_in_a_text_are_read_by_one_template(decoder: EventDecoder, events: list[bytes]) -> None:
    decoded(decoder, [ServerSentEvent(data) for data in events])

    assert decoder._lessons == LESSONS - 1


def test_events_that_differ_otherwise_teach_no_more_than_some_templates() -> None:
    decoder = OpenAIStreamDecoder()
    decoded(decoder, [ServerSentEvent(says("a", f',"x":{number}')) for number in range(LESSONS + 9)])

    assert decoder._lessons == 0


@pytest.mark.parametrize("more", [PartDelta(logprobs=Logprobs()), PartDelta(text="another")])
def test_a_delta_with_more_than_the_text_teaches_nothing(more: PartDelta) -> None:
    delta = PartDelta(text="one")
    delta.MergeFrom(more)

    assert learn(says("one"), "one", delta, OpenAIStreamDecoder().only_text, None) is None
