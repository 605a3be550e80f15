"""Many clients at once, connections that stay open, and a worker that is killed under load."""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import signal
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.e2e.conversations import chunk, said, streamed, word
from tests.e2e.gateways import KEY, Gateway, Provider
from tests.gateway_cli.process import WAIT_S, running
from tests.upstream import STALL, Signal, event_stream

STREAMS = 200
LEAVING = 50


def test_two_hundred_streams_at_once(gateway: Gateway, provider: Provider) -> None:
    """All of them are under way before the first may go on."""
    all_begun = Signal()
    provider.answers(streamed(word("first "), all_begun, chunk({"content": "second"})))
    begun = itertools.count(1)

    async def one(client: AsyncOpenAI) -> str:
        text = ""
        stream = await client.chat.completions.create(model="openai/m", messages=said("Hi"), stream=True)
        async for piece in stream:
            for choice in piece.choices:
                text += choice.delta.content or ""
                if choice.delta.content == "first " and next(begun) == STREAMS:
                    all_begun.set()
        return text

    async def everyone() -> list[str]:
        async with AsyncOpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=WAIT_S) as client:
            return await asyncio.gather(*(one(client) for _ in range(STREAMS)))

    assert asyncio.run(everyone()) == ["first second"] * STREAMS
    assert len({request.connection for request in provider.requests}) == STREAMS


def test_everyone_leaves_at_once(gateway: Gateway, provider: Provider) -> None:
    """The providers' connections are closed: nobody pays for answers that nobody reads."""
    provider.answers(event_stream(word("first"), STALL))

    async def begin_and_leave() -> None:
        async with AsyncOpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=WAIT_S) as client:
            begun = [
                client.chat.completions.create(model="openai/m", messages=said(f"Hi {i}"), stream=True)
                for i in range(LEAVING)
            ]
            for stream in await asyncio.gather(*begun):
                await anext(aiter(stream))

    asyncio.run(begin_and_leave())

    assert len(provider.requests) == LEAVING
    for request in provider.requests:
        request.closed.join()


def test_a_connection_serves_one_request_after_another(gateway: Gateway) -> None:
    """Answers, streams and errors alike: after each, the same socket is still good."""
    connection = http.client.HTTPConnection(urlsplit(gateway.http).netloc, timeout=WAIT_S)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    question = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hi"}]}
    asked: list[tuple[str, str, bytes, int]] = [
        ("POST", "/v1/chat/completions", json.dumps(question).encode(), 200),
        ("POST", "/v1/chat/completions", json.dumps({**question, "stream": True}).encode(), 200),
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", json.dumps({**question, "model": "demo/error-500"}).encode(), 502),
        ("GET", "/v1/chat/completions", b"", 405),
        ("POST", "/no/such/path", b"x" * 100_000, 404),
        ("GET", "/v1/models", b"", 200),
        ("GET", "/healthz", b"", 200),
    ]
    with contextlib.closing(connection):
        connection.connect()
        socket = connection.sock
        for method, path, body, status in asked * 5:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert (path, answer.status) == (path, status)
            assert connection.sock is socket


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children in /proc")
def test_clients_that_retry_notice_nothing_of_a_killed_worker() -> None:
    with running("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--workers", "2") as program:
        replaced = threading.Event()

        def talk(number: int) -> int:
            done = 0
            with OpenAI(base_url=f"{program.http}/v1", api_key="none", max_retries=5, timeout=WAIT_S) as client:
                while not replaced.is_set():
                    text = f"client {number} request {done}"
                    answer = client.chat.completions.create(model="demo/echo", messages=said(text))
                    assert answer.choices[0].message.content == text
                    done += 1
            return done

        with ThreadPoolExecutor(8) as pool:
            talks = [pool.submit(talk, number) for number in range(8)]
            try:
                os.kill(children(program.process.pid)[0], signal.SIGKILL)
                program.errors.wait_for("worker 1 serves again")
            finally:
                replaced.set()
            assert all(done.result() for done in talks)
        program.stop()
        assert program.ended() == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children in /proc")
def test_a_killed_worker_takes_only_its_own_streams_with_it(provider: Provider) -> None:
    """A request id begins with a mark that is its worker's own."""
    killed = Signal()
    provider.answers(streamed(word("first "), killed, chunk({"content": "second"})))
    environ = {"OPENAI_API_URL": provider.url}
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(
            running("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--workers", "2", environ=environ)
        )
        client = stack.enter_context(OpenAI(base_url=f"{program.http}/v1", api_key="none", max_retries=0, timeout=WAIT_S))
        streams = defaultdict(list)
        for _ in range(64):
            stream = stack.enter_context(client.chat.completions.create(model="openai/m", messages=said("Hi"), stream=True))
            assert next(iter(stream)).choices[0].delta.role == "assistant"
            streams[stream.response.headers["x-request-id"][:24]].append(stream)
            if len(streams) == 2:
                break
        assert len(streams) == 2

        os.kill(children(program.process.pid)[0], signal.SIGKILL)
        program.errors.wait_for("worker 1 ended with status -9")
        killed.set()

        ends = set()
        for of_one_worker in streams.values():
            whole = []
            for stream in of_one_worker:
                try:
                    whole.append("".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices))
                except (openai.APIError, httpx2.TransportError):
                    whole.append("broken")
            assert len(set(whole)) == 1
            ends.add(whole[0])
        assert ends == {"broken", "first second"}
