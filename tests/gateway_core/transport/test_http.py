"""The HTTP transport against a real socket."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.http import HttpLimits, HttpTransport
from gateway_dialects.kit.dialect import UpstreamRequest
from tests.upstream import CUT, STALL, Handler, Received, Reply, Signal, Step, Upstream, event_stream, json_reply

SECRET = "sk-not-to-be-seen"
NO_END = Deadline()
PATIENT = HttpLimits()
HASTY = HttpLimits(connect_s=0.05, answer_s=0.05, idle_s=0.05)

Check = Callable[[Upstream, HttpTransport], Awaitable[None]]


class Run(Protocol):
    def __call__(self, reply: Reply | Handler, check: Check, limits: HttpLimits = ...) -> None: ...


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a check against an upstream that gives a reply, on each kind of event loop."""

    def run(reply: Reply | Handler, check: Check, limits: HttpLimits = PATIENT) -> None:
        handler: Handler = (lambda _: reply) if isinstance(reply, Reply) else reply

        async def main() -> None:
            async with Upstream(handler) as upstream:
                transport = HttpTransport("dragoman/test", limits)
                try:
                    await check(upstream, transport)
                finally:
                    await transport.close()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return run


def post(url: str, body: bytes = b"{}") -> UpstreamRequest:
    headers = {"content-type": "application/json", "authorization": f"Bearer {SECRET}"}
    return UpstreamRequest("POST", f"{url}/v1/chat/completions?key={SECRET}", headers, body)


async def all_of(chunks: AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


async def failure_of(awaitable: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await awaitable
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_request_arrives_as_written_and_its_answer_is_read(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url, b'{"a":1}'), NO_END)
        assert response.status == 200
        assert response.headers["x-request-id"] == "r1"
        assert await response.read() == b'{"id": "1"}'
        await response.close()
        [received] = upstream.requests
        assert (received.method, received.path) == ("POST", f"/v1/chat/completions?key={SECRET}")
        assert received.body == b'{"a":1}'
        assert received.headers == {
            "host": upstream.url.removeprefix("http://"),
            "content-type": "application/json",
            "content-length": "7",
            "authorization": f"Bearer {SECRET}",
            "user-agent": "dragoman/test",
            "accept": "*/*",
            "accept-encoding": "identity",
        }

    run(json_reply({"id": "1"}, headers={"X-Request-ID": "r1"}), check)


def test_the_path_is_sent_as_the_dialect_wrote_it(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        request = UpstreamRequest("GET", f"{upstream.url}/model/arn%3Aaws%2Fm%7E1/converse?alt=sse&x=%2B", {})
        response = await transport.send(request, NO_END)
        await response.close()
        assert upstream.requests[0].path == "/model/arn%3Aaws%2Fm%7E1/converse?alt=sse&x=%2B"

    run(json_reply({}), check)


@pytest.mark.parametrize("size", [0, 1 << 20, (1 << 20) + 1, 5 << 20])
def test_bodies_of_any_size_are_sent_whole(run: Run, size: int) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url, b"x" * size), NO_END)
        await response.close()
        assert upstream.requests[0].body == b"x" * size

    run(json_reply({}), check)


