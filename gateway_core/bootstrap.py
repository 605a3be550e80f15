"""The only wiring: settings, and whatever a test puts in place of the outside world, become a Gateway."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from math import inf

from gateway_core.accounts.settlement import Recorder, Settlement
from gateway_core.call import Clock
from gateway_core.execution.attempt import Transports, misfit
from gateway_core.execution.breaker import Breaker
from gateway_core.execution.chain import Chain, RetryPolicy, Sleep
from gateway_core.execution.model_lists import ModelLists, ProviderLists
from gateway_core.execution.signatures import SignatureMemory
from gateway_core.gateway import Gateway
from gateway_core.media.attachments import FetchLimits, MediaIntake
from gateway_core.models.describe import describe
from gateway_core.models.price_book import PriceBook, WallClock
from gateway_core.passthrough.proxy import Proxy
from gateway_core.routing.affinity import Affinity
from gateway_core.routing.contexts import Contexts
from gateway_core.routing.measurements import Measurements
from gateway_core.routing.ranking import Ranking
from gateway_core.routing.resolver import ModelResolver
from gateway_core.routing.selection import Selector
from gateway_core.settings.models import MediaSettings
from gateway_core.settings.providers import KNOWN
from gateway_core.settings.server import StorageSettings
from gateway_core.settings.settings import RetrySettings, Settings, Timeouts
from gateway_core.storage import Store
from gateway_core.storage.records import RecordService
from gateway_core.transport.base import Downloader, LazyDownloader, LazyTransport, Transport
from gateway_core.transport.demo import DemoTransport
from gateway_core.transport.guard import Guard
from gateway_dialects.kit.dialect import Endpoint


def build_gateway(
    settings: Settings,
    *,
    transports: Transports | None = None,
    downloader: Downloader | None = None,
    store: Store | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Clock = time.monotonic,
    wall_clock: WallClock = time.time,
) -> Gateway:
    """transports, downloader, store: in place of the configured ones. clock: by which lists of models and measurements grow
    old. wall_clock: by which prices change and records expire. Raises SettingsError for a route without targets and for a
    storage that cannot be used."""
    resolver = ModelResolver(settings)
    contexts = Contexts(resolver, settings)
    prices = PriceBook(price_urls(resolver.providers), settings.prices, clock=wall_clock)
    guard = Guard(settings.byok.private_urls)
    transports = transports or real_transports(resolver.providers.values(), settings.timeouts, guard)
    fetches = partial(http_downloader, settings.media, guard)
    limits = FetchLimits(bytes_each=settings.media.max_bytes)
    fill = partial(describe, book=prices)
    calls = store
    if store is None:
        store = sqlite_store(settings.storage, wall_clock)
        calls = store if settings.storage.path else None
    recorder, measured, affinity = Recorder(calls), Measurements(clock), Affinity(clock)
    return Gateway(
        resolver=resolver,
        contexts=contexts,
        chain=Chain(
            transports,
            policy_of(settings.retries),
            Breaker(settings.breaker, clock),
            sleep=sleep,
            first_content_s=settings.timeouts.first_content,
        ),
        media=MediaIntake(downloader or LazyDownloader(fetches), limits, vision=settings.media.vision),
        transports=transports,
        models=ModelLists(resolver, ProviderLists(transports, describe=fill, clock=clock), fill),
        settlement=Settlement(prices, recorder, measured, affinity),
        proxy=Proxy(transports, key_places(settings), enabled=settings.proxy),
        records=RecordService(store, settings.storage, clock=wall_clock),
        signatures=SignatureMemory(settings.storage.signature_hours, calls, clock=wall_clock),
        recorder=recorder,
        selector=Selector(Ranking(prices, measured, affinity), misfit),
        limits=settings.limits,
    )


def sqlite_store(storage: StorageSettings, clock: WallClock) -> Store:
    from gateway_core.storage.sqlite import SqliteStore

    return SqliteStore(storage.path, max_records=storage.max_records, max_bytes=storage.max_bytes, clock=clock)


def key_places(settings: Settings) -> Collection[str]:
    """Where else than in the usual places the clients of contexts put their gateway keys."""
    places = [context.auth for context in settings.contexts if context.auth]
    return {name.lower() for place in places for name in (place.header, place.query) if name}


def price_urls(providers: Mapping[str, Endpoint]) -> Mapping[str, Sequence[str]]:
    """Where each provider's prices are looked for: by its own URL, then by that of the vendor whose name it has. Clients may
    bring what is not configured."""
    known = {name: (vendor.url,) for name, vendor in KNOWN.items()}
    return {**known, **{name: (one.url, *known.get(name, ())) for name, one in providers.items()}}


def real_transports(endpoints: Iterable[Endpoint], timeouts: Timeouts, guard: Guard) -> Transports:
    """HTTP at once where a provider needs it, or else when a client does: a gateway that only demonstrates loads no HTTP
    client."""
    plain = partial(http_transport, timeouts)
    needed = any(endpoint.url.startswith("http") for endpoint in endpoints)
    http = plain() if needed else LazyTransport(plain)
    return Transports(DemoTransport(), http, LazyTransport(partial(plain, guard)))


def http_transport(timeouts: Timeouts, guard: Guard | None = None) -> Transport:
    from gateway_core.transport.http import HttpLimits, HttpTransport

    limits = HttpLimits(connect_s=timeouts.connect, idle_s=timeouts.idle or inf, answer_s=timeouts.headers or timeouts.total)
    return HttpTransport(f"dragoman/{version('dragoman')}", limits, guard=guard)


def http_downloader(media: MediaSettings, guard: Guard) -> Downloader:
    from gateway_core.transport.http_download import DownloadLimits, HttpDownloader

    return HttpDownloader(f"dragoman/{version('dragoman')}", guard, DownloadLimits(total_s=media.timeout))


def policy_of(retries: RetrySettings) -> RetryPolicy:
    return RetryPolicy(retries.attempts, retries.initial, retries.longest, retries.jitter, retries.content_filter)
