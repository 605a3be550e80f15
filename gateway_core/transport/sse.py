"""Framing of text/event-stream bodies, without I/O: bytes in, events out.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html except where real providers make it wise not to:
an event whose data is empty is dropped, an event that the stream's end cuts off is delivered if it is whole (finish), and
an error between events as bare JSON, as Google writes it, is data too.
Comments, id and retry yield nothing; that bytes arrived at all is what the transport's idle timer sees.
"""

import re

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import UNREADABLE, decode_json

MAX_EVENT_BYTES = 64 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
BARE_ERROR = re.compile(rb'\{\s*"error"')


class SseDecoder:
    """Splits one body into its events, however it is cut into chunks. One for each body."""

    __slots__ = ("_after_cr", "_at_start", "_limit", "_pending", "_pending_size")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._pending: list[bytes] = []
        """The unfinished event, in pieces, so that a large one is not copied again with each chunk."""
        self._pending_size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that this chunk completes. Raises GatewayError UPSTREAM_INVALID_RESPONSE when one is too large."""
        if self._at_start:
            chunk = self._without_bom(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        if self._pending:
            if not self._completes(chunk):
                self._hold(chunk)
                return []
            chunk = b"".join((*self._pending, chunk))
            self._pending.clear()
            self._pending_size = 0
        whole, end, rest = chunk.rpartition(b"\n\n")
        if rest:
            self._hold(rest)
        return self._events_in(whole) if end else []

    def finish(self) -> list[ServerSentEvent]:
        """The event that the stream's end left without its blank line, as several providers end theirs. Only if its data is
        whole (JSON or [DONE]): half an event must look like the broken stream that it is, not like a provider's mistake."""
        last = b"".join(self._pending)
        self._pending.clear()
        self._pending_size = 0
        event = event_in(last)
        return [event] if event and is_whole(event.data) else []

    def _events_in(self, whole: bytes) -> list[ServerSentEvent]:
        """The events of a run of blocks, blank lines between them."""
        if len(whole) <= self._limit and (events := uniform_events(whole)) is not None:
            return events
        events = []
        for block in whole.split(b"\n\n"):
            self._check_size(len(block))
            if event := event_in(block):
                events.append(event)
        return events

    def _without_bom(self, chunk: bytes) -> bytes:
        head = b"".join((*self._pending, chunk))
        self._pending.clear()
        self._pending_size = 0
        if len(head) < len(BOM) and BOM.startswith(head):
            if head:
                self._hold(head)
            return b""
        self._at_start = False
        return head.removeprefix(BOM)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """The chunk with each CRLF or CR as one LF; a CRLF may be cut in two by the chunks' border."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
            if not chunk:
                self._after_cr = False
                return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _completes(self, chunk: bytes) -> bool:
        return b"\n\n" in chunk or (chunk.startswith(b"\n") and self._pending[-1].endswith(b"\n"))

    def _hold(self, rest: bytes) -> None:
        self._pending_size += len(rest)
        # One byte may be the event's line end already.
        self._check_size(self._pending_size - 1)
        if rest:
            self._pending.append(rest)

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            message = f"an event of the upstream's stream is larger than {self._limit} bytes"
            raise GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)


def uniform_events(whole: bytes) -> list[ServerSentEvent] | None:
    """The events where all have the form that nearly all providers write, found with one split and one count of line feeds:
    single data lines, or an event line and a data line each. None where one has not."""
    if whole.startswith(b"data: "):
        lines = whole[6:].split(b"\n\ndata: ")
        if whole.count(b"\n") == 2 * len(lines) - 2 and all(lines):
            return [ServerSentEvent(line) for line in lines]
    elif whole.startswith(b"event: "):
        pairs = [block.partition(b"\ndata: ") for block in whole[7:].split(b"\n\nevent: ")]
        if whole.count(b"\n") == 3 * len(pairs) - 2 and all(data for _, _, data in pairs):
            return [ServerSentEvent(data, name.decode(errors="replace")) for name, _, data in pairs]
    return None


def event_in(block: bytes) -> ServerSentEvent | None:
    """The event of a block of lines, unless it has no data."""
    data: list[bytes] = []
    name = b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    if not data and BARE_ERROR.match(block):
        data.append(block)
    joined = b"\n".join(data)
    return ServerSentEvent(joined, name.decode(errors="replace")) if joined else None


def is_whole(data: bytes) -> bool:
    if data == b"[DONE]":
        return True
    try:
        decode_json(data)
    except UNREADABLE:
        return False
    return True