def test_an_error_status_is_an_answer_like_any_other(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        assert (response.status, await response.read()) == (429, b'{"error": {}}')
        assert response.headers["retry-after"] == "3"
        await response.close()

    run(json_reply({"error": {}}, 429, {"Retry-After": "3"}), check)


def test_redirects_are_not_followed_and_cookies_are_not_kept(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for _ in range(2):
            response = await transport.send(post(upstream.url), NO_END)
            assert response.status == 307
            await response.close()
        assert len(upstream.requests) == 2
        assert "cookie" not in upstream.requests[1].headers

    run(Reply(307, {"location": "/elsewhere", "set-cookie": "a=b"}), check)


def test_a_compressed_answer_is_decompressed(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        assert await response.read() == b"plain"
        await response.close()

    run(Reply(headers={"content-encoding": "gzip"}, body=gzip.compress(b"plain")), check)


def test_an_answer_larger_than_the_bound_is_refused(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        error = await failure_of(response.read())
        assert error.reason == Reason.UPSTREAM_INVALID_RESPONSE
        assert "larger than 10 bytes" in error.message
        await response.close()

    run(Reply(body=b"x" * 11), check, HttpLimits(max_body_bytes=10))


def test_chunks_come_as_they_arrive(run: Run) -> None:
    seen = Signal()

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        chunks = response.chunks()
        assert await anext(chunks) == b"one"
        seen.set()
        assert [chunk async for chunk in chunks] == [b"two"]
        await response.close()

    run(Reply(body=[b"one", seen, b"two"]), check)


def test_a_connection_is_used_again_once_its_answer_was_read(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for _ in range(3):
            response = await transport.send(post(upstream.url), NO_END)
            assert await response.read() == b"{}"
            await response.close()
        assert [request.connection for request in upstream.requests] == [0, 0, 0]

    run(json_reply({}), check)


def test_a_connection_that_was_closed_while_idle_is_not_used_again(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for _ in range(2):
            response = await transport.send(post(upstream.url), NO_END)
            assert await response.read() == b"{}"
            await upstream.connections[-1].wait()
            await response.close()
        assert [request.connection for request in upstream.requests] == [0, 1]

    run(Reply(headers={"connection": "close"}, body=b"{}"), check)


EVERY_METHOD = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"]
EMPTY = Reply(headers={"content-length": "0"}, body=[])


def first_cut_then(reply: Reply) -> Handler:
    """Cuts connections on which it has answered already."""
    answered: set[int] = set()

    def handler(request: Received) -> Reply:
        if request.connection in answered:
            return Reply(before_head=[CUT])
        answered.add(request.connection)
        return reply

    return handler


@pytest.mark.parametrize("verbatim", [False, True])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_kept_connection_that_has_ended_is_replaced_at_once(run: Run, method: str, verbatim: bool) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        request = UpstreamRequest(method, upstream.url + "/x", {}, verbatim=verbatim)
        for _ in range(2):
            response = await transport.send(request, NO_END)
            assert (response.status, await response.read()) == (200, b"")
        assert [request.connection for request in upstream.requests] == [0, 0, 1]

    run(first_cut_then(EMPTY), check)


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_what_a_fresh_connection_breaks_on_is_sent_no_further(run: Run, method: str) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        request = UpstreamRequest(method, upstream.url + "/x", {}, verbatim=True)
        for sent in (1, 2):
            error = await failure_of(transport.send(request, NO_END))
            assert error.reason == Reason.UPSTREAM_UNAVAILABLE
            assert error.retries_same_target
            assert error.message == f"{upstream.url.removeprefix('http://')} closed the connection before it answered"
            assert len(upstream.requests) == sent

    run(Reply(before_head=[CUT]), check)


def test_a_kept_connection_that_breaks_within_the_head_is_not_replaced(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        await response.read()
        upstream.handler = lambda _: Reply(before_head=[b"HTTP/1.1 2", CUT])
        assert (await failure_of(transport.send(post(upstream.url), NO_END))).reason == Reason.UPSTREAM_UNAVAILABLE
        assert [request.connection for request in upstream.requests] == [0, 0]

    run(json_reply({}), check)


def test_a_body_in_pieces_is_not_sent_twice(run: Run) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for failing in (False, True):
            sending = transport.send(UpstreamRequest("POST", upstream.url + "/x", {}, stream=pieces()), NO_END)
            if failing:
                assert (await failure_of(sending)).reason == Reason.UPSTREAM_UNAVAILABLE
            else:
                await (await sending).read()
        assert [(request.connection, request.body) for request in upstream.requests] == [(0, b"once")] * 2

    run(first_cut_then(EMPTY), check)


def test_verbatim_adds_nothing_and_decompresses_nothing(run: Run) -> None:
    packed = gzip.compress(b"plain")

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        given = {"accept-encoding": "gzip", "content-encoding": "gzip", "user-agent": "mine"}
        response = await transport.send(UpstreamRequest("POST", upstream.url + "/x", given, b"??", verbatim=True), NO_END)
        assert await response.read() == packed
        assert response.header_fields == [
            ("content-encoding", "gzip"),
            ("x-name", "\xc3\xbc"),
            ("content-length", str(len(packed))),
        ]
        await response.close()
        host = upstream.url.removeprefix("http://")
        assert upstream.requests[0].headers == {**given, "host": host, "content-length": "2"}

    run(Reply(headers={"Content-Encoding": "gzip", "X-Name": "\xc3\xbc"}, body=packed), check)


def test_many_connections_are_open_at_once(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        responses = await asyncio.gather(*(transport.send(post(upstream.url), NO_END) for _ in range(150)))
        assert len(upstream.connections) == 150
        for response in responses:
            await response.close()

    run(event_stream({}, STALL), check)


RAW_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
TRUNCATED = {
    "chunked, between chunks": Reply(body=[b"one", CUT]),
    "chunked, before the first": Reply(body=[CUT]),
    "chunked, within a chunk": Reply(before_head=[RAW_HEAD + b"a\r\none", CUT]),
    "chunked, within the last": Reply(before_head=[RAW_HEAD + b"3\r\none\r\n0\r\n", CUT]),
    "with a length": Reply(headers={"content-length": "10"}, body=[b"one", CUT]),
    "with a length, before the first byte": Reply(headers={"content-length": "10"}, body=[CUT]),
    "compressed": Reply(headers={"content-encoding": "gzip"}, body=b"not gzip at all"),
}


@pytest.mark.parametrize("reply", TRUNCATED.values(), ids=TRUNCATED.keys())
@pytest.mark.parametrize("whole", [True, False], ids=["read", "chunks"])
def test_a_truncated_body_is_an_interruption_never_a_shorter_answer(run: Run, reply: Reply, whole: bool) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        error = await failure_of(response.read() if whole else all_of(response.chunks()))
        assert error.reason == Reason.STREAM_INTERRUPTED
        assert "127.0.0.1" in error.message
        await response.close()

    run(reply, check)


def test_a_body_that_breaks_http_is_an_interruption(run: Run) -> None:
    head_seen = Signal()

    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        head_seen.set()
        assert (await failure_of(all_of(response.chunks()))).reason == Reason.STREAM_INTERRUPTED
        await response.close()
        await upstream.requests[0].closed.wait()

    run(Reply(before_head=[RAW_HEAD, head_seen, b"xyz\r\n", STALL]), check)


def test_a_body_that_ends_with_its_connection_is_whole(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        assert await response.read() == b"all of it"
        await response.close()

    run(Reply(before_head=[b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it", CUT]), check)


@pytest.mark.parametrize(
    "raw",
    [b"\x16\x03\x01 this is not HTTP\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000],
    ids=["garbage", "status", "long header"],
)
def test_an_answer_that_is_not_http_is_invalid(run: Run, raw: bytes) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post(upstream.url), NO_END))
        assert error.reason == Reason.UPSTREAM_INVALID_RESPONSE
        assert "answered something that is not HTTP (" in error.message

    run(Reply(before_head=[raw, STALL]), check)


def test_a_port_where_nobody_listens_is_unavailable(run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    async def check(_: Upstream, transport: HttpTransport) -> None:
        for host in ("127.0.0.1", "localhost"):
            error = await failure_of(transport.send(post(f"http://{host}:{port}"), NO_END))
            assert error.reason == Reason.UPSTREAM_UNAVAILABLE
            assert error.message == f"no connection to {host}:{port}: connection refused"

    run(json_reply({}), check)


def test_a_name_that_does_not_exist_is_unavailable(run: Run) -> None:
    async def check(_: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post("http://nowhere.invalid"), NO_END))
        assert error.reason == Reason.UPSTREAM_UNAVAILABLE
        assert error.message == "no connection to nowhere.invalid:80: its name cannot be resolved"

    run(json_reply({}), check)


def test_a_server_without_tls_is_unavailable_over_https(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post(upstream.url.replace("http:", "https:")), NO_END))
        assert error.reason == Reason.UPSTREAM_UNAVAILABLE
        assert "TLS failed" in error.message

    run(json_reply({}), check)


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's TLS context with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *pem) + certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_nobody_signed_is_unavailable(run: Run, tmp_path: Path) -> None:
    async def check(_: Upstream, transport: HttpTransport) -> None:
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0, ssl=self_signed(tmp_path))
        port = server.sockets[0].getsockname()[1]
        error = await failure_of(transport.send(post(f"https://localhost:{port}"), NO_END))
        server.close()
        assert error.reason == Reason.UPSTREAM_UNAVAILABLE
        assert (
            error.message == f"no connection to localhost:{port}: its certificate is not trusted (self-signed certificate)"
        )

    run(json_reply({}), check)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://example.com/", {}),
        ("http://[::1/", {}),
        ("http:///path", {}),
        ("http://127.0.0.1:1/a\r\nx: y", {}),
        ("http://127.0.0.1:1/", {"authorization": f"Bearer {SECRET}\n"}),
    ],
)
def test_a_request_that_cannot_be_written_is_told_so(run: Run, url: str, headers: dict[str, str]) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        written = url.replace("127.0.0.1:1", upstream.url.removeprefix("http://"))
        error = await failure_of(transport.send(UpstreamRequest("POST", written, headers, b"{}"), NO_END))
        assert error.reason == Reason.UPSTREAM_UNAVAILABLE
        assert "check the provider's URL, headers and key" in error.message
        assert not upstream.requests

    run(json_reply({}), check)


def test_silence_before_the_head_times_out_and_closes_the_connection(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post(upstream.url), NO_END))
        assert error.reason == Reason.UPSTREAM_TIMEOUT
        assert error.message.startswith("no answer from 127.0.0.1:")
        assert error.message.endswith("within 0.05 s")
        await upstream.requests[0].closed.wait()

    run(Reply(before_head=[STALL]), check, HASTY)


@pytest.mark.parametrize("steps", [[STALL], [b"one", STALL]])
def test_silence_in_the_body_times_out(run: Run, steps: Sequence[Step]) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        error = await failure_of(all_of(response.chunks()))
        assert error.reason == Reason.UPSTREAM_TIMEOUT
        assert error.message.endswith("sent nothing for 0.05 s")
        await response.close()
        await upstream.requests[0].closed.wait()

    run(Reply(body=steps), check, HttpLimits(idle_s=0.05))


def test_a_deadline_that_has_passed_sends_nothing(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post(upstream.url), Deadline.after(0)))
        assert error.reason == Reason.DEADLINE_EXCEEDED
        assert not upstream.connections

    run(json_reply({}), check)


def test_the_deadline_ends_the_wait_for_the_head(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        error = await failure_of(transport.send(post(upstream.url), Deadline.after(0.05)))
        assert error.reason == Reason.DEADLINE_EXCEEDED
        await upstream.connections[0].wait()

    run(Reply(before_head=[STALL]), check)


def test_the_deadline_ends_a_body_that_keeps_coming(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), Deadline.after(0.1))
        error = await failure_of(all_of(response.chunks()))
        assert error.reason == Reason.DEADLINE_EXCEEDED
        await response.close()
        await upstream.connections[0].wait()

    run(Reply(body=[b"one", STALL]), check)


def test_cancelling_before_the_head_closes_the_socket(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        sending = asyncio.create_task(transport.send(post(upstream.url), NO_END))
        await upstream.arrival().wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await upstream.requests[0].closed.wait()

    run(Reply(before_head=[STALL]), check)


def test_closing_with_the_body_unread_closes_the_socket(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        assert await anext(response.chunks()) == b"one"
        await response.close()
        await upstream.requests[0].closed.wait()
        await response.close()

    run(Reply(body=[b"one", STALL]), check)


def test_cancelling_a_read_and_closing_closes_the_socket(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await response.close()
        await upstream.requests[0].closed.wait()

    run(Reply(body=[STALL]), check)


def test_closing_the_transport_cuts_open_streams_and_refuses_new_requests(run: Run) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        response = await transport.send(post(upstream.url), NO_END)
        await transport.close()
        await upstream.requests[0].closed.wait()
        assert (await failure_of(all_of(response.chunks()))).reason == Reason.STREAM_INTERRUPTED
        await response.close()
        assert (await failure_of(transport.send(post(upstream.url), NO_END))).reason == Reason.SHUTTING_DOWN

    run(event_stream({}, STALL), check)


def test_a_transport_that_never_sent_can_be_closed() -> None:
    asyncio.run(HttpTransport("dragoman/test").close())
