"""Getting what is behind a URL that a client gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway_core.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Download:
    """What was behind a URL."""

    data: bytes
    mime_type: str = ""
    """As the server said, in lower case and without parameters. Often wrong. Empty when it said nothing."""


class Undeliverable(Exception):
    """A URL whose content cannot be had. The message is for whoever gave the URL: it names the host, and nothing of what is
    behind the gateway."""


class Downloader(Protocol):
    """Gets URLs that clients give, and trusts none of them."""

    async def download(self, url: str, most_bytes: int, deadline: Deadline) -> Download:
        """Raises Undeliverable, and GatewayError DEADLINE_EXCEEDED at the deadline. Cancelling closes the socket."""

    async def close(self) -> None: ...
