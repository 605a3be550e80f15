"""Answers in OpenAI's chat completions format (https://platform.openai.com/docs/api-reference/chat), whole or as a stream
of server-sent events."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from gateway_core.providers.demo import script as scripts
from gateway_core.providers.demo.moves import Call, End, Fail, Move, Refuse, Say, Think, Wait, tokens, words
from gateway_core.providers.demo.question import Json, Question

CREATED = 1_700_000_000
"""Seconds since 1970: always the same, so that equal requests get equal answers."""
FINGERPRINT = "fp_demo"
DONE = b"data: [DONE]\n\n"
MAX_BYTES_A_READ = 16 * 1024


def whole_answer(question: Question, moves: Sequence[Move]) -> scripts.Script:
    pauses: list[scripts.Step] = (
        [scripts.Pause(seconds)] if (seconds := sum(m.seconds for m in moves if isinstance(m, Wait))) else []
    )
    for move in moves:
        match move:
            case Fail():
                return failure(move, pauses)
            case End(scripts.Ending.STALL):
                return scripts.Script([*pauses, scripts.Ending.STALL])
            case End(scripts.Ending.CUT):
                body = scripts.encode_json(completion(question, moves))
                return scripts.Script([*pauses, body[: len(body) // 2], scripts.Ending.CUT])
    return scripts.Script([*pauses, scripts.encode_json(completion(question, moves))])


def failure(fail: Fail, pauses: Sequence[scripts.Step] = ()) -> scripts.Script:
    script = scripts.error_script(
        fail.status, fail.message, kind=fail.kind, code=fail.code, param=fail.param, retry_after_s=fail.retry_after_s
    )
    return scripts.Script([*pauses, *script.steps], script.status, script.headers)


def completion(question: Question, moves: Sequence[Move]) -> Json:
    choices = [
        {
            "index": index,
            "message": message(question, moves, index),
            "logprobs": logprobs(question, moves) if question.logprobs else None,
            "finish_reason": finish_reason(moves),
        }
        for index in range(question.count)
    ]
    return {**head(question, "chat.completion"), "choices": choices, "usage": usage(question, moves)}


def message(question: Question, moves: Sequence[Move], candidate: int) -> Json:
    said = [move.text for move in moves if isinstance(move, Say)]
    thought = [move.text for move in moves if isinstance(move, Think)]
    refused = [move.text for move in moves if isinstance(move, Refuse)]
    calls = [move for move in moves if isinstance(move, Call)]
    found: Json = {
        "role": "assistant",
        "content": None if (calls or refused) and not said else "".join(said),
        "refusal": "".join(refused) if refused else None,
    }
    if thought:
        found["reasoning_content"] = "".join(thought)
    if calls:
        found["tool_calls"] = [tool_call(question, call, candidate, number) for number, call in enumerate(calls)]
    return found


def tool_call(question: Question, call: Call, candidate: int, number: int) -> Json:
    kind, field = ("custom", "input") if call.custom else ("function", "arguments")
    identifier = call_id(question, candidate, number)
    return {"id": identifier, "type": kind, kind: {"name": call.name, field: call.arguments}}


def logprobs(question: Question, moves: Sequence[Move]) -> Json:
    said = [token_logprob(move.text, question.top_logprobs) for move in moves if isinstance(move, Say)]
    refused = [token_logprob(move.text, question.top_logprobs) for move in moves if isinstance(move, Refuse)]
    return {"content": said or None, "refusal": refused or None}


def streamed_answer(question: Question, moves: Sequence[Move]) -> scripts.Script:
    for index, move in enumerate(moves):
        if isinstance(move, Fail):
            return failure(move, [scripts.Pause(wait.seconds) for wait in moves[:index] if isinstance(wait, Wait)])
        if not isinstance(move, Wait):
            break
    return scripts.Script(in_reads(Stream(question, moves).steps()), headers=scripts.EVENT_STREAM)


def in_reads(steps: Iterator[scripts.Step]) -> Iterator[scripts.Step]:
    """Join the events that nothing separates, as a network would."""
    pending = bytearray()
    for step in steps:
        if isinstance(step, bytes) and len(pending) + len(step) <= MAX_BYTES_A_READ:
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

    def steps(self) -> Iterator[scripts.Step]:
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
                    yield scripts.Pause(seconds)
                case Fail():
                    error = scripts.error_object(move.status, move.message, kind=move.kind, code=move.code, param=move.param)
                    # In a read of its own: a failure in the read of the first content is still one before any content.
                    yield scripts.Pause(0)
                    yield event(error)
                    return
                case End(scripts.Ending() as ending):
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
    return b"data: " + scripts.encode_json(data) + b"\n\n"


def head(question: Question, kind: str) -> Json:
    return {
        "id": f"chatcmpl-demo-{question.digest}",
        "object": kind,
        "created": CREATED,
        "model": question.model,
        "system_fingerprint": FINGERPRINT,
    }


def usage(question: Question, moves: Sequence[Move]) -> Json:
    """Words as tokens; every candidate is counted."""
    prompt = question.prompt_tokens()
    completion, reasoning = (count * question.count for count in tokens(moves))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def finish_reason(moves: Sequence[Move]) -> str | None:
    """None when the answer breaks off without naming one."""
    for move in moves:
        if isinstance(move, End):
            return move.how if isinstance(move.how, str) else None
    return "tool_calls" if any(isinstance(move, Call) for move in moves) else "stop"


def call_id(question: Question, candidate: int, number: int) -> str:
    return f"call_demo_{question.digest[:8]}_{candidate}_{number}"


def token_logprob(text: str, alternatives: int) -> Json:
    """Made up from the token alone: the longer, the less likely; alternatives are less likely still."""
    logprob = -len(text) / 100
    found = {"token": text, "logprob": logprob, "bytes": list(text.encode())}
    others = [
        {"token": (other := f"{text}~{number}"), "logprob": logprob - number, "bytes": list(other.encode())}
        for number in range(1, alternatives)
    ]
    return {**found, "top_logprobs": [found, *others] if alternatives else []}
