"""Metering of proxied answers: reads their usage while they pass. Never raises and never delays; what it cannot read is not
counted."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.reasons import GatewayError
from dragoman.v1.proxy_pb2 import ProxyEnd
from gateway_core.execution.usage import MARK, merge_raw, objects_in
from gateway_core.providers.registry import DIALECTS
from gateway_core.transport.sse import SseDecoder
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.kit.json import UNREADABLE, Json, text_of

LARGEST_BODY = 32 * 1024 * 1024
"""A whole answer that is larger is not counted; in bytes, after decompression."""
LARGEST_EXPANSION = 16 * 1024 * 1024
"""What one read may decompress to."""
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32

_log = logging.getLogger("dragoman.proxy")


class UndecodableError(Exception):
    """The body is compressed in an unknown way, or expands too far."""


class Meter:
    """One for each answer. Its dialect reads first; others follow, for a provider may serve several APIs."""

    def __init__(self, dialect: Dialect, content_type: str, encoding: str) -> None:
        self._dialects = (dialect, *(other for other in DIALECTS.values() if other is not dialect))
        self._reader: Dialect | None = None
        self._raw: Json = {}
        self._model = self._tier = ""
        self._decompress = decompressor(encoding)
        self._body: list[bytes] = []
        self._size = 0
        self._events = SseDecoder() if content_type == "text/event-stream" else None
        self._counts = self._events is not None or content_type == "application/json" or content_type.endswith("+json")

    def feed(self, piece: bytes) -> None:
        if not self._counts:
            return
        try:
            self._read(self._decompress(piece))
        except (GatewayError, zlib.error, UndecodableError):
            self._stop()
        except Exception:
            _log.exception("an answer cannot be metered")
            self._stop()

    def finish(self) -> ProxyEnd | None:
        """What was reported, also of an answer that broke off. None: nothing."""
        try:
            self._read_rest()
            if self._reader is None:
                return None
            return ProxyEnd(usage=self._reader.read_usage(self._raw), model=self._model, service_tier=self._tier)
        except GatewayError:
            return None
        except Exception:
            _log.exception("an answer cannot be metered")
            return None

    def _stop(self) -> None:
        self._counts = False
        self._body.clear()

    def _read(self, text: bytes) -> None:
        if self._events is not None:
            for event in self._events.feed(text):
                self._read_event(event.data)
            return
        self._size += len(text)
        if self._size > LARGEST_BODY:
            self._stop()
        else:
            self._body.append(text)

    def _read_rest(self) -> None:
        if self._events is not None and self._counts:
            for event in self._events.finish():
                self._read_event(event.data)
        elif self._body:
            self._read_json(b"".join(self._body))

    def _read_event(self, data: bytes) -> None:
        # Most events hold a piece of text, and are not worth decoding.
        if MARK in data:
            self._read_json(data)

    def _read_json(self, text: bytes) -> None:
        for answer in objects_in(text):
            self._take(answer)

    def _take(self, answer: Json) -> None:
        for dialect in self._dialects if self._reader is None else (self._reader,):
            report = dialect.find_usage(answer)
            if report is not None:
                self._reader = dialect
                self._raw = merge_raw(self._raw, report.raw) if report.partial else report.raw
                self._model, self._tier = report.model or self._model, report.service_tier or self._tier
                return


def decompressor(encoding: str) -> Callable[[bytes], bytes]:
    """For a Content-Encoding. The decompressor raises UndecodableError or zlib.error."""
    if encoding in ("", "identity"):
        return bytes
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return refuse
    inflate: Any = zlib.decompressobj(GZIP_OR_ZLIB)

    def decompress(piece: bytes) -> bytes:
        text: bytes = inflate.decompress(piece, LARGEST_EXPANSION)
        if inflate.unconsumed_tail:
            raise UndecodableError
        return text

    return decompress


def refuse(piece: bytes) -> bytes:
    raise UndecodableError


class ModelField(msgspec.Struct):
    """The model of a request's JSON, for answers that do not name theirs."""

    model: Any = None


def model_asked(body: bytes, content_type: str) -> str:
    """Empty where the body does not name one."""
    if content_type != "application/json":
        return ""
    try:
        return text_of(msgspec.json.decode(body, type=ModelField).model)
    except UNREADABLE:
        return ""


def kind_of(content_type: str) -> str:
    """Without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def readable(body: bytes, encoding: str) -> bytes:
    """Decompressed where that is possible; it may be cut."""
    try:
        return decompressor(encoding)(body)
    except (zlib.error, UndecodableError):
        return body
