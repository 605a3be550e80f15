"""An answer as a stream of server-sent events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from gateway_core.providers.demo.chat_wire import call_id, finish_reason, head, token_logprob, usage
from gateway_core.providers.demo.moves import Call, End, Fail, Move, Refuse, Say, Think, Wait, words
from gateway_core.providers.demo.question import Json, Question
from gateway_core.providers.demo.script import EVENT_STREAM, Ending, Pause, Script, Step, encode_json, error_object
from gateway_core.providers.demo.whole import failure

DONE = b"data: [DONE]\n\n"
MOST_BYTES_A_READ = 16 * 1024


def streamed_answer(question: Question, moves: Sequence[Move]) -> Script:
    for index, move in enumerate(moves):
        if isinstance(move, Fail):
            return failure(move, [Pause(wait.seconds) for wait in moves[:index] if isinstance(wait, Wait)])
        if not isinstance(move, Wait):
            break
    return Script(in_reads(Stream(question, moves).steps()), headers=EVENT_STREAM)


def in_reads(steps: Iterator[Step]) -> Iterator[Step]:
    """Join the events that nothing separates, as a network would."""
    pending = bytearray()
    for step in steps:
        if isinstance(step, bytes) and len(pending) + len(step) <= MOST_BYTES_A_READ:
            pending += step
            continue
        if pending:
            yield bytes(pending)
            pending.clear()
        if isinstance(step, bytes):
            pending += step
        else:
            yield step
    if pending:
        yield bytes(pending)


class Stream:
    """Writes one answer."""

    def __init__(self, question: Question, moves: Sequence[Move]) -> None:
        self._question = question
        self._moves = moves
        self._head = head(question, "chat.completion.chunk")
        if question.include_usage:
            self._head["usage"] = None
        self._opened = False
        self._calls = 0

    def steps(self) -> Iterator[Step]:
        for move in self._moves:
            if not self._opened and isinstance(move, (Say, Think, Refuse, Call)):
                yield from self._open()
            match move:
                case Say(text):
                    yield from self._piece({"content": text}, text, "content")
                case Think(text):
                    yield from self._piece({"reasoning_content": text})
                case Refuse(text):
                    yield from self._piece({"refusal": text}, text, "refusal")
                case Call():
                    yield from self._call(move)
                case Wait(seconds):
                    yield Pause(seconds)
                case Fail():
                    error = error_object(move.status, move.message, kind=move.kind, code=move.code, param=move.param)
                    # In a read of its own: a failure in the read of the first content is still one before any content.
                    yield Pause(0)
                    yield event(error)
                    return
                case End(Ending() as ending):
                    yield ending
                    return
                case End(None):
                    return
                case End():
                    break
                case _:
                    assert_never(move)
        yield from self._finish()

    def _open(self) -> Iterator[bytes]:
        self._opened = True
        opening: Json = {"role": "assistant", "refusal": None}
        opening["content"] = "" if any(isinstance(move, Say) for move in self._moves) else None
        yield from self._piece(opening)

    def _finish(self) -> Iterator[bytes]:
        if not self._opened:
            yield from self._open()
        yield from self._piece({}, finish=finish_reason(self._moves))
        if self._question.include_usage:
            yield event({**self._head, "choices": [], "usage": usage(self._question, self._moves)})
        yield DONE

    def _piece(self, delta: Json, token: str = "", field: str = "", finish: str | None = None) -> Iterator[bytes]:
        """The same delta for every candidate."""
        for index in range(self._question.count):
            yield self._chunk(index, delta, self._logprobs(token, field), finish)

    def _call(self, call: Call) -> Iterator[bytes]:
        number, self._calls = self._calls, self._calls + 1
        kind, field = ("custom", "input") if call.custom else ("function", "arguments")
        for index in range(self._question.count):
            begun = {"index": number, "id": call_id(self._question, index, number), "type": kind}
            yield self._chunk(index, {"tool_calls": [{**begun, kind: {"name": call.name, field: ""}}]})
        for word in words(call.arguments):
            yield from self._piece({"tool_calls": [{"index": number, kind: {field: word}}]})

    def _logprobs(self, token: str, field: str) -> Json | None:
        if not (token and self._question.logprobs):
            return None
        return {"content": None, "refusal": None, field: [token_logprob(token, self._question.top_logprobs)]}

    def _chunk(self, index: int, delta: Json, logprobs: Json | None = None, finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return event({**self._head, "choices": [choice]})


def event(data: Json) -> bytes:
    return b"data: " + encode_json(data) + b"\n\n"
