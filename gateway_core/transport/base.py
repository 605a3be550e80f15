"""Transports carry an UpstreamRequest to a provider and its answer back; downloaders get what clients name by URL."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_dialects.kit.dialect import Timers, UpstreamRequest


class UpstreamResponse(Protocol):
    """An answer whose head has arrived. The caller closes it, always."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names are lower case."""

    @property
    def header_fields(self) -> Sequence[tuple[str, str]]:
        """All headers in the order in which they came, names in lower case, each character of a value one byte."""

    async def read(self) -> bytes:
        """The whole body. Raises GatewayError as chunks() does."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, one item a read. Raises GatewayError: UPSTREAM_TIMEOUT when nothing arrives for the idle
        time, STREAM_INTERRUPTED when the connection breaks before the body's end, DEADLINE_EXCEEDED at the deadline."""

    async def close(self) -> None:
        """Let go of the connection; a body that was not read to its end is cut off at once. May be called twice."""


class Transport(Protocol):
    """Sends requests. Retries nothing that may have reached a provider over a working connection."""

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> UpstreamResponse:
        """Returns once the head of the answer is here. timers: None for the transport's own. Raises GatewayError:
        UPSTREAM_UNAVAILABLE when there is no connection, UPSTREAM_TIMEOUT when there is no answer in time, DEADLINE_EXCEEDED
        at the deadline. Cancelling closes the socket."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Download:
    """What was behind a URL."""

    data: bytes
    mime_type: str = ""
    """The server's content-type, in lower case and without parameters. Often wrong. Empty without one."""


class Undeliverable(Exception):
    """A URL whose content cannot be had. The message is for whoever gave the URL: it names the host, and nothing of what is
    behind the gateway."""


class Downloader(Protocol):
    """Gets URLs that clients give, and trusts none of them."""

    async def download(self, url: str, max_bytes: int, deadline: Deadline) -> Download:
        """Raises Undeliverable, and GatewayError DEADLINE_EXCEEDED at the deadline. Cancelling closes the socket."""

    async def close(self) -> None: ...


class Closable(Protocol):
    async def close(self) -> None: ...


MadeT = TypeVar("MadeT", bound=Closable)


class Lazy(Generic[MadeT]):
    """What is made when it is first needed."""

    def __init__(self, make: Callable[[], MadeT]) -> None:
        self._make = make
        self._made: MadeT | None = None
        self._closed = False

    def get(self) -> MadeT:
        """Raises GatewayError SHUTTING_DOWN where it would be made after close()."""
        if self._made is None:
            if self._closed:
                raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
            self._made = self._make()
        return self._made

    async def close(self) -> None:
        self._closed = True
        if self._made is not None:
            await self._made.close()


class LazyTransport(Lazy[Transport]):
    """See Transport."""

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> UpstreamResponse:
        return await self.get().send(request, deadline, timers)


class LazyDownloader(Lazy[Downloader]):
    """See Downloader."""

    async def download(self, url: str, max_bytes: int, deadline: Deadline) -> Download:
        return await self.get().download(url, max_bytes, deadline)
