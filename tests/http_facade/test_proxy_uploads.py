"""Bodies that are sent to a provider's own API while they arrive."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gateway_core.settings.settings import ServerSettings
from tests.http_facade.serving import Facade, Provided, serving, settings_with
from tests.upstream import STALL, WAIT_S, Received, Reply, Signal, Upstream, json_reply, running_upstream

LIMIT = 4_000_000


@pytest.fixture(params=[False, True], ids=["joined", "split"])
def uploads(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """A facade and a provider that nobody has connected to."""
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url, server=ServerSettings(max_body_bytes=LIMIT)), split=request.param) as running,
    ):
        yield Provided(running, upstream)
        running.assert_serves()


class Upload:
    """A request whose body is sent piece by piece, chunked or with its length."""

    def __init__(self, facade: Facade, size: int | None, request_id: str) -> None:
        self._chunked = size is None
        length = "transfer-encoding: chunked" if size is None else f"content-length: {size}"
        head = f"POST /proxy/openai/files HTTP/1.1\r\nhost: localhost\r\nx-request-id: {request_id}\r\n{length}\r\n\r\n"
        self.connection = socket.create_connection(facade.place, WAIT_S)
        self.connection.sendall(head.encode())

    def send(self, piece: bytes) -> None:
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if self._chunked else piece)

    def finish(self) -> None:
        if self._chunked:
            self.connection.sendall(b"0\r\n\r\n")

    def status(self) -> int:
        return int(self.connection.recv(65536).split(b" ", 2)[1])


def connected(upstream: Upstream) -> None:
    """Wait until the provider has a connection: a request has begun."""
    upstream.connected.join()


@pytest.mark.parametrize("size", [None, 6], ids=["chunked", "with a length"])
def test_the_provider_gets_the_body_as_it_arrives(uploads: Provided, size: int | None) -> None:
    uploads.replies(json_reply({}))
    upload = Upload(uploads.facade, size, "slow")
    upload.send(b"abc")
    connected(uploads.upstream)
    assert uploads.requests == []
    upload.send(b"def")
    upload.finish()
    with upload.connection:
        assert upload.status() == 200
    (request,) = uploads.requests
    assert request.body == b"abcdef"
    assert request.headers.get("content-length") == (None if size is None else "6")
    assert uploads.facade.log.wait_for("slow")["status"] == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body(uploads: Provided, chunked: bool) -> None:
    uploads.replies(json_reply({}))
    body = b"0123456789abcdef" * (LIMIT // 16)
    pieces = iter([body[start : start + 100_000] for start in range(0, len(body), 100_000)])
    answer = uploads.facade.client.post("/proxy/openai/files", content=pieces if chunked else body)
    assert answer.status_code == 200
    assert uploads.requests[0].body == body


def test_a_client_that_disconnects_in_the_middle(uploads: Provided) -> None:
    uploads.replies(json_reply({}))
    upload = Upload(uploads.facade, 100, "gone")
    upload.send(b"abc")
    connected(uploads.upstream)
    upload.connection.close()
    assert uploads.facade.log.wait_for("gone")["status"] == 499
    uploads.upstream.connections[0].join()
    assert uploads.requests == []


def test_a_client_that_disconnects_after_it(uploads: Provided) -> None:
    arrived = Signal()
    uploads.replies(Reply(before_head=[STALL]), arrived=arrived)
    upload = Upload(uploads.facade, 6, "left")
    upload.send(b"abc")
    connected(uploads.upstream)
    upload.send(b"def")
    arrived.join()
    upload.connection.close()
    uploads.requests[0].closed.join()
    assert uploads.facade.log.wait_for("left")["status"] == 499


def test_a_body_that_becomes_too_large(uploads: Provided) -> None:
    """It has no length that could be refused at once."""
    uploads.replies(json_reply({}))
    pieces = iter([b"x" * 1_000_000] * (LIMIT // 1_000_000 + 1))
    answer = uploads.facade.client.post("/proxy/openai/files", content=pieces)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert uploads.requests == []


def test_a_refusal_before_the_whole_body(uploads: Provided) -> None:
    body = b"x" * 3_000_000
    answer = uploads.facade.client.post("/proxy/nobody/files", content=body)
    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]["message"]


def test_the_log_says_what_it_took(uploads: Provided) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

    def answer(request: Received) -> Reply:
        return json_reply({"model": "m", "choices": [], "usage": usage})

    uploads.upstream.handler = answer
    pieces = iter([b'{"model":', b'"m"}'])
    headers = {"x-request-id": "took"}
    assert uploads.facade.client.post("/proxy/openai/chat/completions", content=pieces, headers=headers).status_code == 200
    line = uploads.facade.log.wait_for("took")
    assert (line["provider"], line["input_tokens"], line["output_tokens"]) == ("openai", 3, 4)
