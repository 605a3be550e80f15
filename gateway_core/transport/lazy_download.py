"""A downloader that is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.reasons import GatewayError, Reason
from gateway_core.deadline import Deadline
from gateway_core.transport.download import Download, Downloader


class LazyDownloader:
    """See Downloader."""

    def __init__(self, make: Callable[[], Downloader]) -> None:
        self._make = make
        self._made: Downloader | None = None
        self._closed = False

    async def download(self, url: str, most_bytes: int, deadline: Deadline) -> Download:
        """See Downloader.download."""
        if self._made is None:
            if self._closed:
                raise GatewayError(Reason.SHUTTING_DOWN, "the gateway is stopping")
            self._made = self._make()
        return await self._made.download(url, most_bytes, deadline)

    async def close(self) -> None:
        """See Downloader.close."""
        self._closed = True
        if self._made is not None:
            await self._made.close()
