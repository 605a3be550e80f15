"""Calls with many requests, over both channels alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NoReturn

import grpc
import pytest

from gateway_core.rpc.inprocess import LocalChannel
from tests.gateway_core.rpc.handlers import Context
from tests.gateway_core.rpc.serving import failure_of, read_all, run

Requests = AsyncIterator[bytes]
Reach = Callable[[grpc.GenericRpcHandler], AbstractAsyncContextManager[Any]]


def same(message: bytes) -> bytes:
    return message


@asynccontextmanager
async def in_process(handler: grpc.GenericRpcHandler, strict: bool = False) -> AsyncIterator[LocalChannel]:
    channel = LocalChannel(strict=strict)
    channel.add_generic_rpc_handlers((handler,))
    async with channel:
        yield channel


def strictly(handler: grpc.GenericRpcHandler) -> AbstractAsyncContextManager[LocalChannel]:
    return in_process(handler, strict=True)


@asynccontextmanager
async def by_socket(handler: grpc.GenericRpcHandler) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


on_all = pytest.mark.parametrize("reach", [in_process, strictly, by_socket], ids=["local", "strict", "socket"])


async def add_up(requests: Requests, context: Context) -> bytes:
    return b"+".join([request async for request in requests])


async def echo(requests: Requests, context: Context) -> AsyncGenerator[bytes, None]:
    async for request in requests:
        yield request.upper()


class Service:
    """The methods of the service, as a client sees them."""

    def __init__(self, channel: Any) -> None:
        self.unary = channel.stream_unary("/test.Service/Unary", same, same)
        self.stream = channel.stream_stream("/test.Service/Stream", same, same)


def over(reach: Reach, check: Callable[[Service], Awaitable[None]], unary: Any = add_up, stream: Any = echo) -> None:
    handler = grpc.method_handlers_generic_handler(
        "test.Service",
        {
            "Unary": grpc.stream_unary_rpc_method_handler(unary, same, same),
            "Stream": grpc.stream_stream_rpc_method_handler(stream, same, same),
        },
    )

    async def main() -> None:
        async with reach(handler) as channel:
            await check(Service(channel))

    run(main)


def each(*requests: bytes) -> Iterator[bytes]:
    yield from requests


async def given(*requests: bytes) -> AsyncGenerator[bytes, None]:
    for request in requests:
        await asyncio.sleep(0)
        yield request


@on_all
def test_requests_from_an_iterator(reach: Reach) -> None:
    async def check(service: Service) -> None:
        for requests in (given, each):
            assert await service.unary(requests(b"a", b"b")) == b"a+b"
            assert await read_all(service.stream(requests(b"a", b"b"))) == [b"A", b"B"]
            assert await service.unary(requests()) == b""
            assert await read_all(service.stream(requests())) == []

    over(reach, check)


@on_all
def test_requests_that_are_written(reach: Reach) -> None:
    async def check(service: Service) -> None:
        call = service.unary()
        for request in (b"a", b"b"):
            await call.write(request)
        await call.done_writing()
        await call.done_writing()
        assert await call == b"a+b"
        assert await call.code() is grpc.StatusCode.OK
        call = service.stream()
        for request in (b"a", b"b"):
            await call.write(request)
            assert await call.read() == request.upper()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF

    over(reach, check)


@on_all
def test_much_is_written_before_anything_is_read(reach: Reach) -> None:
    requests = [b"%d" % number for number in range(300)]

    async def check(service: Service) -> None:
        for call in (service.unary(), service.stream()):
            for request in requests:
                await call.write(request)
            await call.done_writing()
            if hasattr(call, "read"):
                assert await read_all(call) == requests
            else:
                assert await call == b"+".join(requests)

    over(reach, check)


@on_all
def test_writing_while_another_task_reads(reach: Reach) -> None:
    async def check(service: Service) -> None:
        call = service.stream()
        reading = asyncio.create_task(read_all(call))
        for number in range(100):
            await call.write(b"%d" % number)
        await call.done_writing()
        assert len(await reading) == 100

    over(reach, check)


@on_all
def test_misuse(reach: Reach) -> None:
    async def check(service: Service) -> None:
        for method in (service.unary, service.stream):
            iterated = method(given())
            for misuse in (iterated.write(b"a"), iterated.done_writing()):
                with pytest.raises(grpc.aio.UsageError):
                    await misuse
            call = method()
            await call.done_writing()
            with pytest.raises(asyncio.InvalidStateError):
                await call.write(b"a")
            assert await (call if method is service.unary else read_all(call)) in (b"", [])
            await call.done_writing()
            with pytest.raises(asyncio.InvalidStateError):
                await call.write(b"a")

    over(reach, check)


def bug() -> NoReturn:
    raise LookupError("the client's own")


async def failing() -> AsyncGenerator[bytes, None]:
    yield b"a"
    bug()


def failing_at_once() -> Iterator[bytes]:
    yield b"a"
    bug()


BROKEN_OFF = (asyncio.CancelledError, None)
"""How a handler sees that its call was cancelled: on a socket the requests may simply end, a moment before."""


class Ending:
    """Handlers that wait for requests, and say how that ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.error: asyncio.Future[type[BaseException] | None] = asyncio.get_running_loop().create_future()

    async def unary(self, requests: Requests, context: Context) -> bytes:
        await self._read(requests)
        return b""

    async def stream(self, requests: Requests, context: Context) -> AsyncGenerator[bytes, None]:
        yield b"first"
        await self._read(requests)

    async def _read(self, requests: Requests) -> None:
        error: type[BaseException] | None = None
        try:
            async for _ in requests:
                self.begun.set()
        except BaseException as failure:
            error = type(failure)
            raise
        finally:
            if not self.error.done():
                self.error.set_result(error)


