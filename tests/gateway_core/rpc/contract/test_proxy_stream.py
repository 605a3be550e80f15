"""A request in a provider's own language whose body comes in pieces, over both channels alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence

import grpc
import pytest

from dragoman.status import unpack
from dragoman.v1.proxy_pb2 import HttpHeader, ProxyRequest, ProxyResponse, ProxyStreamRequest, ProxyStreamResponse
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.contract.test_proxy import SHORT_S, USAGE, asking, read
from tests.gateway_core.rpc.serving import Behind, Served, answer, failure_of
from tests.upstream import STALL, Received, Reply, Signal, json_reply

END = ProxyStreamRequest(end=True)
LARGE = [b"0123456789abcdef" * 4096] * 100


async def pieces(
    *body: bytes, head: ProxyRequest | None = None, end: bool = True
) -> AsyncGenerator[ProxyStreamRequest, None]:
    yield ProxyStreamRequest(head=head or asking("files", b""))
    for piece in body:
        yield ProxyStreamRequest(body=piece)
    if end:
        yield END


async def inner(messages: AsyncIterable[ProxyStreamResponse]) -> AsyncIterator[ProxyResponse]:
    async for message in messages:
        yield message.response


def sized(size: str) -> ProxyRequest:
    head = asking("files", b"")
    head.headers.add(name="Content-Length", value=size)
    return head


@pytest.mark.parametrize("body", [[], [b"a"], [b"a", b"", b"b"], LARGE], ids=["none", "one", "three", "large"])
@pytest.mark.parametrize("known", [False, True])
def test_bodies_pass_byte_for_byte(contract: Contract, body: Sequence[bytes], known: bool) -> None:
    whole = b"".join(body)

    async def check(house: Served) -> None:
        head = sized(str(len(whole))) if known else None
        got = await read(inner(house.stub.ProxyStream(pieces(*body, head=head))))
        assert (got.head.status, got.body) == (200, whole)
        (request,) = house.upstream.requests
        assert (request.method, request.path, request.body) == ("POST", "/files", whole)
        assert request.headers.get("content-length") == (str(len(whole)) if known else None)
        assert request.headers.get("transfer-encoding") == (None if known else "chunked")
        assert request.headers["content-type"] == "application/json"

    contract(check, Behind(lambda request: Reply(body=request.body)))


def test_what_it_took(contract: Contract) -> None:
    async def check(house: Served) -> None:
        got = await read(inner(house.stub.ProxyStream(pieces(b"{}"))))
        assert got.end is not None
        assert (got.end.usage.input_tokens, got.end.usage.output_tokens, got.end.model) == (3, 4, "m")

    contract(check, Behind(lambda _: json_reply({**answer("Hi"), "usage": USAGE})))


def test_the_demo_can_be_asked(contract: Contract) -> None:
    async def check(house: Served) -> None:
        question = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "Hi there"}]}).encode()
        head = asking("chat/completions", b"", provider="demo")
        got = await read(inner(house.stub.ProxyStream(pieces(question[:20], question[20:], head=head))))
        assert json.loads(got.body)["choices"][0]["message"]["content"] == "Hi there"

    contract(check)


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "head"),
        ([ProxyStreamRequest()], "head"),
        ([ProxyStreamRequest(body=b"a")], "head"),
        ([ProxyStreamRequest(head=asking(body=b"a")), END], "head.body"),
        ([ProxyStreamRequest(head=asking(body=b"")), ProxyStreamRequest(head=asking(body=b"")), END], "head"),
        ([ProxyStreamRequest(head=asking(body=b"")), ProxyStreamRequest(body=b"a")], "end"),
        ([ProxyStreamRequest(head=asking(body=b"", provider="nobody")), END], "provider"),
        ([ProxyStreamRequest(head=asking("../v2", b"")), END], "path"),
        ([ProxyStreamRequest(head=sized("-1")), END], "headers[1].value"),
        ([ProxyStreamRequest(head=sized("1e3")), END], "headers[1].value"),
        ([ProxyStreamRequest(head=sized("9" * 19)), END], "headers[1].value"),
        ([ProxyStreamRequest(head=sized("3")), ProxyStreamRequest(body=b"ab"), END], "body"),
        ([ProxyStreamRequest(head=sized("1")), ProxyStreamRequest(body=b"ab"), END], "body"),
    ],
)
def test_what_cannot_be_sent(contract: Contract, requests: Sequence[ProxyStreamRequest], field: str) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(read(inner(house.stub.ProxyStream(iter(requests)))))
        assert error.code() is (grpc.StatusCode.NOT_FOUND if field == "provider" else grpc.StatusCode.INVALID_ARGUMENT)
        assert unpack(error).field == field
        assert house.upstream.requests == []

    contract(check)


def test_the_provider_gets_it_as_it_comes(contract: Contract) -> None:
    """The upstream counts a request that is whole; so its connection stands for one that has begun."""
    begun = Signal()

    async def check(house: Served) -> None:
        async def slowly() -> AsyncGenerator[ProxyStreamRequest, None]:
            async for message in pieces(b"a", end=False):
                yield message
            await house.upstream.connected.wait()
            begun.set()
            yield ProxyStreamRequest(body=b"b")
            yield END

        got = await read(inner(house.stub.ProxyStream(slowly())))
        assert got.body == b"ab"

    contract(check, Behind(lambda request: Reply(body=[begun, request.body])))


def test_a_failure_before_the_request_is_whole(contract: Contract) -> None:
    """Its status comes, whatever is still being written."""

    async def check(house: Served) -> None:
        for _ in range(20):
            head = asking("files", b"", provider="nobody")
            error = await failure_of(read(inner(house.stub.ProxyStream(pieces(*LARGE, head=head)))))
            assert unpack(error).field == "provider"

    contract(check)


async def let_go(house: Served) -> None:
    (closed,) = house.upstream.connections
    await closed.wait()


@pytest.mark.parametrize("where", ["in the request", "before the answer"])
@pytest.mark.parametrize("ending", ["cancel", "deadline", "break off"])
def test_a_request_that_is_given_up(contract: Contract, where: str, ending: str) -> None:
    """A provider never gets a part of a body as the whole."""

    async def check(house: Served) -> None:
        call = house.stub.ProxyStream(timeout=SHORT_S if ending == "deadline" else None)
        reading = asyncio.ensure_future(read(inner(call)))
        await call.write(ProxyStreamRequest(head=asking("files", b"")))
        await call.write(ProxyStreamRequest(body=b"a"))
        if where == "before the answer":
            await call.write(END)
            await house.upstream.arrival().wait()
        else:
            await house.upstream.connected.wait()
        match ending:
            case "cancel":
                call.cancel()
            case "break off" if where == "in the request":
                await call.done_writing()
            case "break off":
                reading.cancel()
        with pytest.raises((asyncio.CancelledError, grpc.aio.AioRpcError)):
            await reading
        await let_go(house)
        assert len(house.upstream.requests) == (where == "before the answer")

    def reply(request: Received) -> Reply:
        return Reply(before_head=[STALL])

    contract(check, Behind(reply))


def test_headers_stay_the_clients_own(contract: Contract) -> None:
    head = asking("files", b"")
    head.headers.add(name="content-encoding", value="gzip")
    before = ProxyRequest.FromString(head.SerializeToString())

    async def check(house: Served) -> None:
        await read(inner(house.stub.ProxyStream(pieces(b"\x1f\x8b", head=head))))
        assert house.upstream.requests[0].headers["content-encoding"] == "gzip"
        assert HttpHeader(name="content-encoding", value="gzip") in head.headers
        assert head == before

    contract(check)
