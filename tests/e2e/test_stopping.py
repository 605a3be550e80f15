"""Gateways that are told to stop, told again, or killed, while clients are being served."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import httpx2
import openai
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from tests.e2e.conversations import chunk, said, streamed, word
from tests.e2e.gateways import Gateway, Provider, Start
from tests.gateway_cli.process import WAIT_S, running
from tests.upstream import STALL, Signal, event_stream

MODEL = "openai/m"
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@contextlib.contextmanager
def sdk(gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.url, api_key="none", max_retries=0, timeout=WAIT_S) as client:
        yield client


@contextlib.contextmanager
def open_stream(client: OpenAI) -> Iterator[Iterator[str]]:
    """Words as they come."""
    with client.chat.completions.create(model=MODEL, messages=said("Hi"), stream=True) as stream:
        yield words(iter(stream))


def words(chunks: Iterator[ChatCompletionChunk]) -> Iterator[str]:
    for piece in chunks:
        yield from (choice.delta.content for choice in piece.choices if choice.delta.content)


def grpc_words(batches: Iterator[StreamResponse]) -> Iterator[str]:
    for batch in batches:
        yield from (event.part_delta.text for event in batch.events if event.part_delta.text)


def refuses_connections(url: str) -> bool:
    """Asked until it does: between the signal and the closing of its socket a gateway may still accept."""
    for _ in range(10_000):
        try:
            httpx.get(f"{url}/healthz", timeout=WAIT_S)
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            continue
    return False


def test_what_runs_finishes_and_nothing_new_begins(start: Start, provider: Provider) -> None:
    seen = Signal()
    provider.answers(streamed(word("first "), seen, chunk({"content": "second"})))
    request = ChatRequest(model=MODEL, messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])])
    with (
        start(environ={"OPENAI_API_URL": provider.url}) as gateway,
        sdk(gateway) as client,
        open_stream(client) as said_over_http,
        grpc.insecure_channel(gateway.grpc) as channel,
    ):
        said_over_grpc = grpc_words(GatewayServiceStub(channel).Stream(StreamRequest(chat=request), timeout=WAIT_S))
        health = HealthStub(channel).Watch(HealthCheckRequest(), timeout=WAIT_S)  # type: ignore[no-untyped-call]
        assert next(health).status == SERVING
        assert next(said_over_http) == next(said_over_grpc) == "first "

        gateway.stop()
        assert [answer.status for answer in health] == [NOT_SERVING]
        assert refuses_connections(gateway.http)
        with sdk(gateway) as newcomer, pytest.raises(openai.APIConnectionError):
            newcomer.models.list()
        with pytest.raises(grpc.RpcError) as caught:
            GatewayServiceStub(channel).Chat(request, timeout=WAIT_S)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        seen.set()

        assert list(said_over_http) == list(said_over_grpc) == ["second"]
        assert set(gateway.statuses()) == {0}


def test_workers_let_what_runs_finish_too(provider: Provider) -> None:
    seen = Signal()
    provider.answers(streamed(word("first "), seen, chunk({"content": "second"})))
    arguments = ("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--workers", "2")
    with (
        running(*arguments, environ={"OPENAI_API_URL": provider.url}) as program,
        sdk(Gateway(program.http, program.grpc, (program,))) as client,
        open_stream(client) as one,
        open_stream(client) as another,
    ):
        assert next(one) == next(another) == "first "
        program.stop()
        assert refuses_connections(program.http)
        seen.set()

        assert list(one) == list(another) == ["second"]
        assert program.ended() == 0


def test_a_second_signal_stops_it_at_once(start: Start, provider: Provider) -> None:
    provider.answers(event_stream(word("first"), STALL))
    with (
        start(environ={"OPENAI_API_URL": provider.url}) as gateway,
        sdk(gateway) as client,
        open_stream(client) as said_so_far,
    ):
        assert next(said_so_far) == "first"
        gateway.stop()
        for program in gateway.programs:
            program.errors.wait_for("stopping")
        gateway.stop()

        with pytest.raises((openai.APIError, httpx2.TransportError)):
            list(said_so_far)
        assert gateway.programs[0].ended() == 1
        provider.requests[0].closed.join()


def test_what_outlives_the_grace_is_cut_off(start: Start, provider: Provider, tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text("[server]\ngrace = 0.2\n")
    provider.answers(event_stream(word("first"), STALL))
    with (
        start("--config", str(config), environ={"OPENAI_API_URL": provider.url}) as gateway,
        sdk(gateway) as client,
        open_stream(client) as said_so_far,
    ):
        assert next(said_so_far) == "first"
        gateway.stop()

        with pytest.raises(openai.APIError) as caught:
            list(said_so_far)
        assert not isinstance(caught.value, openai.APIConnectionError)
        assert set(gateway.statuses()) == {0}
        provider.requests[0].closed.join()
    assert "Traceback" not in gateway.log()


def test_a_killed_gateway_closes_its_upstreams(start: Start, provider: Provider) -> None:
    provider.answers(event_stream(word("first"), STALL))
    with (
        start(environ={"OPENAI_API_URL": provider.url}) as gateway,
        sdk(gateway) as client,
        open_stream(client) as said_so_far,
    ):
        assert next(said_so_far) == "first"
        for program in gateway.programs:
            program.stop(signal.SIGKILL)

        with pytest.raises((openai.APIError, httpx2.TransportError)):
            list(said_so_far)
        provider.requests[0].closed.join()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_facade_outlives_its_core(provider: Provider, how: signal.Signals) -> None:
    """A core that is frozen keeps its connections, and answers nothing."""
    provider.answers(event_stream(word("first"), STALL))
    environ = {"OPENAI_API_URL": provider.url}
    with contextlib.ExitStack() as stack:
        core = stack.enter_context(running("core", "--grpc", "127.0.0.1:0", environ=environ))
        facade = stack.enter_context(running("facade", "--http", "127.0.0.1:0", "--core", core.grpc))
        client = stack.enter_context(sdk(Gateway(facade.http, core.grpc, (facade, core))))
        said_so_far = stack.enter_context(open_stream(client))
        assert next(said_so_far) == "first"

        core.stop(how)
        with pytest.raises(openai.APIError) as caught:
            list(said_so_far)
        assert not isinstance(caught.value, openai.APIConnectionError)
        with pytest.raises(openai.InternalServerError) as refused:
            client.chat.completions.create(model="demo/echo", messages=said("Hi"))
        assert (refused.value.status_code, refused.value.response.headers["retry-after"]) == (502, "1")
        assert "the core is not reachable" in str(refused.value)
        assert httpx.get(f"{facade.http}/readyz", timeout=WAIT_S).status_code == 503
        core.stop(signal.SIGKILL)
        core.ended()

        stack.enter_context(running("core", "--grpc", core.grpc))
        patient = client.with_options(max_retries=10)
        answer = patient.chat.completions.create(model="demo/echo", messages=said("Hi"))
        assert answer.choices[0].message.content == "Hi"
        assert httpx.get(f"{facade.http}/readyz").status_code == 200
