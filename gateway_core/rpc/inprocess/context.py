"""The servicer's side of a call in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Never, TypeAlias, TypeVar

import grpc

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Pairs: TypeAlias = tuple[tuple[str, str | bytes], ...]


class LocalContext(grpc.aio.ServicerContext[RequestT, ResponseT], Generic[RequestT, ResponseT]):
    """What a servicer may ask of the call and say about it, as grpc.aio has it. There is no peer and no compression."""

    __slots__ = (
        "_aborted",
        "_callbacks",
        "_code",
        "_details",
        "_expires_at",
        "_finished",
        "_heads",
        "_initial",
        "_received",
        "_trailing",
    )

    def __init__(self, received: Pairs, expires_at: float | None) -> None:
        """expires_at: on the monotonic clock."""
        self._received = received
        self._expires_at = expires_at
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._initial: Pairs | None = None
        self._heads: list[asyncio.Future[None]] | None = None
        self._trailing: Pairs = ()
        self._aborted: grpc.aio.AbortError | None = None
        self._finished = False
        self._callbacks: list[Callable[[LocalContext[RequestT, ResponseT]], None]] | None = None

    def invocation_metadata(self) -> Pairs:  # type: ignore[override]  # a tuple of pairs, as on a socket; the stub says Metadata
        return self._received

    def time_remaining(self) -> float | None:  # type: ignore[override]  # None without a deadline, as on a socket
        return None if self._expires_at is None else max(0.0, self._expires_at - time.monotonic())

    async def send_initial_metadata(self, initial_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]) -> None:
        self._check_running()
        if self._initial is not None:
            raise grpc.aio.UsageError("Send initial metadata failed: already sent")
        self.begin_answer(tuple(initial_metadata))

    def set_trailing_metadata(self, trailing_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]) -> None:
        self._trailing = tuple(trailing_metadata)

    async def abort(
        self,
        code: grpc.StatusCode,
        details: str = "",
        trailing_metadata: grpc.aio.Metadata | Sequence[tuple[str, str | bytes]] = (),
    ) -> Never:
        self._check_running()
        if code is grpc.StatusCode.OK:
            raise grpc.aio.UsageError("abort needs a code other than OK")
        self._code = code
        self._details = details or self._details
        self._trailing = tuple(trailing_metadata) or self._trailing
        self._aborted = grpc.aio.AbortError("Locally aborted.")
        raise self._aborted

    async def abort_with_status(self, status: grpc.Status) -> Never:
        await self.abort(status.code, status.details, tuple(status.trailing_metadata or ()))

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode | None:  # type: ignore[override]  # None until it is set, as on a socket
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> Pairs:  # type: ignore[override]  # a tuple of pairs, as on a socket
        return self._trailing

    def done(self) -> bool:
        return self._finished or self._aborted is not None

    def cancelled(self) -> bool:
        return self._code is grpc.StatusCode.CANCELLED

    def add_done_callback(self, callback: Callable[[LocalContext[RequestT, ResponseT]], None]) -> None:
        self._callbacks = [*(self._callbacks or ()), callback]

    def peer(self) -> str:
        return "local:"

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is compressed where nothing is sent."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed where nothing is sent."""

    async def read(self) -> RequestT:
        raise grpc.aio.UsageError("the one request of the call has been read")

    async def write(self, message: ResponseT) -> None:
        raise grpc.aio.UsageError("a local handler yields its messages")

    @property
    def aborted(self) -> bool:
        return self._aborted is not None

    def initial_metadata(self) -> Pairs:
        """What was sent, for the client's side."""
        return self._initial or ()

    async def answer_begun(self) -> None:
        """Returns once the initial metadata is sent, or the handler is through without."""
        if self._initial is None and not self._finished:
            waiter = asyncio.get_running_loop().create_future()
            self._heads = [*(self._heads or ()), waiter]
            await waiter

    def begin_answer(self, initial: Pairs = ()) -> None:
        """The answer's head goes out: by itself, or before the first message. Only the first one counts."""
        if self._initial is None:
            self._initial = initial
        for waiter in self._heads or ():
            if not waiter.done():
                waiter.set_result(None)
        self._heads = None

    def finish(self) -> None:
        """The handler is through: called once by the client's side."""
        self._finished = True
        if self._heads:
            self.begin_answer()
        for callback in self._callbacks or ():
            callback(self)

    def _check_running(self) -> None:
        if self._aborted is not None:
            raise self._aborted
        if self._finished:
            raise grpc.aio.UsageError("RPC already finished.")