def ending(reach: Reach, check: Callable[[Any, Ending], Awaitable[None]], **how: Any) -> None:
    """Each check gets a method with one answer, then one with many, which waits for more requests than come."""

    async def main() -> None:
        for name in ("unary", "stream"):
            handlers = Ending()
            methods = {
                "Unary": grpc.stream_unary_rpc_method_handler(handlers.unary, same, same),
                "Stream": grpc.stream_stream_rpc_method_handler(handlers.stream, same, same),
            }
            async with reach(grpc.method_handlers_generic_handler("test.Service", methods)) as channel:
                await check(getattr(Service(channel), name), handlers)

    run(main)


def answer_of(call: Any) -> Awaitable[object]:
    return read_all(call) if hasattr(call, "read") else call


@on_all
@pytest.mark.parametrize("requests", [failing, failing_at_once])
def test_an_iterator_that_fails_cancels_the_call(reach: Reach, requests: Callable[[], Any]) -> None:
    async def check(method: Any, handlers: Ending) -> None:
        call = method(requests())
        with pytest.raises(asyncio.CancelledError):
            await answer_of(call)
        assert await call.code() is grpc.StatusCode.CANCELLED
        if handlers.begun.is_set():
            assert await handlers.error in BROKEN_OFF

    ending(reach, check)


@on_all
def test_cancelling_reaches_a_handler_that_waits_for_requests(reach: Reach) -> None:
    async def check(method: Any, handlers: Ending) -> None:
        call = method()
        reading = asyncio.ensure_future(answer_of(call))
        await call.write(b"a")
        await handlers.begun.wait()
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await handlers.error in BROKEN_OFF
        with pytest.raises(asyncio.InvalidStateError):
            await call.write(b"b")

    ending(reach, check)


@on_all
def test_the_deadline_reaches_a_handler_that_waits_for_requests(reach: Reach) -> None:
    async def check(method: Any, handlers: Ending) -> None:
        call = method(timeout=0.2)
        error = await failure_of(answer_of(call))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await handlers.error in BROKEN_OFF

    ending(reach, check)


@on_all
def test_a_handler_need_not_read_every_request(reach: Reach) -> None:
    async def first_of(requests: Requests, context: Context) -> bytes:
        first = await anext(requests)
        # gRPC lets no client write to a call that has ended.
        await written.get()
        return first

    async def stream(requests: Requests, context: Context) -> AsyncGenerator[bytes, None]:
        yield await first_of(requests, context)

    async def check(service: Service) -> None:
        for call in (service.unary(), service.stream()):
            await call.write(b"a")
            await call.write(b"b")
            written.put_nowait(None)
            assert await answer_of(call) in (b"a", [b"a"])

    written: asyncio.Queue[None] = asyncio.Queue()
    over(reach, check, first_of, stream)


async def refuse(requests: Requests, context: Context) -> bytes:
    await anext(requests)
    return bytes(await context.abort(grpc.StatusCode.DATA_LOSS, "enough"))


async def refuse_stream(requests: Requests, context: Context) -> AsyncGenerator[bytes, None]:
    yield await refuse(requests, context)


@on_all
def test_a_handler_that_aborts_ends_the_writing(reach: Reach) -> None:
    async def check(service: Service) -> None:
        for call in (service.unary(), service.stream()):
            await call.write(b"a")
            assert (await failure_of(answer_of(call))).code() is grpc.StatusCode.DATA_LOSS
            with pytest.raises(asyncio.InvalidStateError):
                await call.write(b"a")

    over(reach, check, refuse, refuse_stream)


# What a socket does not promise: grpc.aio may take a write into a call that has just ended for the call's own failure.
in_this_process = pytest.mark.parametrize("reach", [in_process, strictly], ids=["local", "strict"])


@in_this_process
def test_the_end_of_a_call_reaches_whoever_writes(reach: Reach) -> None:
    async def check(service: Service) -> None:
        for call in (service.unary(), service.stream()):
            answering = asyncio.ensure_future(answer_of(call))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                while True:
                    await call.write(b"a")
            assert caught.value.code() is grpc.StatusCode.DATA_LOSS
            assert (await failure_of(answering)).code() is grpc.StatusCode.DATA_LOSS

    over(reach, check, refuse, refuse_stream)


@in_this_process
def test_an_iterator_is_asked_for_no_more_than_the_handler_reads(reach: Reach) -> None:
    asked: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b"a"

    async def unary(requests: Requests, context: Context) -> bytes:
        return await anext(requests)

    async def check(service: Service) -> None:
        assert await service.unary(endless()) == b"a"
        assert asked == [1]

    over(reach, check, unary)


@on_all
def test_whoever_is_cancelled_while_writing_cancels_the_call(reach: Reach) -> None:
    async def stuck(requests: Requests, context: Context) -> AsyncGenerator[bytes, None]:
        yield await anext(requests)
        await asyncio.Event().wait()

    async def check(service: Service) -> None:
        call = service.stream()
        reading = asyncio.ensure_future(read_all(call))

        async def write() -> None:
            while True:
                await call.write(b"a" * 100_000)

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait([writing], timeout=0.2)
        assert not done
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await call.code() is grpc.StatusCode.CANCELLED

    over(reach, check, stream=stuck)


@on_all
def test_a_missing_method(reach: Reach) -> None:
    async def main() -> None:
        async with reach(grpc.method_handlers_generic_handler("another.Service", {})) as channel:
            service = Service(channel)
            for call in (service.unary(given(b"a")), service.stream(given(b"a"))):
                error = await failure_of(answer_of(call))
                assert error.code() is grpc.StatusCode.UNIMPLEMENTED

    run(main)
