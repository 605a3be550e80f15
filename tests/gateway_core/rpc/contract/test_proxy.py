"""A provider's own API through the gateway, over both channels alike: nothing of a body changes, keys are exchanged."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from dragoman.reasons import Reason
from dragoman.status import unpack
from dragoman.v1.proxy_pb2 import HttpHeader, ProxyEnd, ProxyHead, ProxyRequest, ProxyResponse
from dragoman.v1.routing_pb2 import RouteTrace
from gateway_core.providers.registry import DIALECTS
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import PROVIDER_KEY, Behind, Served, answer, chunk, detail, failure_of, status_of
from tests.upstream import CUT, STALL, Received, Reply, Signal, event_stream, json_reply

JSON = ("content-type", "application/json")
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
SHORT_S = 0.1
KEYS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")


def asking(
    path: str = "chat/completions",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    provider: str = "at-openai",
    query: str = "",
) -> ProxyRequest:
    headers = [HttpHeader(name=JSON[0], value=JSON[1])]
    return ProxyRequest(provider=provider, method=method, path=path, query=query, body=body, headers=headers)


@dataclass
class Got:
    """A whole answer."""

    head: ProxyHead = field(default_factory=ProxyHead)
    body: bytes = b""
    end: ProxyEnd | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        return {header.name: header.value for header in self.head.headers}


async def read(messages: AsyncIterable[ProxyResponse]) -> Got:
    """The head comes first, the end last."""
    got, kinds = Got(), []
    async for message in messages:
        kinds.append(message.WhichOneof("piece"))
        match kinds[-1]:
            case "head":
                got.head = message.head
            case "body":
                got.body += message.body
            case "end":
                got.end = message.end
    assert kinds[0] == "head"
    assert kinds.count("head") == 1
    assert kinds.index("end") == len(kinds) - 1 if "end" in kinds else True
    return got


BODIES = {
    "json": b'{"model": "m",  "unknown": [1.0, 1e400, "\\u00fc"], "model": "n"}',
    "no json": b"\x00\xff{[",
    "empty": b"",
    "large": b"0123456789abcdef" * (6 * 1024 * 1024 // 16),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies_pass_byte_for_byte(contract: Contract, body: bytes) -> None:
    async def check(house: Served) -> None:
        got = await read(house.stub.Proxy(asking(body=body)))
        assert (got.head.status, got.body) == (200, body)
        (request,) = house.upstream.requests
        assert (request.method, request.path, request.body) == ("POST", "/chat/completions", body)

    contract(check, Behind(lambda request: Reply(body=request.body)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method(contract: Contract, method: str) -> None:
    async def check(house: Served) -> None:
        got = await read(house.stub.Proxy(asking("files/1", b"", method=method)))
        assert (got.head.status, got.body) == (200, b"" if method == "HEAD" else b"[]")
        assert got.headers["content-length"] == "2"
        assert [(request.method, request.path) for request in house.upstream.requests] == [(method, "/files/1")]

    def reply(request: Received) -> Reply:
        # The scripted upstream would write a body after the head of an answer to HEAD.
        return Reply(headers={"content-length": "2"}, body=[] if request.method == "HEAD" else [b"[]"])

    contract(check, Behind(reply))


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 206, 304, 400, 402, 403, 404, 409, 413, 418, 422, 429, 500, 503, 529]
)
def test_every_status_but_one_passes(contract: Contract, status: int) -> None:
    body = b"" if status in (204, 304) else b'{"error":  {"message": "as the provider says"}}'

    async def check(house: Served) -> None:
        got = await read(house.stub.Proxy(asking()))
        assert (got.head.status, got.body, got.end) == (status, body, None)
        assert got.headers["retry-after"] == "7"
        assert len(house.upstream.requests) == 1

    contract(check, Behind(lambda _: Reply(status, {"retry-after": "7"}, body), attempts=3))


def test_redirects_are_told_and_not_followed(contract: Contract) -> None:
    async def check(house: Served) -> None:
        got = await read(house.stub.Proxy(asking("files/1/content", b"", method="GET")))
        assert (got.head.status, got.headers["location"]) == (302, "/elsewhere")
        assert len(house.upstream.requests) == 1

    contract(check, Behind(lambda _: Reply(302, {"location": "/elsewhere"})))


def test_paths_and_queries_arrive_as_they_were_written(contract: Contract) -> None:
    async def check(house: Served) -> None:
        request = asking("models/a%2Fb%20c:m", method="GET", query="alt=sse&key=of-the-gateway&x=%2B%c3&flag")
        await read(house.stub.Proxy(request))
        assert house.upstream.requests[0].path == "/models/a%2Fb%20c:m?alt=sse&x=%2B%c3&flag"

    contract(check)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keys_are_exchanged(contract: Contract, dialect: str) -> None:
    async def check(house: Served) -> None:
        request = asking(provider=f"at-{dialect}")
        for name in KEYS:
            request.headers.add(name=name, value="Bearer team-a")
        await read(house.stub.Proxy(request, metadata=(("authorization", "Bearer team-a"),)))
        headers = house.upstream.requests[0].headers
        assert [headers[name].removeprefix("Bearer ") for name in KEYS if name in headers] == [PROVIDER_KEY]
        assert "team-a" not in str(headers)

    contract(check, Behind(keys=["team-a"]))


@pytest.mark.parametrize(("metadata", "reason"), [((), "MISSING_API_KEY"), ((("x-api-key", "no"),), "INVALID_API_KEY")])
def test_a_gateway_key_is_asked_for(contract: Contract, metadata: Any, reason: str) -> None:
    async def check(house: Served) -> None:
        request = asking()
        request.headers.add(name="authorization", value="Bearer team-a")
        error = await failure_of(read(house.stub.Proxy(request, metadata=metadata)))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert detail(error, ErrorInfo).reason == reason
        assert house.upstream.requests == []

    contract(check, Behind(keys=["team-a"]))


def test_headers_in_both_directions(contract: Contract) -> None:
    async def check(house: Served) -> None:
        request = asking()
        for name, value in (("Accept", "a/b"), ("OpenAI-Beta", "x=v2"), ("Cookie", "a=b"), ("X-Forwarded-For", "1.2.3.4")):
            request.headers.add(name=name, value=value)
        got = await read(house.stub.Proxy(request))
        headers = house.upstream.requests[0].headers
        assert headers == {
            "host": house.upstream.url.removeprefix("http://"),
            "content-type": "application/json",
            "content-length": "2",
            "accept": "a/b",
            "openai-beta": "x=v2",
            "accept-encoding": "identity",
            "authorization": f"Bearer {PROVIDER_KEY}",
            "user-agent": headers["user-agent"],
        }
        assert headers["user-agent"].startswith("dragoman/")
        assert got.headers == {"content-length": "2", "content-type": "x/y", "x-request-id": "r1", "x-debug": "Bearer ***"}

    reply = {"Content-Type": "x/y", "X-Request-ID": "r1", "Set-Cookie": "a=b", "Keep-Alive": "9"}
    contract(check, Behind(lambda _: Reply(headers={**reply, "X-Debug": f"Bearer {PROVIDER_KEY}"}, body=b"{}")))


def test_compressed_answers_stay_compressed_and_are_counted(contract: Contract) -> None:
    packed = gzip.compress(json.dumps({**answer("Hi"), "usage": USAGE}).encode())

    async def check(house: Served) -> None:
        request = asking()
        request.headers.add(name="accept-encoding", value="gzip, br")
        got = await read(house.stub.Proxy(request))
        assert house.upstream.requests[0].headers["accept-encoding"] == "gzip"
        assert (got.body, got.headers["content-encoding"]) == (packed, "gzip")
        assert got.end is not None
        assert (got.end.usage.input_tokens, got.end.usage.output_tokens, got.end.model) == (3, 4, "m")

    contract(check, Behind(lambda _: Reply(headers={"content-encoding": "gzip", JSON[0]: JSON[1]}, body=packed)))


def test_compressed_requests_stay_compressed(contract: Contract) -> None:
    async def check(house: Served) -> None:
        request = asking(body=b"\x1f\x8bnot really")
        request.headers.add(name="content-encoding", value="gzip")
        await read(house.stub.Proxy(request))
        (received,) = house.upstream.requests
        assert (received.headers["content-encoding"], received.body) == ("gzip", b"\x1f\x8bnot really")

    contract(check)


def test_a_stream_comes_as_it_is_said(contract: Contract) -> None:
    go_on = Signal()

    async def check(house: Served) -> None:
        messages = aiter(house.stub.Proxy(asking()))
        assert (await anext(messages)).head.status == 200
        assert (await anext(messages)).body == b": odd\r\n\r\nda"
        go_on.set()
        rest = [message async for message in messages]
        assert b"".join(message.body for message in rest) == b'ta: {"usage": {"prompt_tokens": 5}}\n\nrest'
        assert rest[-1].end.usage.input_tokens == 5

    stream = event_stream(b": odd\r\n\r\nda", go_on, b'ta: {"usage": {"prompt_tokens": 5}}\n\nrest')
    contract(check, Behind(lambda _: stream))


def test_what_a_stream_took(contract: Contract) -> None:
    started = {"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 9}}}

    async def check(house: Served) -> None:
        got = await read(house.stub.Proxy(asking("v1/messages", provider="at-anthropic")))
        assert got.end is not None
        assert (got.end.usage.input_tokens, got.end.usage.output_tokens, got.end.model) == (9, 20, "claude")

    stream = event_stream(started, {"type": "message_delta", "usage": {"output_tokens": 20}})
    contract(check, Behind(lambda _: stream))


def test_the_demo_can_be_asked(contract: Contract) -> None:
    async def check(house: Served) -> None:
        question = {"model": "echo", "messages": [{"role": "user", "content": "Hi there"}]}
        for path in ("chat/completions", "v1/chat/completions"):
            got = await read(house.stub.Proxy(asking(path, json.dumps(question).encode(), provider="demo")))
            assert json.loads(got.body)["choices"][0]["message"]["content"] == "Hi there"
            assert got.end is not None
            assert (got.end.usage.input_tokens, got.end.model) == (2, "echo")
        got = await read(house.stub.Proxy(asking("nothing", provider="demo")))
        assert (got.head.status, got.end) == (404, None)

    contract(check)


@pytest.mark.parametrize(
    ("provider", "advice"),
    [
        ("", "there is no provider ''"),
        ("nobody", "there is no provider 'nobody'"),
        ("opemai", "there is no provider 'opemai'"),
        ("groq", "set GROQ_API_KEY"),
    ],
)
def test_a_provider_that_is_not_there(contract: Contract, provider: str, advice: str) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(read(house.stub.Proxy(asking(provider=provider))))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert advice in (error.details() or "")
        assert unpack(error).field == "provider"

    contract(check)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (asking("../v2"), "path"),
        (asking("//evil.example"), "path"),
        (asking("a b"), "path"),
        (asking(query="a#b"), "query"),
        (asking(method="CONNECT"), "method"),
        (asking(method="post"), "method"),
        (asking(method=""), "method"),
        (ProxyRequest(provider="at-openai", method="GET", headers=[HttpHeader(name="a\n")]), "headers[0].name"),
        (ProxyRequest(provider="at-openai", method="GET", headers=[HttpHeader(name="a", value="\n")]), "headers[0].value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_sent(contract: Contract, request_: ProxyRequest, field: str) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(read(house.stub.Proxy(request_)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert unpack(error).field == field
        assert house.upstream.requests == []

    contract(check)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_provider_that_refuses_our_key(contract: Contract, dialect: str, packed: bool) -> None:
    """Also one that says so with a word for something else, and repeats the key."""

    def refuse(request: Received) -> Reply:
        error = {"message": f"wrong {PROVIDER_KEY}", "type": PROVIDER_KEY, "code": "rate_limit_exceeded"}
        body = json.dumps({"error": error, "message": f"wrong {PROVIDER_KEY}"}).encode()
        if packed:
            return Reply(401, {JSON[0]: JSON[1], "content-encoding": "gzip"}, gzip.compress(body))
        return Reply(401, {JSON[0]: JSON[1], "x-request-id": "r7"}, body)

    async def check(house: Served) -> None:
        error = await failure_of(read(house.stub.Proxy(asking(provider=f"at-{dialect}"))))
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        found = unpack(error)
        assert found.reason is Reason.UPSTREAM_AUTH
        assert "wrong ***" in found.message
        assert (found.metadata["provider"], found.metadata["upstream_status"]) == (f"at-{dialect}", "401")
        assert "model" not in found.metadata
        (attempt,) = detail(error, RouteTrace).attempts
        assert (attempt.provider, attempt.status, attempt.reason) == (f"at-{dialect}", 401, "UPSTREAM_AUTH")
        assert PROVIDER_KEY not in f"{error} {status_of(error)}"
        assert len(house.upstream.requests) == 1

    contract(check, Behind(refuse, attempts=3))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(before_head=[CUT]), Reason.UPSTREAM_UNAVAILABLE),
        (Reply(before_head=[b"SSH-2.0\r\n\r\n", CUT]), Reason.UPSTREAM_INVALID_RESPONSE),
        (Reply(999), Reason.UPSTREAM_INVALID_RESPONSE),
    ],
)
def test_a_provider_that_gives_no_answer_is_asked_once(contract: Contract, reply: Reply, reason: Reason) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(read(house.stub.Proxy(asking())))
        assert unpack(error).reason is reason
        assert unpack(error).metadata["provider"] == "at-openai"
        assert len(house.upstream.requests) == 1

    contract(check, Behind(lambda _: reply, attempts=3))


def test_a_provider_that_breaks_off(contract: Contract) -> None:
    go_on = Signal()

    async def check(house: Served) -> None:
        messages = aiter(house.stub.Proxy(asking()))
        assert (await anext(messages)).HasField("head")
        assert (await anext(messages)).body == b"half"
        go_on.set()
        error = await failure_of(anext(messages))
        assert unpack(error).reason is Reason.STREAM_INTERRUPTED
        assert [attempt.reason for attempt in detail(error, RouteTrace).attempts] == ["STREAM_INTERRUPTED"]

    contract(check, Behind(lambda _: Reply(headers={"content-length": "9"}, body=[b"half", go_on, CUT])))


SILENT = {"before the head": Reply(before_head=[STALL]), "in the body": event_stream(chunk("Hi"), STALL)}
stalls = pytest.mark.parametrize("reply", SILENT.values(), ids=SILENT.keys())


async def let_go(house: Served) -> None:
    (request,) = house.upstream.requests
    await request.closed.wait()


@stalls
def test_cancelling_closes_the_providers_connection(contract: Contract, reply: Reply) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Proxy(asking())
        reading = asyncio.ensure_future(read(call))
        await house.upstream.arrival().wait()
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await let_go(house)

    contract(check, Behind(lambda _: reply))


@stalls
@pytest.mark.parametrize("whose", ["the client's", "the gateway's"])
def test_deadlines(contract: Contract, reply: Reply, whose: str) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Proxy(asking(), timeout=SHORT_S if whose == "the client's" else None)
        error = await failure_of(read(call))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await let_go(house)

    contract(check, Behind(lambda _: reply, total_timeout_s=SHORT_S if whose == "the gateway's" else None))


def test_leaving_a_stream_closes_the_providers_connection(contract: Contract) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Proxy(asking())
        async for message in call:
            if message.body:
                break
        call.cancel()
        await let_go(house)

    contract(check, Behind(lambda _: SILENT["in the body"]))


def test_many_at_a_time(contract: Contract) -> None:
    async def check(house: Served) -> None:
        bodies = [b"%d" % number * 100 for number in range(50)]
        answers = await asyncio.gather(*(read(house.stub.Proxy(asking(body=body))) for body in bodies))
        assert [got.body for got in answers] == bodies

    contract(check, Behind(lambda request: Reply(body=request.body)))


def test_a_request_stays_as_the_client_made_it(contract: Contract) -> None:
    request = asking(query="key=a")
    before = ProxyRequest.FromString(request.SerializeToString())

    async def check(house: Served) -> None:
        await read(house.stub.Proxy(request))
        assert request == before

    contract(check, Behind(lambda _: json_reply({})))
