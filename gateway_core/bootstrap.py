"""The only wiring: settings, and whatever a test puts in place of the outside world, become a Gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from importlib.metadata import version

from gateway_core.gateway import Gateway
from gateway_core.routing.catalog import Catalog
from gateway_core.routing.chain import Chain, Sleep
from gateway_core.routing.retry import RetryPolicy
from gateway_core.settings import RetrySettings, Settings, Timeouts
from gateway_core.transport.base import Transport
from gateway_core.transport.demo import DemoTransport


def build_gateway(
    settings: Settings, *, transports: Mapping[str, Transport] | None = None, sleep: Sleep = asyncio.sleep
) -> Gateway:
    """transports: by URL scheme, in place of the real ones. Raises SettingsError for a route that leads nowhere."""
    catalog = Catalog(settings)
    if transports is None:
        schemes = {endpoint.url.partition(":")[0] for endpoint in catalog.providers.values()}
        transports = real_transports(schemes, settings.timeouts)
    chain = Chain(transports, policy_of(settings.retries), sleep=sleep)
    return Gateway(catalog, chain, transports)


def real_transports(schemes: Iterable[str], timeouts: Timeouts) -> Mapping[str, Transport]:
    """What the configured providers need, and no more: a gateway that only demonstrates loads no HTTP client."""
    found: dict[str, Transport] = {"demo": DemoTransport()}
    if {"http", "https"} & set(schemes):
        from gateway_core.transport.http import AiohttpTransport, HttpLimits

        limits = HttpLimits(connect_s=timeouts.connect, idle_s=timeouts.idle, answer_s=timeouts.total)
        found["http"] = found["https"] = AiohttpTransport(f"dragoman/{version('dragoman')}", limits)
    return found


def policy_of(retries: RetrySettings) -> RetryPolicy:
    return RetryPolicy(retries.attempts, retries.initial, retries.longest, retries.jitter)
