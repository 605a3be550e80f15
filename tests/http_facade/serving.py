"""The facade as it is served: uvicorn on a free port, set up as the command line does it, with the core behind it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import httpx
import uvloop

from gateway_cli.assembly import local_core
from gateway_cli.http_server import HttpServer
from gateway_cli.remote import remote_channel
from gateway_cli.serve import http_server
from gateway_cli.sockets import bind
from gateway_core.address import Address
from gateway_core.rpc.server import GrpcServer
from gateway_core.settings import RetrySettings, ServerSettings, Settings, Timeouts, load
from gateway_core.telemetry import AccessLog
from tests.upstream import WAIT_S, Signal

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


@contextlib.contextmanager
def serving(settings: Settings | None = None, *, split: bool = False) -> Iterator[Facade]:
    """The facade in a thread of its own. split: its core is asked over a socket, as when it is another process."""
    started: Future[str] = Future()
    stop = Signal()
    lines = Lines()
    main = serve(settings or settings_for(), lines, started, stop, split)
    thread = threading.Thread(target=run, args=[main, started], name="facade")
    thread.start()
    try:
        url = started.result(WAIT_S)
        with httpx.Client(base_url=url, timeout=WAIT_S, trust_env=False) as client:
            yield Facade(url, client, lines)
    finally:
        stop.set()
        thread.join(WAIT_S + GRACE_S)
        assert not thread.is_alive()


def run(main: Any, started: Future[str]) -> None:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def serve(settings: Settings, lines: Lines, started: Future[str], stop: Signal, split: bool) -> None:
    together = split_server if split else joined_server
    log = AccessLog(lines, format="json", flush_s=0.0)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(log.close)
        server = await stack.enter_async_context(together(settings, log))
        await server.start()
        try:
            started.set_result(server.url)
            await asyncio.wrap_future(stop._future)
        finally:
            await server.stop(GRACE_S)


@contextlib.asynccontextmanager
async def joined_server(settings: Settings, log: AccessLog) -> AsyncIterator[HttpServer]:
    async with local_core(settings) as core:
        yield http_server(core.stub, settings, bind(ANYWHERE, "--http"), log, None)


@contextlib.asynccontextmanager
async def split_server(settings: Settings, log: AccessLog) -> AsyncIterator[HttpServer]:
    async with local_core(settings) as core:
        grpc = GrpcServer(core.servicer)
        port = await grpc.start()
        try:
            async with remote_channel(f"127.0.0.1:{port}", None) as (_, stub):
                yield http_server(stub, settings, bind(ANYWHERE, "--http"), log, None)
        finally:
            await grpc.stop(GRACE_S)


def asking(text: str, model: str = "demo/echo", **more: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def text_of(answer: httpx.Response) -> Any:
    return answer.json()["choices"][0]["message"]["content"]
