import contextlib
import json
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from tests.gateway_cli.process import WAIT_S, Program, run, running
from tests.upstream import Received, Reply, Signal, Upstream, event_stream, running_upstream

HERE = ("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")


def question(model: str = "demo/echo", *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}


def asked(program: Program, model: str = "demo/echo", **headers: str) -> httpx.Response:
    return httpx.post(f"{program.http}/v1/chat/completions", json=question(model), headers=headers, timeout=WAIT_S)


def asked_by_grpc(address: str, key: str = "") -> str:
    request = ChatRequest(model="demo/echo", messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hello")])])
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    with grpc.insecure_channel(address) as channel:
        answer = GatewayServiceStub(channel).Chat(request, metadata=metadata, timeout=WAIT_S)
    text: str = answer.candidates[0].parts[0].text
    return text


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    delta = {"role": "assistant", "content": text}
    return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@contextlib.contextmanager
def slow_upstream(go_on: Signal) -> Iterator[Upstream]:
    """A model that says one word, and the other when it is let."""

    def handler(request: Received) -> Reply:
        return event_stream(chunk("first "), go_on, chunk("second", "stop"), b"data: [DONE]\n\n")

    with running_upstream(handler) as upstream:
        yield upstream


@contextlib.contextmanager
def open_stream(program: Program, model: str) -> Iterator[Iterator[str]]:
    url = f"{program.http}/v1/chat/completions"
    with httpx.stream("POST", url, json=question(model, stream=True), timeout=WAIT_S) as response:
        assert response.status_code == 200
        yield response.iter_lines()


def words(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("data: {"):
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                if text := choice["delta"].get("content"):
                    yield text


def test_one_process_serves_both_and_stops_cleanly() -> None:
    with running("serve", *HERE) as program:
        assert "Providers: demo" in program.greeting
        assert "demo/echo" in program.greeting
        assert "no key needed" in program.greeting
        assert asked(program).json()["choices"][0]["message"]["content"] == "Hello"
        assert asked_by_grpc(program.grpc) == "Hello"
        assert "server" not in asked(program).headers
        assert httpx.get(f"{program.http}/readyz").status_code == 200

        program.stop()
        assert program.ended() == 0
    lines = program.errors.all().splitlines()
    assert len(lines) == 5
    assert all("Z method=" in line for line in lines if "stopping" not in line)


def test_keys_open_both_doors() -> None:
    with running("serve", *HERE, environ={"DRAGOMAN_API_KEYS": "a=right-key"}) as program:
        assert "a gateway key is required" in program.greeting
        assert asked(program).status_code == 401
        assert asked(program, authorization="Bearer wrong").status_code == 401
        assert asked(program, authorization="Bearer right-key").status_code == 200
        assert asked_by_grpc(program.grpc, "right-key") == "Hello"
        with pytest.raises(grpc.RpcError) as caught:
            asked_by_grpc(program.grpc, "wrong")
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "right-key" not in program.errors.all()
    assert "wrong" not in program.errors.all()


def test_a_stream_finishes_while_the_gateway_stops() -> None:
    go_on = Signal()
    with (
        slow_upstream(go_on) as upstream,
        running("serve", *HERE, environ={"OPENAI_API_URL": upstream.url}) as program,
        open_stream(program, "openai/m") as lines,
    ):
        said = words(lines)
        assert next(said) == "first "
        program.stop()
        program.errors.wait_for("stopping")
        go_on.set()

        assert list(said) == ["second"]
        assert program.ended() == 0


def test_a_second_signal_ends_it_at_once() -> None:
    with (
        slow_upstream(Signal()) as upstream,
        running("serve", *HERE, environ={"OPENAI_API_URL": upstream.url}) as program,
        open_stream(program, "openai/m") as lines,
    ):
        assert next(words(lines)) == "first "
        program.stop()
        program.errors.wait_for("stopping")
        program.stop()

        assert program.ended() == 1
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)


def test_what_does_not_finish_in_time_is_cut_off(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text("[server]\ngrace = 0\n")
    with (
        slow_upstream(Signal()) as upstream,
        running("serve", *HERE, "--config", str(config), environ={"OPENAI_API_URL": upstream.url}) as program,
        open_stream(program, "openai/m") as lines,
    ):
        assert next(words(lines)) == "first "
        program.stop(signal.SIGINT)

        assert program.ended() == 0
        upstream.connections[0].join()


def test_two_processes() -> None:
    keys = {"DRAGOMAN_API_KEYS": "a=right-key"}
    with (
        running("core", "--grpc", "127.0.0.1:0", environ=keys) as core,
        # Only the core knows the keys.
        running("facade", "--http", "127.0.0.1:0", "--core", f"dns:///{core.grpc}") as facade,
    ):
        assert asked(facade, authorization="Bearer right-key").json()["choices"][0]["message"]["content"] == "Hello"
        assert asked(facade).status_code == 401
        assert httpx.get(f"{facade.http}/readyz").status_code == 200
        assert run("health", "--core", core.grpc).stdout == "serving\n"
        core.stop()
        assert core.ended() == 0
        assert httpx.get(f"{facade.http}/readyz").status_code == 503
        assert httpx.get(f"{facade.http}/healthz").status_code == 200
        assert run("health", "--core", core.grpc).returncode == 1
        facade.stop()
        assert facade.ended() == 0


def test_a_facade_for_other_machines_wants_a_core_that_asks_for_keys() -> None:
    with running("core", "--grpc", "127.0.0.1:0") as core:
        # Keys that only the facade knows would protect nothing: the core is asked by anyone who finds it.
        environ = {"DRAGOMAN_API_KEYS": "a=right-key"}
        ended = run("facade", "--http", "0.0.0.0:0", "--core", core.grpc, environ=environ)
    assert ended.returncode == 2
    assert ended.stderr.startswith("dragoman: --http 0.0.0.0:0 is open to other machines")

    keys = {"DRAGOMAN_API_KEYS": "a=right-key"}
    with (
        running("core", "--grpc", "127.0.0.1:0", environ=keys) as core,
        running("facade", "--http", "0.0.0.0:0", "--core", core.grpc) as facade,
    ):
        port = httpx.URL(facade.http).port
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200


def test_logs_as_json(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text('[log]\nformat = "json"\n')
    with running("serve", *HERE, "--config", str(config)) as program:
        request_id = asked(program).headers["x-request-id"]
        program.stop()
        program.ended()
    access, stopping = map(json.loads, program.errors.all().splitlines())
    assert access["request_id"] == request_id
    assert stopping["level"] == "info"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children in /proc")
def test_workers_share_the_ports_and_are_replaced(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text("[server]\nwatchdog = 3\n")
    with running("serve", *HERE, "--workers", "2", "--config", str(config)) as program:
        assert "2 workers" in program.greeting
        first = children(program.process.pid)
        assert len(first) == 2
        assert asked(program).status_code == 200
        assert asked_by_grpc(program.grpc) == "Hello"

        os.kill(first[0], signal.SIGKILL)
        program.errors.wait_for("worker 1 ended with status -9")
        assert asked(program).status_code == 200
        program.errors.wait_for("worker 1 serves again")
        after = children(program.process.pid)
        assert len(after) == 2
        assert first[1] in after
        assert first[0] not in after

        # A worker whose event loop is stuck does not move either.
        os.kill(first[1], signal.SIGSTOP)
        program.errors.wait_for("worker 2 has not moved for 3 s and is killed")
        program.errors.wait_for("worker 2 serves again")
        after = children(program.process.pid)
        assert len(after) == 2
        assert first[1] not in after
        assert asked(program).status_code == 200

        program.stop()
        assert program.ended() == 0
        for worker in after:
            with pytest.raises(ProcessLookupError):
                os.kill(worker, 0)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children in /proc")
def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    """Nor do the conversations that they shared."""
    with running("serve", *HERE, "--workers", "2", environ={"TMPDIR": str(tmp_path)}) as program:
        workers = [os.pidfd_open(worker) for worker in children(program.process.pid)]
        program.stop(signal.SIGKILL)
        for worker in workers:
            assert select.select([worker], [], [], WAIT_S)[0]
            os.close(worker)
    assert list(tmp_path.glob("dragoman-*")) == []


def test_a_worker_that_cannot_begin_ends_them_all(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("no certificate")
    config = tmp_path / "dragoman.toml"
    config.write_text('[server.grpc_tls]\ncertificate = "cert.pem"\nprivate_key = "key.pem"\n')

    ended = run("serve", *HERE, "--workers", "2", "--config", str(config))

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "not a usable certificate" in ended.stderr


def test_workers_do_not_join_strangers() -> None:
    with running("serve", *HERE, "--workers", "2") as program:
        for flag, address in (("--http", program.http.removeprefix("http://")), ("--grpc", program.grpc)):
            ended = run("serve", *HERE, flag, address, "--workers", "2")
            assert ended.returncode == 2
            assert ended.stderr == (
                f"dragoman: {flag} {address}: another program is listening there; stop it, or choose another port.\n"
            )


def test_a_wrong_configuration_is_told_once_for_all_workers(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text('[models.a]\ntargets = ["nothing/x"]\n')

    ended = run("serve", *HERE, "--workers", "2", "--config", str(config))

    assert ended.returncode == 2
    assert ended.stderr.count("dragoman: ") == 1
    assert ", line 1: models.a: there is no model 'nothing/x'" in ended.stderr


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
