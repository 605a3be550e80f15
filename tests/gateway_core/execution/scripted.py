"""A transport that answers as it is told, and a clock that only moves when something takes time."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_core.call import Deadline
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.dialect import Endpoint, Secret, Timers, UpstreamRequest

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


class Stall:
    """Nothing comes any more. `begun` is set once it is waited for."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()


Step = bytes | GatewayError | Stall | Callable[[], bytes]


@dataclass
class Answer:
    """What one request gets: a failure to send, or a head and the steps of its body."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    steps: Sequence[Step] = ()
    failure: GatewayError | None = None
    stall: Stall | None = None
    """Before the head."""
    takes_s: float = 0.0
    """Until the head is here."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class ScriptedResponse:
    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.closed = 0
        self._steps = answer.steps

    @property
    def header_fields(self) -> Sequence[tuple[str, str]]:
        return tuple(self.headers.items())

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            await asyncio.sleep(0)
            match step:
                case bytes():
                    yield step
                case GatewayError():
                    raise anew(step)
                case Stall():
                    step.begun.set()
                    await asyncio.Event().wait()
                case _:
                    yield step()

    async def close(self) -> None:
        self.closed += 1


def anew(failure: GatewayError) -> GatewayError:
    """The chain writes into what it catches."""
    return dataclasses.replace(failure)


def in_turn(answers: Answer | Sequence[Answer]) -> list[Answer]:
    return [answers] if isinstance(answers, Answer) else list(answers)


class ScriptedTransport:
    """Answers each host with its next answer; the last one is repeated. default: for any other host."""

    def __init__(self, clock: Clock, default: Answer | Sequence[Answer] = (), **answers: Answer | Sequence[Answer]) -> None:
        self._clock = clock
        self._default = in_turn(default)
        self._answers = {host: in_turn(its) for host, its in answers.items()}
        self.sent: list[UpstreamRequest] = []
        self.timers: list[Timers | None] = []
        self.responses: list[ScriptedResponse] = []

    def set(self, host: str, answer: Answer) -> None:
        """From now on."""
        self._answers[host] = [answer]

    @property
    def asked(self) -> list[str]:
        """The hosts in the order they were asked."""
        return [urlsplit(request.url).netloc for request in self.sent]

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> ScriptedResponse:
        self.sent.append(request)
        self.timers.append(timers)
        left = self._answers.get(urlsplit(request.url).netloc, self._default)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if not deadline.allows(answer.takes_s):
            raise GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed")
        self._clock.now += answer.takes_s
        if answer.stall is not None:
            answer.stall.begun.set()
            await asyncio.Event().wait()
        if answer.failure is not None:
            raise anew(answer.failure)
        self.responses.append(ScriptedResponse(answer))
        return self.responses[-1]

    async def close(self) -> None:
        """Nothing is open."""


def target(provider: str, model: str = "m", key: str = "", **headers: str) -> Target:
    keys = (Secret(key),) if key else ()
    return Target(Endpoint(provider, "openai", f"http://{provider}", keys, headers), model)


def route(*targets: Target | str) -> Route:
    return Route("r", tuple(target(one) if isinstance(one, str) else one for one in targets))


def question(text: str = "Hi", **fields: Any) -> ChatRequest:
    return ChatRequest(model="r", messages=[Message(role=Role.ROLE_USER, parts=[Part(text=text)])], **fields)


def says(text: str, **more: Any) -> Answer:
    """A whole answer."""
    message = {"role": "assistant", "content": text}
    body = {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more}
    return Answer(steps=[json.dumps(body).encode()])


def refuses(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: Any) -> Answer:
    return Answer(status, JSON | dict(headers or {}), [json.dumps({"error": {"message": message, **error}}).encode()])


def fails(reason: Reason) -> Answer:
    """The request cannot be sent, or its head does not come."""
    return Answer(failure=GatewayError(reason, "cannot"))


def streams(*steps: Step | dict[str, Any]) -> Answer:
    return Answer(headers=EVENTS, steps=[event(step) if isinstance(step, dict) else step for step in steps])


def event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


ROLE = delta(role="assistant", content="")
STOP = delta("stop")
DONE = b"data: [DONE]\n\n"
