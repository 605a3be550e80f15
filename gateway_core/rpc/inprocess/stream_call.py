"""A call in this process with many answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import TypeAlias

import grpc

from gateway_core.rpc.inprocess.call import LocalCall, Running
from gateway_core.rpc.inprocess.context import LocalContext, RequestT, ResponseT

_log = logging.getLogger(__name__)

StreamHandler: TypeAlias = Callable[[RequestT, LocalContext[RequestT, ResponseT]], AsyncGenerator[ResponseT, None]]


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
        """Where nobody reads yet, known once the first message, or the end, is here; that message is kept for the reader."""
        if self._begun:
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


async def _close(messages: AsyncGenerator[ResponseT, None]) -> None:
    try:
        await messages.aclose()
    except Exception:
        _log.exception("a local servicer method failed while it was closed")
