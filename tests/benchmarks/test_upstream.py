from __future__ import annotations

import pytest

from benchmarks import traffic
from benchmarks.upstream import cut, is_whole

REQUEST = traffic.http_request(9000, traffic.MODEL, stream=False)


def test_a_whole_request_is_recognised() -> None:
    assert is_whole(REQUEST)
    assert is_whole(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")


@pytest.mark.parametrize("missing", [1, 50, len(REQUEST) - 20])
def test_a_part_of_a_request_is_waited_for(missing: int) -> None:
    assert not is_whole(REQUEST[:-missing])


def test_header_names_may_be_lower_case() -> None:
    assert not is_whole(REQUEST.lower()[:-1])
    assert is_whole(REQUEST.lower())


@pytest.mark.parametrize("events", [traffic.stream_events(), traffic.anthropic_events()])
def test_a_stream_has_all_of_its_words(events: list[bytes]) -> None:
    joined = b"".join(cut(events, 7))

    assert all(word.encode() in joined for word in traffic.WORDS)
    assert joined.count(b"data: ") == len(events)
