from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest

from gateway_core.telemetry import AccessLog, LogFormat, LogStream

NOON = 1_800_014_400.0


def written(fields: Mapping[str, object], form: LogFormat = "text", at: float = NOON) -> str:
    stream = io.StringIO()
    log = AccessLog(stream, format=form, clock=lambda: at)
    log.write(fields)
    log.close()
    return stream.getvalue()


def test_a_line_of_text() -> None:
    fields = {"method": "POST", "path": "/v1/chat/completions", "status": 200, "ms": 1.5, "caller": None, "attempts": 1}
    assert written(fields) == "2027-01-15T12:00:00.000Z method=POST path=/v1/chat/completions status=200 ms=1.5 attempts=1\n"


def test_a_line_of_json() -> None:
    line = written({"method": "grpc Chat", "status": "OK", "caller": None, "tokens": 2, "word": "\u00fc\n"}, "json")
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": "2027-01-15T12:00:00.000Z",
        "method": "grpc Chat",
        "status": "OK",
        "tokens": 2,
        "word": "\u00fc\n",
    }


def test_a_lone_surrogate_in_json() -> None:
    assert written({"word": "\ud800"}, "json") == '{"time": "2027-01-15T12:00:00.000Z", "word": "\\ud800"}\n'


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("plain/word-1.2:3@x+y_z", "plain/word-1.2:3@x+y_z"),
        ("two words", '"two words"'),
        ("", '""'),
        ('a"b', '"a\\"b"'),
        ("a=b", '"a=b"'),
        ("line\nstatus=200", '"line\\nstatus=200"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\u00fc", '"\\u00fc"'),
        ("\ud800", '"\\ud800"'),
        ("\u2028", '"\\u2028"'),
        (True, "True"),
        (-0.5, "-0.5"),
    ],
)
def test_no_value_breaks_out_of_its_place(value: object, word: str) -> None:
    assert written({"name": value}) == f"2027-01-15T12:00:00.000Z name={word}\n"


def test_a_long_value_is_cut() -> None:
    assert written({"path": "a" * 10_000}) == f"2027-01-15T12:00:00.000Z path={'a' * 300}...\n"


@pytest.mark.parametrize(
    ("at", "time"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (NOON + 0.5, "2027-01-15T12:00:00.500Z"),
        (NOON + 59.25, "2027-01-15T12:00:59.250Z"),
    ],
)
def test_the_time(at: float, time: str) -> None:
    assert written({}, at=at) == f"{time}\n"


def test_lines_of_several_seconds() -> None:
    times = iter([NOON, NOON + 0.25, NOON + 1, NOON - 60])
    stream = io.StringIO()
    log = AccessLog(stream, clock=lambda: next(times))
    for _ in range(4):
        log.write({})
    assert [line[11:] for line in stream.getvalue().splitlines()] == [
        "12:00:00.000Z",
        "12:00:00.250Z",
        "12:00:01.000Z",
        "11:59:00.000Z",
    ]
    log.close()


class Counting(io.StringIO):
    """Counts the writes, and tells of each."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.writes += 1
        self.written.set()
        return super().write(text)


def test_a_busy_server_writes_many_lines_at_once() -> None:
    async def main() -> None:
        stream = Counting()
        log = AccessLog(stream, flush_s=0.01)
        for number in range(500):
            log.write({"number": number})
        assert stream.writes == 0
        await stream.written.wait()
        assert stream.writes == 1
        assert len(stream.getvalue().splitlines()) == 500

        stream.written.clear()
        log.write({"number": 500})
        await stream.written.wait()
        assert stream.writes == 2
        log.close()
        assert stream.writes == 2

    asyncio.run(main())


def test_flush_writes_at_once() -> None:
    async def main() -> None:
        stream = Counting()
        log = AccessLog(stream, flush_s=1000)
        log.write({})
        log.flush()
        assert stream.writes == 1
        log.flush()
        assert stream.writes == 1
        log.close()

    asyncio.run(main())


def test_nothing_is_lost_at_the_end_of_the_interpreter() -> None:
    program = """
import asyncio
from gateway_core.telemetry import AccessLog

async def main():
    AccessLog(flush_s=1000).write({"last": "words"})

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr.endswith("Z last=words\n")


def test_lines_after_a_loop_that_ended_are_not_lost() -> None:
    stream = io.StringIO()
    log = AccessLog(stream, flush_s=1000)

    async def main() -> None:
        log.write({"first": 1})

    asyncio.run(main())
    log.close()
    assert "first=1" in stream.getvalue()


class Blocked(io.StringIO):
    """Nobody reads it until go_on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.asked.set()
        self.go_on.wait()
        return super().write(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_nobody_reads_stops_nobody(form: LogFormat) -> None:
    stream = Blocked()
    lines = LogStream(stream, form, most_waiting=1_000)
    assert lines.write("first\n") == 6
    stream.asked.wait()
    written = sum(bool(lines.write(f"line {number}\n")) for number in range(1_000))
    assert 0 < written < 200
    stream.go_on.set()
    lines.close()
    told = stream.getvalue().splitlines()
    assert told[: written + 1] == ["first", *(f"line {number}" for number in range(written))]
    assert f"{1_000 - written} lines were dropped" in told[-1]
    assert len(told) == written + 2


def test_a_log_whose_reader_is_gone_stops_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    lines = LogStream(Gone())
    for _ in range(3):
        lines.write("line\n")
    lines.close()
    assert lines.write("after the end\n")
