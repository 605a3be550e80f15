"""The model that does as it is told: steps in JSON, from the last user text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway_core.providers.demo.moves import Call, End, Fail, Move, Wait, refuse, say, think
from gateway_core.providers.demo.script import Ending, Unreadable
from gateway_core.providers.demo.tools import spaced

MOST_PAUSE_MS = 3_600_000


def scripted_moves(text: str) -> list[Move]:
    """Raises Unreadable for what is not a list of known steps."""
    try:
        steps = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        steps = None
    if not isinstance(steps, list):
        raise Unreadable('the model script wants a JSON list of steps as the last user text: [{"text": "hello"}]')
    return [move for index, step in enumerate(steps) for move in moves_of(step, index)]


def moves_of(step: Any, index: int) -> Iterator[Move]:
    match step:
        case {"text": str(text)}:
            yield from say(text)
        case {"reasoning": str(text)}:
            yield from think(text)
        case {"refusal": str(text)}:
            yield from refuse(text)
        case {"pause_ms": int() | float() as pause} if 0 <= pause <= MOST_PAUSE_MS:
            yield Wait(pause / 1000)
        case {"tool_call": {"name": str(name), **call}}:
            arguments = call.get("arguments", {})
            yield Call(name, arguments if isinstance(arguments, str) else spaced(arguments))
        case {"error": {**error}}:
            yield failure_of(error, index)
        case {"cut": True}:
            yield End(Ending.CUT)
        case {"stall": True}:
            yield End(Ending.STALL)
        case {"eof": True}:
            yield End(None)
        case {"finish": str(reason)}:
            yield End(reason)
        case _:
            raise Unreadable(f"step {index} of the script is not known; docs/demo.md lists all steps")


def failure_of(error: Mapping[Any, Any], index: int) -> Fail:
    match error.get("status", 500), error.get("retry_after_s"):
        case int(status), (int() | float() | None) as retry_after_s if 400 <= status < 600:
            message = str(error.get("message", f"The demo fails with status {status}, as asked."))
            words = {name: str(error[name]) for name in ("type", "code", "param") if name in error}
            kind, code, param = words.get("type"), words.get("code"), words.get("param")
            return Fail(status, message, kind, code, param, retry_after_s)
        case _:
            raise Unreadable(f"step {index} of the script: status is from 400 to 599, retry_after_s a number")
