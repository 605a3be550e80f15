"""The parser of answers under mutated input: never an answer that was not sent, never an exception but BadFraming."""

from __future__ import annotations

import random

import pytest

from gateway_core.transport.http1.codec import AnswerParser, BadFraming

ROUNDS = 4000
BODY = bytes(range(256)) * 3
CHUNKS = b"100\r\n%b\r\n200\r\n%b\r\n0\r\nX: y\r\n\r\n" % (BODY[:256], BODY[256:])
SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 768\r\nX: y\r\n\r\n" + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"HTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 500 X\r\nConnection: keep-alive\r\nContent-Length: 768\r\n\r\n" + BODY,
)
SPLICES = (
    *(b"\r\n", b"\n", b"\0", b"0\r\n\r\n", b": "),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK"),
)

Outcome = tuple[str, int, bytes, bool]


def outcome(data: bytes, cuts: list[int]) -> Outcome:
    """How it ends, the status, the body, whether the connection would be used again."""
    parser = AnswerParser()
    parser.begin("POST")
    try:
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            if start < end:
                parser.feed(data[start:end])
    except BadFraming as error:
        assert str(error)
        return "bad", parser.status, b"".join(parser.pieces), False
    whole = parser.complete or parser.finish()
    return "whole" if whole else "cut", parser.status, b"".join(parser.pieces), parser.keep_alive


def cuts_of(random: random.Random, size: int) -> list[int]:
    return sorted(random.randrange(size + 1) for _ in range(random.choice((0, 1, 3, 30))))


def mutated(random: random.Random, data: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 2, 5))):
        # Mostly in the framing: a body may be anything.
        place = random.randrange(min(len(data), 100) if random.random() < 0.7 else len(data))
        match random.randrange(4):
            case 0:
                data = data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]
            case 1:
                data = data[:place] + random.choice(SPLICES) + data[place:]
            case 2:
                data = data[:place] + data[place + random.randrange(1, 9) :]
            case _:
                data = data[:place] + data[max(0, place - random.randrange(40)) :]
    return data


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_any_split_gives_the_same_answer(seed: int) -> None:
    chance = random.Random(seed)
    data = SEEDS[seed]
    expected = outcome(data, [])
    assert expected[0] == "whole"
    assert expected[2] == BODY
    for _ in range(300):
        assert outcome(data, cuts_of(chance, len(data))) == expected


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_no_part_of_an_answer_is_whole(seed: int) -> None:
    chance = random.Random(seed)
    for size in range(len(SEEDS[seed])):
        assert outcome(SEEDS[seed][:size], cuts_of(chance, size))[0] == "cut"


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_mutations_end_alike_however_they_are_split(seed: int) -> None:
    chance = random.Random(seed)
    ends = {"whole": 0, "cut": 0, "bad": 0}
    for _ in range(ROUNDS):
        data = mutated(chance, SEEDS[seed])
        if not data:
            continue
        expected = outcome(data, [])
        assert outcome(data, cuts_of(chance, len(data))) == expected, data[:200]
        ends[expected[0]] += 1
    assert min(ends.values()) > 0


def test_what_is_whole_is_a_body_that_was_sent() -> None:
    chance = random.Random(7)
    for _ in range(ROUNDS):
        data = mutated(chance, SEEDS[0])
        end, _, body, _ = outcome(data, cuts_of(chance, len(data))) if data else ("cut", 0, b"", False)
        if end == "whole":
            assert body in data


def test_noise_is_no_answer() -> None:
    chance = random.Random(8)
    for _ in range(ROUNDS):
        data = chance.randbytes(chance.randrange(1, 400))
        assert outcome(data, cuts_of(chance, len(data)))[0] in ("bad", "cut")
