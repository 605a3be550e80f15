"""Calls in this process with many answers, many requests, or both.

Requests go from the client to the handler without a task or a queue between them: a handler that asks for the next one runs
the client's iterator. What write() is given before anybody awaits the call or reads from it waits in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Generic, TypeAlias

import grpc

from gateway_core.rpc.inprocess.call import LocalCall, LocalUnaryCall, Running
from gateway_core.rpc.inprocess.servicing import LocalContext, RequestT, ResponseT, StreamHandler, UnaryHandler

_log = logging.getLogger(__name__)

Iterated: TypeAlias = AsyncIterable[RequestT] | Iterable[RequestT]
FINISHED = "RPC already finished."
HALF_CLOSED = 'RPC is half closed after calling "done_writing".'
MIXED = "The iterator and read/write APIs may not be mixed on a single RPC."


class LocalStreamCall(LocalCall[RequestT, ResponseT], grpc.aio.UnaryStreamCall[RequestT, ResponseT]):
    """One request, many answers. Read it from one task at a time."""

    def __init__(
        self,
        messages: AsyncGenerator[ResponseT, None],
        context: LocalContext[RequestT, ResponseT],
        expires_at: float | None,
        running: Running,
    ) -> None:
        super().__init__(context, expires_at)
        self._messages = messages
        self._next = messages.__anext__
        self._running = running
        self._begun = False
        self._answered = False
        self._ahead: list[ResponseT] = []
        self._end: asyncio.Future[None] | None = None

    def __aiter__(self) -> LocalStreamCall[RequestT, ResponseT]:
        return self

    async def __anext__(self) -> ResponseT:
        if self._ahead:
            return self._ahead.pop()
        if not self._begun:
            self._begin()
        if self._done:
            raise self._outcome or StopAsyncIteration
        self._enter()
        try:
            message = await self._next()
        except BaseException as error:
            outcome = self._conclude(None if isinstance(error, StopAsyncIteration) else error)
            raise outcome or StopAsyncIteration from None
        self._task = None
        if not self._answered:
            self._answered = True
            self._context.begin_answer()
        return message

    async def read(self) -> ResponseT | object:
        """The next message, or grpc.aio.EOF."""
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            return grpc.aio.EOF

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Where nobody reads yet, known once the first message, which is then buffered, or the end is here."""
        if self._begun or self._done:
            await self._context.answer_begun()
        else:
            with contextlib.suppress(StopAsyncIteration, grpc.RpcError):
                self._ahead = [await self.__anext__()]
        return grpc.aio.Metadata(*self._context.initial_metadata())

    def _begin(self) -> None:
        self._begun = True
        if self._running.closed.is_set():
            self.cancel()
        elif self._expires_at is not None:
            self._start_timer()
        if not self._done:
            self._running.streams.add(self)

    def _conclude(self, error: BaseException | None) -> BaseException | None:
        outcome = super()._conclude(error)
        self._running.streams.discard(self)
        if self._end is not None and not self._end.done():
            self._end.set_result(None)
        return outcome

    def _end_idle(self) -> None:
        self._begun = True
        self._conclude(None)
        closing = asyncio.get_running_loop().create_task(_close(self._messages))
        self._running.closing.add(closing)
        closing.add_done_callback(self._running.closing.discard)

    async def _settled(self) -> None:
        """As on a socket, somebody has to read the messages meanwhile."""
        if self._done:
            return
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._end)


class IteratedRequests(Generic[RequestT]):
    """The requests of the client's iterator. Where that fails the call is cancelled, as on a socket."""

    def __init__(self, requests: Iterated[RequestT]) -> None:
        self._next = (aiter(requests) if isinstance(requests, AsyncIterable) else _each(requests)).__anext__
        self.call: weakref.ref[grpc.aio.Call] | None = None

    def __aiter__(self) -> AsyncIterator[RequestT]:
        return self

    async def __anext__(self) -> RequestT:
        try:
            return await self._next()
        except (StopAsyncIteration, asyncio.CancelledError):
            raise
        except Exception:
            _log.debug("the client's iterator of requests failed", exc_info=True)
        call = self.call() if self.call is not None else None
        if call is not None:
            call.cancel()
            # Where the handler's own task reads, it is interrupted here.
            await asyncio.sleep(0)
        raise asyncio.CancelledError


