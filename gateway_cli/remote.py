"""A core elsewhere. Nothing of the core is imported for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_core.settings.file import SettingsError
from http_facade.connect import Credentials, connect

if TYPE_CHECKING:
    import grpc

    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


@dataclass(frozen=True, slots=True)
class CoreTls:
    """How to speak TLS to a core. PEM files."""

    ca: Path | None = None
    """Whom to trust. None: TLS is not spoken."""
    certificate: Path | None = None
    """Shown to a core that lets in only clients of an authority (mutual TLS)."""
    private_key: Path | None = None

    def read(self) -> Credentials | None:
        """None: TLS is not spoken. Raises SettingsError for files that are missing or cannot be read."""
        if (self.certificate is None) != (self.private_key is None):
            raise SettingsError("--core-cert and --core-cert-key belong together: give both, or neither.")
        if self.ca is None:
            if self.certificate is not None:
                raise SettingsError("--core-cert needs --core-ca: the authority that the core's own certificate is from.")
            return None
        return Credentials(
            read_file("--core-ca", self.ca),
            read_file("--core-cert-key", self.private_key) if self.private_key else None,
            read_file("--core-cert", self.certificate) if self.certificate else None,
        )


NO_TLS = CoreTls()


@asynccontextmanager
async def remote_channel(
    address: str, tls: CoreTls = NO_TLS
) -> AsyncIterator[tuple[grpc.aio.Channel, GatewayServiceAsyncStub]]:
    """Raises SettingsError for TLS files that cannot be used."""
    channel, stub = connect(address, tls.read())
    try:
        yield channel, stub
    finally:
        await channel.close()


def read_file(flag: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{flag} {file}: cannot be read: {error.strerror}.") from None
