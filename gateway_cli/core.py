"""The core that a command works with: in this process, or elsewhere over a socket. For one elsewhere nothing of the core is
imported."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_core.settings.file import SettingsError
from gateway_core.settings.settings import Settings, from_environment, plain_or_variable
from http_facade.connect import Credentials, connect

if TYPE_CHECKING:
    import grpc

    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub
    from gateway_core.rpc.servicer import GatewayServicer

PROBE_TIMEOUT_S = 2.0
START_TIMEOUT_S = 10.0
"""How long a facade waits for a core that is started beside it."""


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


@dataclass(frozen=True, slots=True)
class LocalCore:
    servicer: GatewayServicer
    stub: GatewayServiceAsyncStub
    """On an in-process channel to the servicer."""


@asynccontextmanager
async def local_core(settings: Settings) -> AsyncIterator[LocalCore]:
    """Raises SettingsError for a route that leads nowhere."""
    from dragoman.in_flight import InFlight
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
    from gateway_core.accounts.keys import KeyRing
    from gateway_core.bootstrap import build_gateway
    from gateway_core.rpc.inprocess import local_channel
    from gateway_core.rpc.servicer import GatewayServicer

    gateway = build_gateway(settings)
    try:
        authenticate = KeyRing(settings.keys).authenticate
        places = {context.name: context.auth for context in settings.contexts if context.auth}
        server = settings.server
        in_flight = InFlight(server.max_calls, server.max_calls_per_key, "key")
        total_s = settings.timeouts.total
        servicer = GatewayServicer(gateway, authenticate, total_timeout_s=total_s, key_places=places, in_flight=in_flight)
        channel = local_channel(servicer)
        try:
            yield LocalCore(servicer, GatewayServiceStub(channel))
        finally:
            await channel.close()
    finally:
        await gateway.close()


@dataclass(frozen=True, slots=True)
class Reach:
    """How the client commands reach a core."""

    config: Path | None = None
    core: str | None = None
    """The address of a core; None: a gateway in this process, made from the configuration."""
    core_tls: CoreTls = NO_TLS
    key: str = ""
    """The gateway key, or env:NAME."""

    def settings(self) -> Settings:
        return from_environment(self.config, core=self.core is None)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of every call."""
        key = plain_or_variable(self.key, "--key")
        return (("authorization", f"Bearer {key}"),) if key else ()

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[GatewayServiceAsyncStub]:
        """Raises SettingsError when the configuration cannot be used."""
        if self.core is None:
            # The operator's own terminal needs no gateway key.
            settings = dataclasses.replace(self.settings(), keys=())
            async with local_core(settings) as core:
                yield core.stub
        else:
            async with remote_channel(self.core, self.core_tls) as (_, stub):
                yield stub


def health(core: str, tls: CoreTls) -> int:
    """0 when the core serves."""
    serving = asyncio.run(_health(core, tls))
    print("serving" if serving else "not serving")
    return 0 if serving else 1


async def _health(core: str, tls: CoreTls) -> bool:
    async with remote_channel(core, tls) as (channel, _):
        return await is_serving(channel)


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """Whether the core says that it serves (https://grpc.io/docs/guides/health-checking/)."""
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    stub = HealthStub(channel)  # type: ignore[no-untyped-call]
    try:
        answer = await stub.Check(HealthCheckRequest(), timeout=PROBE_TIMEOUT_S)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == HealthCheckResponse.SERVING)


async def refuse_open_core(stub: GatewayServiceAsyncStub, settings: Settings, core: str) -> None:
    """Raises SettingsError when a facade that other machines reach would lead to a core that asks nobody for a key."""
    import grpc

    from dragoman.v1.models_pb2 import ListModelsRequest

    try:
        await stub.ListModels(ListModelsRequest(provider="demo", page_size=1), timeout=START_TIMEOUT_S, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return
        raise SettingsError(
            f"--core {core} does not answer ({error.code().name}: {error.details()}), so it is not known whether it asks for"
            " keys, as it must before other machines are let in. Start it first."
        ) from None
    settings.check_exposure(grpc=False)
