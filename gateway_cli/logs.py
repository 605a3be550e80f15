"""Log lines on standard error, as text or as JSON: one form for the access log and for everything else."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

import msgspec

from gateway_core.settings import LogSettings

PLAIN_VALUE_ENDS = frozenset(' "=\t\r\n')
"""What a value may not hold to be written without quotes."""

Render = Callable[[Mapping[str, object]], str]


class AccessLog:
    """One line for every request. What a value is None for is not known, and left out."""

    def __init__(self, kind: str, render: Render, stream: TextIO) -> None:
        """kind: what was called, http or grpc."""
        self._kind = kind
        self._render = render
        self._write = stream.write

    def write(self, fields: Mapping[str, object]) -> None:
        self._write(self._render({"time": _now(), "log": self._kind, **fields}) + "\n")


class LineFormatter(logging.Formatter):
    """What is logged with logging, in the same form as the access log."""

    def __init__(self, render: Render) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": _now(record.created),
            "log": record.name,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return self._render(fields)


def set_up(settings: LogSettings, stream: TextIO | None = None) -> Callable[[str], AccessLog | None]:
    """Makes logging write in the configured form, and gives what makes access logs: None where they are off."""
    stream = stream or sys.stderr
    render = render_json if settings.format == "json" else render_text
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(render))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("dragoman").setLevel(logging.INFO)
    return lambda kind: AccessLog(kind, render, stream) if settings.access else None


def render_json(fields: Mapping[str, object]) -> str:
    known = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(known).decode()


def render_text(fields: Mapping[str, object]) -> str:
    """time log name=value name=value; an exception follows on lines of its own."""
    rest = dict(fields)
    line = [str(rest.pop("time")), str(rest.pop("log"))]
    exception = rest.pop("exception", None)
    line += [f"{name}={_quoted(value)}" for name, value in rest.items() if value is not None]
    return " ".join(line) + (f"\n{exception}" if exception else "")


def _quoted(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and PLAIN_VALUE_ENDS.isdisjoint(text):
        return text
    return json.dumps(text)


def _now(seconds: float | None = None) -> str:
    seconds = time.time() if seconds is None else seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
