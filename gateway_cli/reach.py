"""How the client commands reach a gateway: one that runs elsewhere, or one of their own in this process."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_core.settings.settings import Settings, from_environment, plain_or_variable

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub
    from gateway_cli.remote import CoreTls


@dataclass(frozen=True, slots=True)
class Reach:
    config: Path | None = None
    core: str | None = None
    """The address of a core; None: a gateway in this process, made from the configuration."""
    core_tls: CoreTls | None = None
    key: str = ""
    """The gateway key, or env:NAME."""

    def settings(self) -> Settings:
        return from_environment(self.config, core=self.core is None)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        key = plain_or_variable(self.key, "--key")
        return (("authorization", f"Bearer {key}"),) if key else ()

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[GatewayServiceAsyncStub]:
        """Raises SettingsError when the configuration cannot be used."""
        if self.core is None:
            # The operator's own terminal needs no gateway key.
            settings = dataclasses.replace(self.settings(), keys=())
            from gateway_cli.assembly import local_core

            async with local_core(settings) as core:
                yield core.stub
        else:
            from gateway_cli.remote import NO_TLS, remote_channel

            async with remote_channel(self.core, self.core_tls or NO_TLS) as (_, stub):
                yield stub
