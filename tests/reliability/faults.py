"""What can go wrong at a provider, and what has to become of it: one record for each row of docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from dragoman.reasons import RULES, Reason
from tests.reliability.wires import OPENAI, PIECES, TEXT, WIRES, Wire
from tests.upstream import CUT, RESET, STALL, Ending, Pause, Received, Reply, Step

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = b"<html><title>502 Bad Gateway</title></html>"
RAW_EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
"""A head without any framing: the body ends with the connection."""
HEARTBEAT = b": heartbeat\n\n"
HEARTBEATS: Sequence[Step] = [step for _ in range(400) for step in (HEARTBEAT, Pause(0.1))]
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
READ_S = 0.05
"""After which what was sent has been passed on: what follows comes in another read."""
LARGE = "ab" * 1024 * 1024
LONGEST_PAUSE_S = 8.0
"""[retries] longest: for a provider that wants a longer one, it is not asked again."""


@dataclass(frozen=True)
class Outcome:
    """What the client of one target gets."""

    reason: Reason | None = None
    """None: the answer."""
    said: str | None = None
    """What came before it failed. None: nothing, so that the next target is asked."""
    wait_s: float | None = None
    """The Retry-After."""
    text: str = TEXT
    """Of the answer."""

    @property
    def passed_on(self) -> bool:
        """Whether another target, where there is one, answers in its place."""
        return self.reason is not None and self.said is None and RULES[self.reason].next_target

    @property
    def attempts(self) -> int:
        """At one target, where two are allowed."""
        if self.reason is None or self.said is not None or (self.wait_s or 0) > LONGEST_PAUSE_S:
            return 1
        return 2 if RULES[self.reason].same_target else 1


ANSWERED = Outcome()
INTERRUPTED = Outcome(Reason.STREAM_INTERRUPTED)
TIMED_OUT = Outcome(Reason.UPSTREAM_TIMEOUT)
UNAVAILABLE = Outcome(Reason.UPSTREAM_UNAVAILABLE)
INVALID = Outcome(Reason.UPSTREAM_INVALID_RESPONSE)
Case = tuple[Reply, Outcome]
Make = Callable[[Wire], Case | None]
"""None: this language has no such fault."""


@dataclass(frozen=True)
class Fault:
    row: str
    """What happens, for a reader. Faults of one row have one outcome."""
    slug: str
    """The model that is asked for."""
    whole: Make | None = None
    """Where no stream is asked for. None: it is a fault of streams."""
    stream: Make | None = None
    wires: Sequence[Wire] = WIRES
    handle: Callable[[Received, Reply], Reply] | None = field(default=None, compare=False)
    """(request, the reply) -> the reply, for a fault that depends on the connection."""

    def case(self, wire: Wire, stream: bool) -> Case | None:
        make = self.stream if stream else self.whole
        return make(wire) if make is not None and wire in self.wires else None


def body(*steps: Step) -> Reply:
    return Reply(200, EVENTS, steps)


def always(reply: Reply, outcome: Outcome) -> Make:
    return lambda _: (reply, outcome)


def changed(change: Callable[[bytes], bytes]) -> Make:
    """The stream as one body with something done to it that changes nothing of its meaning."""
    return lambda wire: (body(change(b"".join(wire.frames))), ANSWERED)


def at(wire: Wire, count: int, failed: Reason = Reason.STREAM_INTERRUPTED) -> Outcome:
    """Of a stream that fails behind so many frames."""
    sent = b"".join(wire.frames[:count])
    said = "".join(piece for piece in PIECES if piece.encode() in sent)
    return Outcome(failed, said or None)


def end_at(count: int, *last: Step, failed: Reason = Reason.STREAM_INTERRUPTED) -> Make:
    """So many frames, and then no more of them."""

    def make(wire: Wire) -> Case | None:
        if count > wire.last_content + 1:
            return None
        return body(*wire.frames[:count], *last), at(wire, count, failed)

    return make


def after_content(*last: Step, failed: Reason = Reason.STREAM_INTERRUPTED) -> Make:
    def make(wire: Wire) -> Case:
        count = wire.first_content + 2
        return body(*wire.frames[:count], Pause(READ_S), *last), at(wire, count, failed)

    return make


def before_content(*last: Step, failed: Reason = Reason.STREAM_INTERRUPTED) -> Make:
    def make(wire: Wire) -> Case:
        return body(*wire.frames[: wire.first_content], *last), Outcome(failed)

    return make


def halved(*last: Step, outcome: Outcome = INTERRUPTED) -> Make:
    """Half of a whole answer whose length was announced."""

    def make(wire: Wire) -> Case:
        whole = wire.whole()
        return Reply(200, {**JSON, "content-length": str(len(whole))}, [whole[: len(whole) // 2], *last]), outcome

    return make


def answer(*, headers: Mapping[str, str] = JSON) -> Make:
    return lambda wire: (Reply(200, headers, wire.whole()), ANSWERED)


def failure_behind(frames: Callable[[Wire], int]) -> Make:
    """So many frames, and then the provider's own error."""

    def make(wire: Wire) -> Case:
        count = frames(wire)
        # Cohere's has no kind.
        reason = Reason.UPSTREAM_UNAVAILABLE if wire.name == "cohere" else Reason.UPSTREAM_OVERLOADED
        return body(*wire.frames[:count], Pause(READ_S), *wire.failure()), at(wire, count, reason)

    return make


