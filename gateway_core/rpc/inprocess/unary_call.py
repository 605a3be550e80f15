"""A call in this process with one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import TypeAlias, cast

import grpc

from gateway_core.rpc.inprocess.call import Interruption, LocalCall, Running
from gateway_core.rpc.inprocess.context import LocalContext, RequestT, ResponseT

UnaryHandler: TypeAlias = Callable[[RequestT, LocalContext[RequestT, ResponseT]], Awaitable[ResponseT]]


class LocalUnaryCall(LocalCall[RequestT, ResponseT], grpc.aio.UnaryUnaryCall[RequestT, ResponseT]):
    """One request, one answer."""

    def __init__(
        self,
        handler: UnaryHandler[RequestT, ResponseT],
        request: RequestT,
        context: LocalContext[RequestT, ResponseT],
        expires_at: float | None,
        running: Running,
    ) -> None:
        super().__init__(context, expires_at)
        self._handler = handler
        self._request = request
        self._running = running
        self._response: ResponseT | None = None
        self._begun = False
        self._waiters: list[asyncio.Future[None]] = []

    def __await__(self) -> Generator[None, None, ResponseT]:
        return (self._join() if self._begun else self._run()).__await__()

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Known with the answer, as on a socket."""
        await self._settled()
        return grpc.aio.Metadata(*self._context.initial_metadata())

    async def _run(self) -> ResponseT:
        self._begun = True
        if self._running.closed.is_set():
            self.cancel()
        elif self._expires_at is not None:
            self._start_timer()
        if self._done:
            return self._result()
        self._enter()
        self._running.unary.add(self)
        try:
            self._response = await self._handler(self._request, self._context)
        except BaseException as error:
            self._conclude(error)
        else:
            self._conclude(None)
        finally:
            self._running.unary.discard(self)
            for waiter in self._waiters:
                waiter.set_result(None)
        return self._result()

    async def _join(self) -> ResponseT:
        """For whoever awaits the call while another task runs it, or after it ended."""
        if not self._done:
            try:
                await self._ended()
            except asyncio.CancelledError:
                self.cancel()
                raise
        return self._result()

    async def _ended(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await asyncio.shield(waiter)

    def _result(self) -> ResponseT:
        if self._outcome is not None:
            raise self._outcome
        return cast("ResponseT", self._response)

    def _end_idle(self) -> None:
        self._begun = True
        self._conclude(None)

    async def _settled(self) -> None:
        if self._done:
            return
        if self._begun:
            await self._ended()
            return
        try:
            await self._run()
        except grpc.RpcError:
            return
        except asyncio.CancelledError:
            if self._interruption is not Interruption.CANCELLED:
                raise
