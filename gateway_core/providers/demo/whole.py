"""An answer in one piece."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.providers.demo.chat_wire import call_id, finish_reason, head, token_logprob, usage
from gateway_core.providers.demo.moves import Call, End, Fail, Move, Refuse, Say, Think, Wait
from gateway_core.providers.demo.question import Json, Question
from gateway_core.providers.demo.script import Ending, Pause, Script, Step, encode_json, error_script


def whole_answer(question: Question, moves: Sequence[Move]) -> Script:
    pauses: list[Step] = [Pause(seconds)] if (seconds := sum(m.seconds for m in moves if isinstance(m, Wait))) else []
    for move in moves:
        match move:
            case Fail():
                return failure(move, pauses)
            case End(Ending.STALL):
                return Script([*pauses, Ending.STALL])
            case End(Ending.CUT):
                body = encode_json(completion(question, moves))
                return Script([*pauses, body[: len(body) // 2], Ending.CUT])
    return Script([*pauses, encode_json(completion(question, moves))])


def failure(fail: Fail, pauses: Sequence[Step] = ()) -> Script:
    script = error_script(
        fail.status, fail.message, kind=fail.kind, code=fail.code, param=fail.param, retry_after_s=fail.retry_after_s
    )
    return Script([*pauses, *script.steps], script.status, script.headers)


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