def pretty(sent: bytes) -> bytes:
    """Each event's JSON on several data lines."""
    lines = []
    for line in sent.split(b"\n"):
        data = line.removeprefix(b"data: ")
        if line.startswith(b"data: {"):
            shown = json.dumps(json.loads(data), indent=1, ensure_ascii=False).encode()
            lines += [b"data: " + piece for piece in shown.split(b"\n")]
        else:
            lines.append(line)
    return b"\n".join(lines)


def commented(sent: bytes) -> bytes:
    return b": hello\n\nretry: 100\n\n" + sent.replace(b"\n\n", b"\n\n: still here\nid: 1\n\n") + HEARTBEAT


def heartbeats_behind(wire: Wire) -> Case:
    return body(*wire.frames, *HEARTBEATS), ANSWERED


def no_end_behind(wire: Wire) -> Case | None:
    frames = [frame for frame in wire.frames if frame != b"data: [DONE]\n\n"]
    return (body(*frames, *HEARTBEATS), ANSWERED) if len(frames) < len(wire.frames) else None


def large_stream(wire: Wire) -> Case:
    return body(*wire.frames_of([LARGE])), Outcome(text=LARGE)


def large_whole(wire: Wire) -> Case:
    return Reply(200, JSON, wire.whole(LARGE)), Outcome(text=LARGE)


def framed_by_the_end(count: Callable[[Wire], int], ending: Ending = CUT) -> Make:
    """A stream whose body ends with its connection."""

    def make(wire: Wire) -> Case:
        frames = wire.frames[: count(wire)]
        outcome = ANSWERED if len(frames) == len(wire.frames) else at(wire, len(frames))
        return Reply(before_head=[RAW_EVENTS, *frames, ending]), outcome

    return make


def no_stream(wire: Wire) -> Case:
    return Reply(200, JSON, wire.whole()), INVALID


