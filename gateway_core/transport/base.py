"""What carries an UpstreamRequest to a provider and its answer back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from gateway_core.deadline import Deadline
from gateway_dialects.kit.dialect import UpstreamRequest


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
    """Sends requests. Never retries."""

    async def send(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamResponse:
        """Returns once the head of the answer is here. Raises GatewayError: UPSTREAM_UNAVAILABLE when there is no
        connection, UPSTREAM_TIMEOUT when there is no answer in time, DEADLINE_EXCEEDED at the deadline. Cancelling closes
        the socket."""

    async def close(self) -> None: ...
