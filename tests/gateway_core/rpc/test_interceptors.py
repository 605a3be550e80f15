"""The access log of calls that arrive by a socket: one line for each call, however it ends."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer, GatewayServiceStub
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyStreamRequest
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_core.rpc.interceptors import AccessLog, peer_address
from gateway_core.rpc.server import SERVICE, GrpcServer
from gateway_core.settings.settings import ModelSettings
from gateway_core.telemetry import AccessLog as Telemetry
from tests.gateway_core.rpc.serving import (
    DEMO_ALONE,
    PROVIDER_KEY,
    Behind,
    answer,
    chunk,
    failure_of,
    question,
    read_all,
    run,
    serving,
    streamed,
)
from tests.upstream import STALL, Received, Reply, Upstream, event_stream, json_reply

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

ID = (("x-request-id", "r1"),)


class Lines:
    """An access log in memory."""

    def __init__(self) -> None:
        self.fields: list[Mapping[str, object]] = []
        self._written = asyncio.Semaphore(0)

    def write(self, fields: Mapping[str, object]) -> None:
        self.fields.append(fields)
        self._written.release()

    async def one(self) -> dict[str, object]:
        """The only line, without its duration, the call's id and the client's address, which are checked here, and without
        what is not known."""
        await self._written.acquire()
        (fields,) = self.fields
        duration_ms = fields["ms"]
        assert isinstance(duration_ms, float)
        assert duration_ms >= 0
        call_id = fields.get("call_id")
        assert call_id is None or re.fullmatch("[0-9a-f]{32}", str(call_id))
        assert fields["client"] == "127.0.0.1"
        checked = ("ms", "call_id", "client")
        return {name: value for name, value in fields.items() if name not in checked and value is not None}


@dataclass(frozen=True)
class Logged:
    stub: GatewayServiceAsyncStub
    channel: grpc.aio.Channel
    upstream: Upstream


@asynccontextmanager
async def logged(log: AccessLog | None, behind: Behind = DEMO_ALONE) -> AsyncIterator[Logged]:
    async with (
        Upstream(behind.upstream) as upstream,
        serving(behind, upstream) as servicer,
        over_socket(servicer, log) as channel,
    ):
        yield Logged(GatewayServiceStub(channel), channel, upstream)


@asynccontextmanager
async def over_socket(
    servicer: GatewayServiceServicer, log: AccessLog | None, **options: Any
) -> AsyncIterator[grpc.aio.Channel]:
    server = GrpcServer(servicer, access_log=log, **options)
    port = await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


def begin(here: Logged, method: str, model: str, **how: Any) -> tuple[Any, Awaitable[object]]:
    """A call, and what ends when it does."""
    if method == "Chat":
        call: Any = here.stub.Chat(question(model), **how)
        return call, call
    call = here.stub.Stream(streamed(model), **how)
    return call, read_all(call)


both_methods = pytest.mark.parametrize("method", ["Chat", "Stream"])


@pytest.mark.parametrize("prefix", ["x-dragoman-", "x-inference-"])
@pytest.mark.parametrize("model", ["demo/echo", "nobody/echo"])
def test_the_clients_task_and_environment(prefix: str, model: str) -> None:
    """Also where the call fails."""
    said = ((f"{prefix}task-id", "task 7"), (f"{prefix}environment", "staging"))

    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            call, _ = begin(here, "Chat", model, metadata=(*ID, *said))
            assert await call.code() is (grpc.StatusCode.OK if model == "demo/echo" else grpc.StatusCode.NOT_FOUND)
        line = await lines.one()
        assert (line["task_id"], line["environment"]) == ("task 7", "staging")

    run(check)


def test_an_answer() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(keys=["team-a"])) as here:
            await here.stub.Chat(question(), metadata=(*ID, ("authorization", "Bearer team-a")))
        assert await lines.one() == {
            "method": "grpc Chat",
            "status": "OK",
            "request_id": "r1",
            "caller": "team-a",
            "model": "demo/echo",
            "provider": "demo",
            "attempts": 1,
            "input_tokens": 2,
            "output_tokens": 2,
        }

    run(check)


def test_a_stream() -> None:
    async def check() -> None:
        lines = Lines()
        routes = [ModelSettings("fast", ("demo/error-503", "demo/slow-1"))]
        async with logged(lines, Behind(routes=routes)) as here:
            await read_all(here.stub.Stream(streamed("fast"), metadata=ID))
        assert await lines.one() == {
            "method": "grpc Stream",
            "status": "OK",
            "request_id": "r1",
            "caller": "anonymous",
            "model": "demo/slow-1",
            "provider": "demo",
            "attempts": 2,
            "input_tokens": 2,
            "output_tokens": 2,
        }

    run(check)


def test_a_list_of_models() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            await here.stub.ListModels(ListModelsRequest(provider="demo"), metadata=ID)
        assert await lines.one() == {"method": "grpc ListModels", "status": "OK", "request_id": "r1", "caller": "anonymous"}

    run(check)


@pytest.mark.parametrize("method", ["Proxy", "ProxyStream"])
def test_a_request_in_a_providers_own_language(method: str) -> None:
    async def check() -> None:
        lines = Lines()
        usage = {"prompt_tokens": 3, "completion_tokens": 4}
        async with logged(lines, Behind(lambda _: json_reply({**answer("Hi"), "usage": usage}, 201))) as here:
            request = ProxyRequest(provider="at-openai", method="POST", path="v1/chat/completions", query="x=secret")
            if method == "Proxy":
                await read_all(here.stub.Proxy(request, metadata=ID))
            else:
                requests = [ProxyStreamRequest(head=request), ProxyStreamRequest(end=True)]
                await read_all(here.stub.ProxyStream(iter(requests), metadata=ID))
        assert await lines.one() == {
            "method": f"grpc {method}",
            "status": "OK",
            "request_id": "r1",
            "caller": "anonymous",
            "provider": "at-openai",
            "path": "POST v1/chat/completions",
            "attempts": 1,
            "upstream_status": 201,
            "model": "at-openai/m",
            "input_tokens": 3,
            "output_tokens": 4,
        }

    run(check)


def test_a_stream_of_requests_that_cannot_be_read() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            method: Any = here.channel.stream_stream(f"/{SERVICE}/ProxyStream")
            error = await failure_of(read_all(method(iter([b"\xff"]), metadata=ID)))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        line = await lines.one()
        assert (line["method"], line["error"]) == ("grpc ProxyStream", "INVALID_REQUEST")

    run(check)


def test_a_provider_that_refuses_the_gateways_key() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(lambda _: json_reply({}, 401))) as here:
            request = ProxyRequest(provider="at-openai", method="GET", path="models")
            await failure_of(read_all(here.stub.Proxy(request, metadata=ID)))
        line = await lines.one()
        assert (line["status"], line["error"], line["attempts"]) == ("FAILED_PRECONDITION", "UPSTREAM_AUTH", 1)
        assert (line["provider"], line["path"]) == ("at-openai", "GET models")

    run(check)


def test_a_count_of_tokens() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            await here.stub.CountTokens(CountTokensRequest(chat=question()), metadata=ID)
        line = await lines.one()
        assert (line["method"], line["status"], line["model"]) == ("grpc CountTokens", "OK", "demo/echo")

    run(check)


@both_methods
def test_a_failure_before_any_content(method: str) -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            _, ended = begin(here, method, "demo/error-401", metadata=ID)
            await failure_of(ended)
        assert await lines.one() == {
            "method": f"grpc {method}",
            "status": "FAILED_PRECONDITION",
            "request_id": "r1",
            "caller": "anonymous",
            "error": "UPSTREAM_AUTH",
            "model": "demo/error-401",
            "attempts": 1,
        }

    run(check)


def test_a_failure_after_content() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            await failure_of(read_all(here.stub.Stream(streamed("demo/cut"), metadata=ID)))
        line = await lines.one()
        assert (line["status"], line["error"]) == ("UNAVAILABLE", "STREAM_INTERRUPTED")
        assert (line["provider"], line["model"], line["attempts"]) == ("demo", "demo/cut", 1)

    run(check)


def test_a_caller_who_is_not_known() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(keys=["right"])) as here:
            await failure_of(here.stub.Chat(question(), metadata=(*ID, ("authorization", "Bearer wrong"))))
        assert await lines.one() == {
            "method": "grpc Chat",
            "status": "UNAUTHENTICATED",
            "request_id": "r1",
            "error": "INVALID_API_KEY",
            "model": "demo/echo",
        }

    run(check)


@both_methods
def test_bytes_that_are_no_request(method: str) -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            channel: Any = here.channel
            path = f"/{SERVICE}/{method}"
            sent = channel.unary_unary(path)(b"\xff") if method == "Chat" else read_all(channel.unary_stream(path)(b"\xff"))
            await failure_of(sent)
        assert await lines.one() == {"method": f"grpc {method}", "status": "INVALID_ARGUMENT", "error": "INVALID_REQUEST"}

    run(check)


SILENT = {"before content": event_stream(STALL), "after content": event_stream(chunk("Hi"), STALL)}
stalls = pytest.mark.parametrize("reply", SILENT.values(), ids=SILENT.keys())


@stalls
@both_methods
def test_a_call_that_its_client_gives_up(method: str, reply: Reply) -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(lambda _: reply)) as here:
            call, ended = begin(here, method, "at-openai/m", metadata=ID)
            reading = asyncio.ensure_future(ended)
            await here.upstream.arrival().wait()
            call.cancel()
            line = await lines.one()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert (line["method"], line["status"]) == (f"grpc {method}", "CANCELLED")
        assert (line["request_id"], line["caller"]) == ("r1", "anonymous")
        assert line["error"] == "CANCELLED"

    run(check)


@stalls
@both_methods
def test_a_call_whose_time_is_over(method: str, reply: Reply) -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(lambda _: reply)) as here:
            _, ended = begin(here, method, "at-openai/m", timeout=0.1)
            await failure_of(ended)
            line = await lines.one()
        assert (line["method"], line["status"]) == (f"grpc {method}", "DEADLINE_EXCEEDED")

    run(check)


def test_a_fault_of_ours() -> None:
    class Faulty(GatewayServiceServicer):
        async def Chat(self, request: ChatRequest, context: Any) -> ChatResponse:
            raise RuntimeError("bug")

    async def check() -> None:
        lines = Lines()
        async with over_socket(Faulty(), lines) as channel:  # type: ignore[abstract]
            error = await failure_of(GatewayServiceStub(channel).Chat(question()))
            assert error.code() is grpc.StatusCode.UNKNOWN
        assert await lines.one() == {"method": "grpc Chat", "status": "UNKNOWN"}

    run(check)


def test_health_is_not_told() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines) as here:
            stub: Any = HealthStub(here.channel)  # type: ignore[no-untyped-call]
            await stub.Check(HealthCheckRequest())
            error = await failure_of(here.channel.unary_unary("/other.Service/Do", bytes, bytes)(b""))
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert lines.fields == []

    run(check)


def test_one_line_for_every_call() -> None:
    async def check() -> None:
        lines = Lines()
        async with logged(lines, Behind(lambda _: json_reply(answer("Hi")))) as here:
            ids = {f"r{number}" for number in range(60)}
            calls = [here.stub.Chat(question("at-openai/m"), metadata=(("x-request-id", one),)) for one in ids]
            await asyncio.gather(*calls)
        assert {fields["request_id"] for fields in lines.fields} == ids
        assert len(lines.fields) == 60

    run(check)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_holds_a_key(form: Any) -> None:
    def leaks(request: Received) -> Reply:
        key = PROVIDER_KEY
        return json_reply({"error": {"message": key, "type": key, "code": key}}, 401, {"x-request-id": key})

    written = io.StringIO()

    async def check() -> None:
        log = Telemetry(written, format=form)
        async with logged(log, Behind(leaks, keys=["gateway-key-1"])) as here:
            for key in ("gateway-key-1", "gateway-key-2"):
                metadata = (("authorization", f"Bearer {key}"), ("x-api-key", key))
                await failure_of(here.stub.Chat(question("at-openai/m"), metadata=metadata))
                await failure_of(read_all(here.stub.Stream(streamed("at-openai/m"), metadata=metadata)))
        log.close()

    run(check)
    assert len(written.getvalue().splitlines()) == 4
    assert PROVIDER_KEY not in written.getvalue()
    assert "gateway-key-2" not in written.getvalue()


def test_a_model_name_cannot_break_a_line() -> None:
    written = io.StringIO()

    async def check() -> None:
        log = Telemetry(written)
        async with logged(log) as here:
            await failure_of(here.stub.Chat(question("a\nstatus=OK b"), metadata=ID))
        log.close()

    run(check)
    (line,) = written.getvalue().splitlines()
    assert 'model="a\\nstatus=OK b"' in line


def test_no_access_log() -> None:
    async def check() -> None:
        async with logged(None) as here:
            await here.stub.Chat(question())

    run(check)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:5000", "127.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[::1]:5000", "::1"),
        ("unix:/run/dragoman.sock", "unix"),
        ("unix:", "unix"),
    ],
)
def test_the_address_of_a_peer(peer: str, address: str) -> None:
    assert peer_address(peer) == address


@pytest.mark.parametrize(("proxies", "client"), [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.7")])
def test_the_client_behind_proxies_that_are_trusted(proxies: list[str], client: str) -> None:
    """A facade is one."""

    async def check() -> None:
        lines: list[Mapping[str, object]] = []
        trusted = [ip_network(proxy) for proxy in proxies]
        log = SimpleNamespace(write=lines.append)
        async with (
            Upstream(DEMO_ALONE.upstream) as upstream,
            serving(DEMO_ALONE, upstream) as servicer,
            over_socket(servicer, log, trusted_proxies=trusted) as channel,
        ):
            metadata = (("x-forwarded-for", "198.51.100.1, 203.0.113.7"),)
            await GatewayServiceStub(channel).Chat(question(), metadata=metadata)
        assert [line["client"] for line in lines] == [client]

    run(check)