def half_a_frame(wire: Wire) -> Case:
    count = wire.first_content + 2
    frame = wire.frames[count]
    return body(*wire.frames[:count], frame[: len(frame) // 2]), at(wire, count)


def refused(status: int, outcome: Outcome, headers: Mapping[str, str] | None = None, **error: object) -> Make:
    content = json.dumps({"error": {"message": "no", **error}}).encode()
    return always(Reply(status, {**JSON, **(headers or {})}, content), outcome)


def both(row: str, slug: str, make: Make, wires: Sequence[Wire] = WIRES) -> Fault:
    """The same, whatever is asked for."""
    return Fault(row, slug, make, make, wires)


def closed_idle(connections: set[int]) -> Callable[[Received, Reply], Reply]:
    """Each connection answers once: what comes then finds it closed."""

    def handle(received: Received, reply: Reply) -> Reply:
        if received.connection in connections:
            return Reply(before_head=[CUT])
        connections.add(received.connection)
        return reply

    return handle


def connection_faults() -> Iterator[Fault]:
    for what, ending in (("closed", CUT), ("reset", RESET)):
        slug = ending.name.lower()
        yield both(f"the connection is {what} before the head", slug, always(Reply(before_head=[ending]), UNAVAILABLE))
        after = always(body(ending), INTERRUPTED)
        yield Fault(f"the connection is {what} after the head", f"{slug}-after-head", halved(ending), after)
    half = b"HTTP/1.1 200 OK\r\ncontent-type: te"
    broken = always(Reply(before_head=[half, CUT]), UNAVAILABLE)
    yield both("the connection is closed in the middle of the head", "cut-in-head", broken)
    yield Fault(
        "an idle connection that the provider closes as the request comes",
        "idle-closed",
        answer(),
        lambda wire: (body(*wire.frames), ANSWERED),
        handle=closed_idle(set()),
    )
    yield both("something that is not HTTP", "no-http", always(Reply(before_head=[b"SSH-2.0-x\r\n\r\n", CUT]), INVALID))


def stalls() -> Iterator[Fault]:
    silent = Outcome(Reason.UPSTREAM_TIMEOUT)
    yield both("no head comes in time", "stall", always(Reply(before_head=[STALL]), silent))
    yield both("half a head, then nothing", "stall-in-head", always(Reply(before_head=[b"HTTP/1.1 200", STALL]), silent))
    yield Fault("the head, then nothing", "stall-after-head", halved(STALL, outcome=silent), always(body(STALL), silent))
    yield Fault(
        "the beginning of a stream, then nothing before content",
        "stall-before-content",
        None,
        before_content(STALL, failed=Reason.UPSTREAM_TIMEOUT),
    )
    yield Fault(
        "heartbeats and no content",
        "heartbeats-before-content",
        None,
        before_content(*HEARTBEATS, STALL, failed=Reason.UPSTREAM_TIMEOUT),
    )
    yield Fault("content, then nothing", "stall-after-content", None, after_content(STALL, failed=Reason.UPSTREAM_TIMEOUT))


def broken_streams() -> Iterator[Fault]:
    longest = max(wire.last_content for wire in WIRES)
    for count in range(longest + 2):
        yield Fault("a stream is cut, at any event", f"cut-at-{count}", None, end_at(count, CUT))
        yield Fault("a stream ends cleanly without a finish reason, at any event", f"ends-at-{count}", None, end_at(count))
    yield Fault(
        "a stream framed by the end of its connection ends without a finish reason",
        "eof",
        None,
        framed_by_the_end(lambda wire: wire.last_content),
    )
    yield Fault("a stream ends in the middle of an event", "half-event", None, half_a_frame)
    malformed = b'data: {"choices":[\n\n'
    invalid = Reason.UPSTREAM_INVALID_RESPONSE
    yield Fault("a malformed event before content", "malformed-first", None, before_content(malformed, failed=invalid))
    yield Fault("a malformed event after content", "malformed", None, after_content(malformed, failed=invalid))
    yield Fault("an error in a stream whose status is 200", "overloaded-first", None, failure_behind(lambda _: 0))
    yield Fault(
        "an error after the beginning of a stream (overloaded after message_start)",
        "overloaded-started",
        None,
        failure_behind(lambda wire: wire.first_content),
    )
    yield Fault(
        "an error in a stream after content", "overloaded-later", None, failure_behind(lambda wire: wire.first_content + 2)
    )


def other_answers() -> Iterator[Fault]:
    yield both("an HTML page with the status 200", "html", always(Reply(200, HTML, PAGE), INVALID))
    yield Fault("an empty body", "empty", always(Reply(200, JSON), INVALID), always(body(), INTERRUPTED))
    yield Fault("a whole answer where a stream was asked for", "no-stream", None, no_stream)
    yield Fault("JSON that is broken off", "half-json", lambda wire: (Reply(200, JSON, wire.whole()[:-9]), INVALID))


def harmless() -> Iterator[Fault]:
    single = [
        ("bytes one by one", "bytes", lambda wire: (body(*(bytes([byte]) for byte in b"".join(wire.frames))), ANSWERED)),
        ("lines that end in CRLF", "crlf", changed(lambda sent: sent.replace(b"\n", b"\r\n"))),
        ("lines that end in CR", "cr", changed(lambda sent: sent.replace(b"\n", b"\r"))),
        ("a byte order mark", "bom", changed(lambda sent: b"\xef\xbb\xbf" + sent)),
        ("comments, ids and retry fields", "comments", changed(commented)),
        ("lines without a colon", "no-colon", changed(lambda sent: b"garbage\n\n" + sent)),
        ("data on several lines", "lines", changed(pretty)),
        ("no blank line behind the last event", "no-blank-line", changed(lambda sent: sent.rstrip(b"\n"))),
        ("heartbeats behind the end", "heartbeats", heartbeats_behind),
        ("no end of the stream, and heartbeats", "no-end", no_end_behind),
        ("a delta of 2 MB", "large", large_stream),
        ("the connection's end as the body's", "framed-by-end", framed_by_the_end(lambda wire: len(wire.frames))),
    ]
    for what, slug, make in single:
        yield Fault(f"harmless: {what}", slug, None, make)
    yield Fault(
        "harmless: an answer in pieces",
        "pieces",
        lambda wire: (Reply(200, JSON, [bytes([byte]) for byte in wire.whole()]), ANSWERED),
    )
    yield Fault(
        "harmless: an answer of 2 MB", "large-whole", lambda wire: (Reply(200, JSON, wire.whole(LARGE)), Outcome(text=LARGE))
    )
    yield Fault("harmless: text/plain", "plain", answer(headers={"content-type": "text/plain"}))


def statuses() -> Iterator[Fault]:
    for status, reason in (
        *((401, Reason.UPSTREAM_AUTH), (402, Reason.QUOTA_EXHAUSTED), (403, Reason.UPSTREAM_AUTH)),
        *((408, Reason.UPSTREAM_TIMEOUT), (500, Reason.UPSTREAM_UNAVAILABLE), (503, Reason.UPSTREAM_OVERLOADED)),
        *((504, Reason.UPSTREAM_TIMEOUT), (529, Reason.UPSTREAM_OVERLOADED)),
    ):
        yield both(f"the status {status}", f"status-{status}", refused(status, Outcome(reason)), wires=(OPENAI,))
    yield both("the status 400", "status-400", refused(400, Outcome(Reason.UPSTREAM_REJECTED)), wires=(OPENAI,))
    context = refused(400, Outcome(Reason.CONTEXT_LENGTH_EXCEEDED), code="context_length_exceeded")
    yield both("a request that is too long", "context", context, wires=(OPENAI,))
    broken = refused(500, UNAVAILABLE, code="context_length_exceeded")
    yield both("the status 500 that speaks of the context's length", "context-500", broken, wires=(OPENAI,))


def limited() -> Iterator[Fault]:
    hints: Sequence[tuple[str, str, Mapping[str, str], dict[str, object], float | None]] = (
        ("without a hint", "none", {}, {}, None),
        ("with Retry-After in seconds", "seconds", {"retry-after": "30"}, {}, 30),
        (
            "with Retry-After as a date",
            "date",
            {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            {},
            30,
        ),
        (
            "with x-ratelimit-reset of what is used up",
            "reset",
            {
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "30s",
            },
            {},
            30,
        ),
        ("with retry-after-ms", "ms", {"retry-after-ms": "30000", "retry-after": "1"}, {}, 30),
        (
            "with Google's RetryInfo",
            "info",
            {},
            {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]},
            30,
        ),
    )
    for what, slug, headers, error, wait_s in hints:
        outcome = Outcome(Reason.RATE_LIMITED, wait_s=wait_s)
        yield both(f"429 {what}", f"429-{slug}", refused(429, outcome, headers, **error), wires=(OPENAI,))


@cache
def faults() -> Sequence[Fault]:
    kinds = (connection_faults, stalls, broken_streams, other_answers, harmless, statuses, limited)
    found = [fault for kind in kinds for fault in kind()]
    assert len({fault.slug for fault in found}) == len(found)
    return found