class WrittenRequests(Generic[RequestT]):
    """The requests that the client writes one by one."""

    def __init__(self) -> None:
        self.waiting: deque[RequestT] = deque()
        self.complete = False
        self._changed: asyncio.Future[None] | None = None

    def __aiter__(self) -> AsyncIterator[RequestT]:
        return self

    async def __anext__(self) -> RequestT:
        while not self.waiting:
            if self.complete:
                raise StopAsyncIteration
            await self.change()
        request = self.waiting.popleft()
        self.wake()
        return request

    async def change(self) -> None:
        """Returns after the next wake()."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def wake(self) -> None:
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None


class SendsRequests(LocalCall[AsyncIterator[RequestT], ResponseT]):
    """The client's side of a call with many requests."""

    _requests: IteratedRequests[RequestT] | WrittenRequests[RequestT]

    async def write(self, request: RequestT) -> None:
        """Returns once the handler, if it runs, has taken the request before this one. Raises InvalidStateError after the
        call's end and after done_writing()."""
        requests = self._written()
        if self.done():
            raise asyncio.InvalidStateError(FINISHED)
        if requests.complete:
            raise asyncio.InvalidStateError(HALF_CLOSED)
        requests.waiting.append(request)
        requests.wake()
        try:
            await asyncio.sleep(0)
            while len(requests.waiting) > 1 and self._task is not None:
                await requests.change()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self._outcome is not None:
            raise self._outcome

    async def done_writing(self) -> None:
        """May be called again, and after the call's end."""
        requests = self._written()
        requests.complete = True
        requests.wake()

    def _written(self) -> WrittenRequests[RequestT]:
        if isinstance(self._requests, IteratedRequests):
            raise grpc.aio.UsageError(MIXED)
        return self._requests

    def _attach(self, requests: IteratedRequests[RequestT] | WrittenRequests[RequestT]) -> None:
        self._requests = requests
        if isinstance(requests, IteratedRequests):
            requests.call = weakref.ref(self)

    def _conclude(self, error: BaseException | None) -> BaseException | None:
        outcome = super()._conclude(error)
        if isinstance(self._requests, WrittenRequests):
            self._requests.wake()
        return outcome


class LocalStreamUnaryCall(
    SendsRequests[RequestT, ResponseT],
    LocalUnaryCall[AsyncIterator[RequestT], ResponseT],
    grpc.aio.StreamUnaryCall[RequestT, ResponseT],
):
    """Many requests, one answer."""

    def __init__(
        self,
        handler: UnaryHandler[AsyncIterator[RequestT], ResponseT],
        requests: IteratedRequests[RequestT] | WrittenRequests[RequestT],
        context: LocalContext[AsyncIterator[RequestT], ResponseT],
        expires_at: float | None,
        running: Running,
    ) -> None:
        super().__init__(handler, requests, context, expires_at, running)
        self._attach(requests)


class LocalStreamStreamCall(
    SendsRequests[RequestT, ResponseT],
    LocalStreamCall[AsyncIterator[RequestT], ResponseT],
    grpc.aio.StreamStreamCall[RequestT, ResponseT],
):
    """Many requests, many answers."""

    def __init__(
        self,
        handler: StreamHandler[AsyncIterator[RequestT], ResponseT],
        requests: IteratedRequests[RequestT] | WrittenRequests[RequestT],
        context: LocalContext[AsyncIterator[RequestT], ResponseT],
        expires_at: float | None,
        running: Running,
    ) -> None:
        super().__init__(handler(requests, context), context, expires_at, running)
        self._attach(requests)


async def _each(requests: Iterable[RequestT]) -> AsyncGenerator[RequestT, None]:
    for request in requests:
        yield request


async def _close(messages: AsyncGenerator[ResponseT, None]) -> None:
    try:
        await messages.aclose()
    except Exception:
        _log.exception("a local servicer method failed while it was closed")
