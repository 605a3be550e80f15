"""The HTTP transport to servers that clients choose: the guard stands where its sockets are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.guard import Guard
from gateway_core.transport.http import HttpTransport
from gateway_dialects.kit.dialect import UpstreamRequest
from tests.upstream import Upstream, json_reply

Check = Callable[[Upstream, HttpTransport], Awaitable[None]]


def run(guard: Guard, check: Check) -> None:
    async def main() -> None:
        async with Upstream(lambda _: json_reply({"answered": True})) as upstream:
            transport = HttpTransport("dragoman/test", guard=guard)
            try:
                await check(upstream, transport)
            finally:
                await transport.close()

    asyncio.run(main())


async def get(url: str, transport: HttpTransport) -> bytes:
    response = await transport.send(UpstreamRequest("GET", f"{url}/v1", {"authorization": "Bearer sk-own"}), Deadline())
    try:
        return await response.read()
    finally:
        await response.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_no_way_to_write_this_machine_leads_here(host: str) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        with pytest.raises(GatewayError) as caught:
            await get(upstream.url.replace("127.0.0.1", host), transport)
        assert caught.value.reason in (Reason.PERMISSION_DENIED, Reason.UPSTREAM_UNAVAILABLE)
        assert upstream.requests == []

    run(Guard(), check)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_refusal_says_why(host: str) -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        with pytest.raises(GatewayError) as caught:
            await get(upstream.url.replace("127.0.0.1", host), transport)
        assert caught.value.reason is Reason.PERMISSION_DENIED
        assert f"{host}:" in caught.value.message
        assert "is not a public address" in caught.value.message
        assert not caught.value.retries_same_target
        assert "sk-own" not in caught.value.message

    run(Guard(), check)


def test_where_the_operator_opens_private_addresses() -> None:
    async def check(upstream: Upstream, transport: HttpTransport) -> None:
        for _ in range(2):
            assert await get(upstream.url, transport) == b'{"answered": true}'
        assert [request.connection for request in upstream.requests] == [0, 0]
        with pytest.raises(GatewayError) as caught:
            await get("http://169.254.169.254", transport)
        assert caught.value.reason is Reason.PERMISSION_DENIED

    run(Guard(allow_private=True), check)
