"""The facade as it is served: uvicorn on a free port, set up as the command line does it, with the core behind it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import uvloop

from gateway_cli.core import LocalCore, local_core, remote_channel
from gateway_cli.http_protocol import ConnectionLimits
from gateway_cli.http_server import HttpServer
from gateway_cli.serve import EXPLAINING_S, http_server
from gateway_cli.sockets import bind
from gateway_core.rpc.server import GrpcServer
from gateway_core.settings.server import Address
from gateway_core.settings.settings import RetrySettings, ServerSettings, Settings, Timeouts, load
from gateway_core.telemetry import AccessLog
from tests.upstream import WAIT_S, Received, Reply, Signal, Upstream, event_stream

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

GRACE_S = 5.0
ANYWHERE = Address("127.0.0.1", 0)
UPSTREAM_KEY = "sk-upstream-not-to-be-seen"


class Lines(io.StringIO):
    """What the access log writes, kept and waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[dict[str, Any]] = []
        self._grown = threading.Condition()

    def write(self, text: str) -> int:
        with self._grown:
            self._lines += [json.loads(line) for line in text.splitlines()]
            self._grown.notify_all()
        return len(text)

    def wait_for(self, request_id: str) -> dict[str, Any]:
        """The line of the request with this id, once it is written."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self._lines if line["request_id"] == request_id), None)

        with self._grown:
            line = self._grown.wait_for(found, WAIT_S)
        assert line is not None, f"no line for {request_id} in {self._lines}"
        return line


@dataclass(frozen=True)
class Facade:
    """A running one."""

    url: str
    client: httpx.Client
    log: Lines

    @property
    def place(self) -> tuple[str, int]:
        """For a socket."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def chat(self, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """POST /v1/chat/completions. Underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/chat/completions", json=body, headers=named)

    def post(self, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The same with a body of any bytes."""
        named = {"content-type": "application/json", **(headers or {})}
        return self.client.post("/v1/chat/completions", content=content, headers=named)

    def assert_serves(self) -> None:
        """Whatever happened before, a good request is answered."""
        answer = self.chat(asking("Still there?"))
        assert (answer.status_code, text_of(answer)) == (200, "Still there?")


@dataclass(frozen=True)
class Provided:
    """A running facade and the provider that it asks for openai/... ."""

    facade: Facade
    upstream: Upstream

    def replies(self, reply: Reply, *, arrived: Signal | None = None) -> None:
        """To all requests from now on. arrived: set when the first of them has come."""

        def answer(request: Received) -> Reply:
            if arrived is not None:
                arrived.set()
            return reply

        self.upstream.requests.clear()
        self.upstream.handler = answer

    @property
    def requests(self) -> list[Received]:
        """What came since the reply was told."""
        return self.upstream.requests


def settings_for(environ: Mapping[str, str] | None = None, **changes: Any) -> Settings:
    """The settings of this environment, without retries unless the changes say otherwise."""
    plain = dataclasses.replace(load(None, environ or {}), retries=RetrySettings(attempts=1))
    return dataclasses.replace(plain, **changes)


def settings_with(upstream_url: str, *, total: float = 60.0, idle: float = 60.0, **changes: Any) -> Settings:
    """openai/... is asked at this upstream, with UPSTREAM_KEY."""
    environ = {"OPENAI_API_URL": upstream_url, "OPENAI_API_KEY": UPSTREAM_KEY}
    return settings_for(environ, **{"timeouts": Timeouts(connect=5.0, idle=idle, total=total), **changes})


def server_settings(**changes: Any) -> ServerSettings:
    return dataclasses.replace(ServerSettings(), **changes)


Readiness = Callable[[], Awaitable[bool]]


@contextlib.contextmanager
def serving(
    settings: Settings | None = None,
    *,
    split: bool = False,
    readiness: Readiness | None = None,
    limits: ConnectionLimits | None = None,
    grace_s: float = GRACE_S,
) -> Iterator[Facade]:
    """The facade in a thread of its own. split: its core is asked over a socket, as when it is another process."""
    started: Future[str] = Future()
    stop = Signal()
    lines = Lines()
    opened = opened_server(settings or settings_for(), lines, split, readiness, limits)
    thread = threading.Thread(target=run, args=[serve(opened, started, stop, grace_s), started], name="facade")
    thread.start()
    try:
        url = started.result(WAIT_S)
        with httpx.Client(base_url=url, timeout=WAIT_S, trust_env=False) as client:
            yield Facade(url, client, lines)
    finally:
        stop.set()
        thread.join(WAIT_S + GRACE_S)
        assert not thread.is_alive()


def run(main: Coroutine[Any, Any, None], started: Future[str]) -> None:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def serve(opened: AbstractAsyncContextManager[HttpServer], started: Future[str], stop: Signal, grace_s: float) -> None:
    async with opened as server:
        await server.start()
        try:
            started.set_result(server.url)
            await asyncio.wrap_future(stop._future)
        finally:
            await server.stop(grace_s)


@contextlib.asynccontextmanager
async def opened_server(
    settings: Settings, lines: Lines, split: bool, readiness: Readiness | None, limits: ConnectionLimits | None = None
) -> AsyncIterator[HttpServer]:
    log = AccessLog(lines, format="json", flush_s=0.0)
    try:
        async with local_core(settings) as core, channel_to(core, split) as stub:
            timeout_s = settings.timeouts.total + EXPLAINING_S if split else None
            yield http_server(stub, settings, bind(ANYWHERE, "--http"), log, timeout_s, readiness, limits)
    finally:
        log.close()


@contextlib.asynccontextmanager
async def channel_to(core: LocalCore, split: bool) -> AsyncIterator[GatewayServiceAsyncStub]:
    if not split:
        yield core.stub
        return
    grpc = GrpcServer(core.servicer, keys=core.servicer)
    port = await grpc.start()
    try:
        async with remote_channel(f"127.0.0.1:{port}") as (_, stub):
            yield stub
    finally:
        await grpc.stop(GRACE_S)


def asking(text: str, model: str = "demo/echo", **more: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def completion(text: str = "Hi", **more: Any) -> dict[str, Any]:
    """A provider's whole answer."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice], **more}


def chunk(text: str = "", finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A piece of a provider's stream."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice], **more}


DONE = b"data: [DONE]\n\n"


def streamed(*texts: str) -> Reply:
    """A provider's whole stream."""
    return event_stream(*(chunk(text) for text in texts), chunk(finish_reason="stop"), DONE)


def text_of(answer: httpx.Response) -> Any:
    return answer.json()["choices"][0]["message"]["content"]


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that names the provider and holds no key of ours."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert UPSTREAM_KEY not in answer.text
    assert UPSTREAM_KEY not in str(answer.headers)
    assert answer.headers["x-dragoman-attempts"] == "1"
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    # An agent compacts its conversation when it reads its own API's words, which have no room for a name.
    assert "openai" in error["message"] or code == "context_length_exceeded"
    assert (error["metadata"]["provider"], error["metadata"]["model"]) == ("openai", "m")
    return error
