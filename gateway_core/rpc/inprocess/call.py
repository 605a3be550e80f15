"""The client's side of a call in this process: awaitable or iterable as grpc.aio's calls are, without a task or a queue.

The handler runs in whichever task awaits the call or reads from it, from its first await or read on. So cancelling that
task cancels the handler, at any point, before the first message too; and a call that nobody awaits never starts.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
import weakref
from abc import abstractmethod
from collections.abc import Callable, Generator, MutableSet
from dataclasses import dataclass
from typing import Generic

import grpc

from gateway_core.rpc.inprocess.servicing import LocalContext, RequestT, ResponseT, UnaryHandler

_log = logging.getLogger(__name__)


class Interruption(enum.Enum):
    """Why the client's side ended a call before its handler did."""

    CANCELLED = (grpc.StatusCode.CANCELLED, "Locally cancelled by application!")
    DEADLINE = (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


@dataclass(frozen=True, slots=True)
class Running:
    """The calls of a channel that have begun and not ended, so that closing the channel can end them."""

    closed: asyncio.Event
    """Set once the channel is closed. A call that was made before and not begun is then cancelled."""
    unary: MutableSet[grpc.aio.Call]
    streams: MutableSet[grpc.aio.Call]
    """Holds them weakly: a stream that its reader forgets is collected, and its handler closed."""
    closing: set[asyncio.Task[None]]
    """Tasks that close the generators of streams that were cancelled between two reads."""


class LocalCall(Generic[RequestT, ResponseT], grpc.aio.Call):
    """What unary and streamed calls share: the status, cancel and deadline, and the task that runs the handler."""

    def __init__(self, context: LocalContext[RequestT, ResponseT], expires_at: float | None) -> None:
        """expires_at: on the monotonic clock."""
        self._context = context
        self._expires_at = expires_at
        self._done = False
        self._code = grpc.StatusCode.OK
        self._details = ""
        self._outcome: BaseException | None = None
        self._interruption: Interruption | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._timer: asyncio.TimerHandle | None = None
        self._callbacks: list[Callable[[LocalCall[RequestT, ResponseT]], None]] | None = None

    def cancel(self) -> bool:
        """Ends the call; its handler sees CancelledError where it awaits, or GeneratorExit at its yield."""
        if self._done:
            return False
        self.interrupt(Interruption.CANCELLED)
        return True

    def cancelled(self) -> bool:
        return self._code is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._done

    def time_remaining(self) -> float | None:
        return None if self._expires_at is None else max(0.0, self._expires_at - time.monotonic())

    def add_done_callback(self, callback: Callable[[LocalCall[RequestT, ResponseT]], None]) -> None:
        if self._done:
            callback(self)
        else:
            self._callbacks = [*(self._callbacks or ()), callback]

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        await self._settled()
        return grpc.aio.Metadata(*self._context.trailing_metadata())

    async def code(self) -> grpc.StatusCode:
        await self._settled()
        return self._code

    async def details(self) -> str:
        await self._settled()
        return self._details

    async def wait_for_connection(self) -> None:
        """There is none to wait for."""

    @abstractmethod
    async def _settled(self) -> None:
        """Returns when the status is known. Raises only when the task that waits is cancelled."""

    @abstractmethod
    def _end_idle(self) -> None:
        """The call was interrupted while its handler was not running."""

    def _start_timer(self) -> None:
        """A call whose deadline has passed is interrupted at once, and its handler never runs."""
        remaining = self.time_remaining()
        if remaining is None:
            return
        if remaining <= 0:
            self.interrupt(Interruption.DEADLINE)
        else:
            self._timer = asyncio.get_running_loop().call_later(remaining, _expire, weakref.ref(self))

    def _enter(self) -> None:
        self._task = task = asyncio.current_task()
        if task is not None:
            self._cancelling = task.cancelling()

    def interrupt(self, why: Interruption) -> None:
        if self._interruption is not None:
            return
        self._interruption = why
        if self._task is not None:
            self._task.cancel()
        else:
            self._end_idle()

    def _conclude(self, error: BaseException | None) -> BaseException | None:
        """Settles the status from how the handler ended, and gives what the caller must see raised. None: OK."""
        outcome = self._outcome = self._judge(error)
        self._task = None
        self._done = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._context.finish()
        if self._callbacks:
            for callback in self._callbacks:
                callback(self)
        return outcome

    def _judge(self, error: BaseException | None) -> BaseException | None:
        if self._interruption is not None and self._was_ours():
            return self._interrupted(self._interruption)
        context = self._context
        if error is None or context.aborted:
            code = context.code()
            return None if code in (None, grpc.StatusCode.OK) else self._failed(code, context.details())
        if isinstance(error, asyncio.CancelledError):
            return self._handler_cancelled(error)
        if not isinstance(error, Exception):
            return error
        _log.error("Unexpected %s raised by a local servicer method", type(error).__name__, exc_info=error)
        code = context.code()
        unexpected = grpc.StatusCode.UNKNOWN if code in (None, grpc.StatusCode.OK) else code
        return self._failed(unexpected, f"Unexpected {type(error)}: {error}")

    def _was_ours(self) -> bool:
        """Takes back the cancellation that interrupted the task. False: somebody else cancelled the task as well."""
        return self._task is None or self._task.uncancel() <= self._cancelling

    def _interrupted(self, why: Interruption) -> BaseException:
        code, details = why.value
        error = self._failed(code, details)
        return asyncio.CancelledError() if why is Interruption.CANCELLED else error

    def _handler_cancelled(self, error: asyncio.CancelledError) -> BaseException:
        """The caller's own cancellation goes on; one that arose inside the handler is a status."""
        failed = self._failed(grpc.StatusCode.CANCELLED, "the call was cancelled")
        ours = self._task is not None and self._task.cancelling() > self._cancelling
        return error if ours else failed

    def _failed(self, code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
        self._code = code
        self._details = details
        context = self._context
        return grpc.aio.AioRpcError(
            code,
            grpc.aio.Metadata(*context.initial_metadata()),
            grpc.aio.Metadata(*context.trailing_metadata()),
            details,
            "",
        )


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
        return self._response  # type: ignore[return-value]  # it ended without a failure

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


def _expire(call: weakref.ref[LocalCall[RequestT, ResponseT]]) -> None:
    expired = call()
    if expired is not None:
        expired.interrupt(Interruption.DEADLINE)
