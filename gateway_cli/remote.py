"""A core elsewhere. Nothing of the core is imported for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_core.settings_file import SettingsError
from http_facade.connect import connect

if TYPE_CHECKING:
    import grpc

    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


@asynccontextmanager
async def remote_channel(address: str, ca: Path | None) -> AsyncIterator[tuple[grpc.aio.Channel, GatewayServiceAsyncStub]]:
    """ca: speak TLS and trust the authorities in this file. Raises SettingsError when it cannot be read."""
    channel, stub = connect(address, read_certificates(ca) if ca else None)
    try:
        yield channel, stub
    finally:
        await channel.close()


def read_certificates(ca: Path) -> bytes:
    try:
        return ca.read_bytes()
    except OSError as error:
        raise SettingsError(f"--core-ca {ca}: cannot be read: {error.strerror}.") from None
