from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from gateway_core.transport.sse import SseDecoder
from gateway_dialects.kit.dialect import ServerSentEvent as Event


def decode(*chunks: bytes) -> list[Event]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.finish()


CASES: dict[str, tuple[bytes, list[Event]]] = {
    "one event": (b"data: a\n\n", [Event(b"a")]),
    "several events": (b"data: a\n\ndata: b\n\ndata: c\n\n", [Event(b"a"), Event(b"b"), Event(b"c")]),
    "no space": (b"data:a\n\ndata:b\n\n", [Event(b"a"), Event(b"b")]),
    "only one space is taken away": (b"data:  a \n\n", [Event(b" a ")]),
    "several lines of data": (b"data: a\ndata: b\ndata:\ndata: c\n\n", [Event(b"a\nb\n\nc")]),
    "an error as bare JSON": (
        b'data: a\n\n{\n  "error": {\n    "code": 499\n  }\n}\n',
        [Event(b"a"), Event(b'{\n  "error": {\n    "code": 499\n  }\n}\n')],
    ),
    "a name": (b"event: ping\ndata: {}\n\n", [Event(b"{}", "ping")]),
    "several names": (b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [Event(b"1", "a"), Event(b"2", "b")]),
    "a name without data among others": (
        b"event: a\ndata: 1\n\nevent: b\n\nevent: c\ndata: 3\n\n",
        [Event(b"1", "a"), Event(b"3", "c")],
    ),
    "an empty name": (b"event: \ndata: 1\n\n", [Event(b"1")]),
    "a name after the data": (b"data: {}\nevent:ping\n\n", [Event(b"{}", "ping")]),
    "the last name counts": (b"event: a\nevent: b\ndata: {}\n\n", [Event(b"{}", "b")]),
    "a name holds for one event": (b"event: a\ndata: 1\n\ndata: 2\n\n", [Event(b"1", "a"), Event(b"2")]),
    "a name alone is no event": (b"event: a\n\ndata: 2\n\n", [Event(b"2")]),
    "id and retry": (b"id: 7\nretry: 10\ndata: a\n\nid: 8\n\n", [Event(b"a")]),
    "unknown fields": (b"datum: x\ndata: a\n data: y\n\n", [Event(b"a")]),
    "comments": (b": hi\n\n:\n\ndata: a\n: there\ndata: b\n\n: OPENROUTER PROCESSING\n\n", [Event(b"a\nb")]),
    "comments without blank lines": (b": hi\n: hi\n: hi\ndata: a\n\n", [Event(b"a")]),
    "empty data is dropped": (b"data:\n\ndata: \n\ndata\n\ndata: a\n\n", [Event(b"a")]),
    "more blank lines than needed": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [Event(b"a"), Event(b"b")]),
    "CRLF": (b"event: x\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [Event(b"a\nb", "x"), Event(b"c")]),
    "CR": (b"event: x\rdata: a\rdata: b\r\rdata: c\r\r", [Event(b"a\nb", "x"), Event(b"c")]),
    "all line ends": (b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r", [Event(b"a\nb\nc"), Event(b"d")]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
    "BOM only at the beginning": (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: a\n\n", [Event(b"a")]),
    "data that holds field names": (b"data: data: a\n\ndata: event: b\n\n", [Event(b"data: a"), Event(b"event: b")]),
    "UTF-8": ('data: {"t":"ÿ😀"}\n\ndata: 日本\n\n'.encode(), [Event('{"t":"ÿ😀"}'.encode()), Event("日本".encode())]),
    "no blank line at the end": (b'data: 1\n\ndata: {"a":1}\n', [Event(b"1"), Event(b'{"a":1}')]),
    "no line end at the end": (b'event: x\ndata: {"a":1}', [Event(b'{"a":1}', "x")]),
    "DONE without line end": (b"data: 1\n\ndata: [DONE]", [Event(b"1"), Event(b"[DONE]")]),
    "a CR at the end": (b"data: [DONE]\r", [Event(b"[DONE]")]),
    "cut within its data": (b'data: 1\n\ndata: {"a":', [Event(b"1")]),
    "cut within a name": (b"data: 1\n\neve", [Event(b"1")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES.keys())
def test_events_are_the_same_wherever_the_stream_is_cut(stream: bytes, events: list[Event]) -> None:
    assert decode(stream) == events
    assert decode(*(stream[place : place + 1] for place in range(len(stream)))) == events
    for place in range(len(stream) + 1):
        assert decode(stream[:place], stream[place:]) == events
        assert decode(stream[:place], b"", stream[place:]) == events


PIECES = [
    b"data: ",
    b"data:",
    b"data",
    b"event: x",
    b"event:",
    b": c",
    b"id: 1",
    b"{}",
    b"a",
    b" ",
    b"\n",
    b"\n\n",
    b"\r",
    b"\r\n",
]
PIECES += [b"\xef\xbb\xbf", "é".encode(), b"\n\ndata: ", b"\n\nevent: ", b"\ndata: "]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.lists(st.integers(0, 200), max_size=8))
def test_any_split_gives_the_events_of_a_plain_reading(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoder = SseDecoder()
    events = [event for a, b in pairwise(places) for event in decoder.feed(stream[a:b])]
    assert events == plain_reading(stream)
    assert events + decoder.finish() == decode(stream)


def plain_reading(stream: bytes) -> list[Event]:
    """The specification's words, line by line, but for events without data."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    events: list[Event] = []
    data: list[bytes] = []
    name = b""
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if joined := b"\n".join(data):
                events.append(Event(joined, name.decode()))
            data, name = [], b""
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_that_is_too_large_is_refused_however_it_comes(size: int) -> None:
    stream = b"data: a\n\n" + b"data: " + b"x" * 95 + b"\n\n"
    decoder = SseDecoder(max_event_bytes=100)
    with pytest.raises(GatewayError, match="larger than 100 bytes") as caught:
        for place in range(0, len(stream), size):
            decoder.feed(stream[place : place + size])
    assert caught.value.reason == Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_of_the_largest_size_passes(size: int) -> None:
    stream = (b"data: " + b"x" * 94 + b"\n\n") * 3
    decoder = SseDecoder(max_event_bytes=100)
    events = [event for place in range(0, len(stream), size) for event in decoder.feed(stream[place : place + size])]
    assert events == [Event(b"x" * 94)] * 3
