"""The access log: one line for each request, as text or as JSON; and where a process writes its log without waiting."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal, TextIO

import msgspec

LogFormat = Literal["text", "json"]

_LONGEST_VALUE = 300
_MOST_WAITING = 8 * 1024 * 1024
_LAST_WORDS_S = 1.0
_is_plain = re.compile(r"[A-Za-z0-9_.:/@+-]+").fullmatch
_are_plain = re.compile(r"\w+=[A-Za-z0-9_.:/@+-]+(?: \w+=[A-Za-z0-9_.:/@+-]+)*", re.ASCII).fullmatch


class AccessLog:
    """Gathers lines and writes them together: a busy server makes a few write calls a second, not one for each request.

    Lines are at most flush_s old when they are written; without a running event loop they are written at once. What a
    request contains (a model's name, a path) cannot break a line or begin another.
    """

    def __init__(
        self,
        stream: TextIO | LogStream | None = None,
        *,
        format: LogFormat = "text",
        flush_s: float = 0.2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """stream: standard error unless it is given. clock: gives seconds since 1970 UTC."""
        self._stream = sys.stderr if stream is None else stream
        self._render = _as_json if format == "json" else _as_text
        self._flush_s = flush_s
        self._clock = clock
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = (-1, "")
        atexit.register(self.close)

    def write(self, fields: Mapping[str, object]) -> None:
        """Fields that are None are left out."""
        self._lines.append(self._render(self._time(), fields))
        if self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
            else:
                self._timer = loop.call_later(self._flush_s, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            text = "".join(self._lines)
            self._lines.clear()
            self._stream.write(text)
            self._stream.flush()

    def close(self) -> None:
        """Write what is left. Nothing is lost where it is called, or the interpreter ends on its own."""
        atexit.unregister(self.close)
        self.flush()
        if isinstance(self._stream, LogStream):
            self._stream.close()

    def _time(self) -> str:
        """UTC with milliseconds, RFC 3339."""
        now = self._clock()
        whole = int(now)
        if whole != self._second[0]:
            self._second = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
        return f"{self._second[1]}.{int((now - whole) * 1000):03d}Z"


class LogStream:
    """A log's stream that is written by a thread of its own: where nobody reads it, lines are dropped and counted, and no
    caller waits. Once it moves again, a line says how many are missing."""

    def __init__(self, stream: TextIO, format: LogFormat = "text", *, most_waiting: int = _MOST_WAITING) -> None:
        """most_waiting: characters that wait to be written."""
        self._stream = stream
        self._render = _as_json if format == "json" else _as_text
        self._most_waiting = most_waiting
        self._texts: list[str] = []
        self._waiting = 0
        self._dropped = 0
        self._changed = threading.Condition()
        self._ending = False
        self._writer: threading.Thread | None = None
        atexit.register(self.close)

    def write(self, text: str) -> int:
        with self._changed:
            if self._waiting + len(text) > self._most_waiting:
                self._dropped += text.count("\n")
                return 0
            self._texts.append(text)
            self._waiting += len(text)
            self._changed.notify()
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="log", daemon=True)
                self._writer.start()
        return len(text)

    def flush(self) -> None:
        """It is written as soon as it can be."""

    def close(self) -> None:
        """Write what is left, for a second at most."""
        atexit.unregister(self.close)
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._writer is not None:
            self._writer.join(_LAST_WORDS_S)

    def _write_all(self) -> None:
        while batch := self._next():
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(batch)
                self._stream.flush()
            with self._changed:
                self._waiting -= len(batch)

    def _next(self) -> str:
        """All that waits, with what was dropped before. Empty at the end."""
        with self._changed:
            while not (self._texts or self._ending):
                self._changed.wait()
            if self._dropped:
                fields = {"log": "dragoman.log", "level": "warning", "message": f"{self._dropped} lines were dropped"}
                missing = self._render(_rfc3339(time.time()), fields)
                self._texts.append(missing)
                self._waiting += len(missing)
                self._dropped = 0
            batch = "".join(self._texts)
            self._texts.clear()
            return batch


def _rfc3339(at: float) -> str:
    """UTC with milliseconds. at: seconds since 1970."""
    whole = int(at)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((at - whole) * 1000):03d}Z"


def _as_json(at: str, fields: Mapping[str, object]) -> str:
    known = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.json.encode({"time": at, **known}).decode() + "\n"
    except UnicodeEncodeError:
        # A lone surrogate, which JSON can bring.
        return json.dumps({"time": at, **known}) + "\n"


def _as_text(at: str, fields: Mapping[str, object]) -> str:
    """The time, then name=value; a value with other than plain characters is quoted as JSON quotes it."""
    known = {name: value for name, value in fields.items() if value is not None}
    words = [f"{name}={value}" for name, value in known.items()]
    line = " ".join(words)
    # The usual line has nothing to quote; to look at it once is cheaper than at each value.
    if not (_are_plain(line) and line.count(" ") + 1 == len(words) and max(map(len, words)) <= _LONGEST_VALUE):
        words = [f"{name}={_word(value)}" for name, value in known.items()]
    return " ".join([at, *words]) + "\n"


def _word(value: object) -> str:
    text = str(value)
    if type(value) is int or type(value) is float:
        return text
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "..."
    return text if _is_plain(text) else json.dumps(text)
