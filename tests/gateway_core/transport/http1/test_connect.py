"""Connecting: which addresses are tried, how often names are looked up, and what the sockets are set to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

import pytest
import uvloop

from gateway_core.transport.guard import Forbidden, Guard
from gateway_core.transport.http1 import connect
from gateway_core.transport.http1.codec import parse
from gateway_core.transport.http1.connect import Connector, first_connected, look_up
from gateway_core.transport.http1.connection import Connection

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main)

    return run


class Nobody:
    def take_back(self, connection: Connection) -> None: ...

    def forget(self, connection: Connection) -> None: ...


class Names:
    """The system's resolver, with answers of our own."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **more: Any) -> list[Any]:
        if host == "name.example":
            # uvloop asks for addresses, too.
            self.asked.append(host)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [entry(address, port) for address in self.addresses]


def entry(address: str, port: int) -> tuple[Any, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (address, port)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    def name(*addresses: str) -> Names:
        made = Names(*addresses)

        async def getaddrinfo(loop: object, host: str, port: int, **more: Any) -> list[Any]:
            await asyncio.sleep(0)
            return made(host, port, **more)

        for loop in (asyncio.BaseEventLoop, uvloop.Loop):
            monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo, raising=True)
        return made

    return name


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        (["::1", "::2", "1.1.1.1", "1.1.1.2"], ["::1", "1.1.1.1", "::2", "1.1.1.2"]),
        (["1.1.1.1", "::1", "::2"], ["1.1.1.1", "::1", "::2"]),
        (["1.1.1.1", "1.1.1.2"], ["1.1.1.1", "1.1.1.2"]),
    ],
)
def test_families_are_tried_by_turns(monkeypatch: pytest.MonkeyPatch, found: Iterable[str], tried: list[str]) -> None:
    async def main() -> None:
        async def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
            return [entry(address, port) for address in found]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        assert [address[0] for _, address in await look_up("x", 1, 0)] == tried

    asyncio.run(main())


def test_another_address_is_tried_while_the_first_is_silent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is never answered: its attempt is cancelled once another one is connected."""
    monkeypatch.setattr(connect, "ATTEMPT_DELAY_S", 0.01)
    ended: list[str] = []
    real = connect.connected

    async def connected(to: connect.Address) -> socket.socket:
        if to[1][0] != "192.0.2.1":
            return await real(to)
        try:
            await asyncio.Event().wait()
            raise AssertionError
        finally:
            ended.append("192.0.2.1")

    monkeypatch.setattr(connect, "connected", connected)

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            silent, answering = (socket.AF_INET, ("192.0.2.1", port)), (socket.AF_INET, ("127.0.0.1", port))
            sock = await first_connected([silent, answering])
            assert sock.getpeername() == ("127.0.0.1", port)
            sock.close()
        assert ended == ["192.0.2.1"]

    run(main())


def test_where_no_address_answers_the_first_says_why(run: Run) -> None:
    async def main() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with pytest.raises(ConnectionRefusedError):
                await first_connected([(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.2", port))])

    run(main())


def opened(check: Callable[[Connector, str], Awaitable[None]], guard: Guard | None = None, cache_s: float = 60) -> Any:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            await check(Connector(guard, dns_cache_s=cache_s), f"http://name.example:{server.getsockname()[1]}/")

    return main()


@pytest.mark.parametrize(("cache_s", "looked_up"), [(60, 1), (0, 2)])
def test_a_name_is_looked_up_once_for_all_who_ask(
    run: Run, names: Callable[..., Names], cache_s: float, looked_up: int
) -> None:
    found = names("127.0.0.1")

    async def check(connector: Connector, url: str) -> None:
        for _ in range(2):
            connections = await asyncio.gather(
                *(connector.open(parse(url)[0], Nobody()) for _ in range(1 if not cache_s else 3))
            )
            for connection in connections:
                connection.abort()
        assert found.asked == ["name.example"] * looked_up

    run(opened(check, cache_s=cache_s))


def test_a_name_that_is_not_found_is_looked_up_again(run: Run, names: Callable[..., Names]) -> None:
    found = names()

    async def check(connector: Connector, url: str) -> None:
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await connector.open(parse(url)[0], Nobody())
        assert len(found.asked) == 2

    run(opened(check))


def test_who_leaves_does_not_end_the_look_up_of_others(run: Run, names: Callable[..., Names]) -> None:
    found = names("127.0.0.1")

    async def check(connector: Connector, url: str) -> None:
        first, second = (asyncio.create_task(connector.open(parse(url)[0], Nobody())) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        (await second).abort()
        assert first.cancelled()
        assert found.asked == ["name.example"]

    run(opened(check))


def test_one_forbidden_address_forbids_the_name(run: Run, names: Callable[..., Names]) -> None:
    names("93.184.216.34", "127.0.0.1")

    async def check(connector: Connector, url: str) -> None:
        with pytest.raises(Forbidden):
            await connector.open(parse(url)[0], Nobody())

    run(opened(check, Guard()))


def test_small_writes_are_not_held_back(run: Run) -> None:
    async def check(connector: Connector, url: str) -> None:
        connection = await connector.open(parse(url.replace("name.example", "127.0.0.1"))[0], Nobody())
        sock = connection._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        connection.abort()

    run(opened(check))
