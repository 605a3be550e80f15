"""The models that can be named: the configured routes, and each provider's own list, cached.

A provider's list is read once and served from the cache with stale-while-revalidate (RFC 5861): a fresh one as it is, a
stale one at once while it is read anew beside the call, an older one only where reading it fails.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse, Model
from dragoman.v1.routing_pb2 import Warning
from gateway_core.call import EVERYTHING, Clock, Deadline, KeyScope
from gateway_core.execution.attempt import Transports, Upstream, invoke
from gateway_core.execution.chain import explain
from gateway_core.models.describe import describe_route
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import ModelResolver, Resolver, Target
from gateway_dialects.kit.dialect import Endpoint

LIST_TIMEOUT_S = 10.0
"""How long one provider's list may take: a slow one must not hold up the others'."""
LARGEST_PAGE = 10_000
PAGE_TOKEN = re.compile("[0-9]{1,9}").fullmatch

Describe = Callable[[Model], None]
"""Adds what is known about a model beside its provider's list."""

_log = logging.getLogger("dragoman.models")


@dataclass(frozen=True, slots=True)
class Ages:
    """The cache's limits, in seconds."""

    fresh_s: float = 300.0
    """Until then a list is fresh."""
    stale_s: float = 3600.0
    """Until then a list is stale and served while it is read anew. An older one is served only when that fails."""
    failed_s: float = 30.0
    """How long after a failure the provider is not asked again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One provider's models, as far as they could be read."""

    models: Sequence[Model] = ()
    """In order of id. The caller copies, never changes them."""
    failure: str = ""
    """Why the list is old, or missing."""


@dataclass(slots=True)
class CachedList:
    """A cache entry: one provider's list and the outcome of its last reading. Times are on the clock."""

    models: Sequence[Model] | None = None
    read_at: float = 0.0
    failure: str = ""
    failed_at: float = 0.0
    reading: asyncio.Task[None] | None = None
    waiting: int = 0


class ProviderLists:
    """The cache of all providers' lists. At most one request is under way for each, however many calls want it."""

    def __init__(
        self,
        transports: Transports,
        *,
        describe: Describe = lambda model: None,
        ages: Ages = Ages(),
        clock: Clock = time.monotonic,
    ) -> None:
        self._transports = transports
        self._describe = describe
        self._ages = ages
        self._clock = clock
        self._cache: dict[str, CachedList] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def cached(self, endpoint: Endpoint) -> Listed | None:
        """What the cache can serve; None: the list must be read. A stale one is read anew beside the call."""
        entry = self._entry(endpoint)
        age = self._clock() - entry.read_at
        if entry.models is not None and age < self._ages.fresh_s:
            return Listed(entry.models)
        if entry.failure and self._clock() - entry.failed_at < self._ages.failed_s:
            return self._listed(entry)
        if entry.models is None or age >= self._ages.stale_s:
            return None
        self._revalidate(endpoint, entry)
        return self._listed(entry)

    async def read(self, endpoint: Endpoint, deadline: Deadline) -> Listed:
        """Never raises, and waits no longer than the deadline. The request is cancelled when nobody waits any more."""
        if (found := self.cached(endpoint)) is not None:
            return found
        entry = self._entry(endpoint)
        reading = self._revalidate(endpoint, entry)
        entry.waiting += 1
        try:
            await asyncio.wait({reading}, timeout=deadline.remaining())
        finally:
            entry.waiting -= 1
            if not reading.done() and not entry.waiting:
                reading.cancel()
                entry.reading = None
        if not reading.done():
            return self._listed(entry, f"{endpoint.provider} has not answered in time")
        return self._listed(entry, "the gateway is stopping" if reading.cancelled() else "")

    def known(self, endpoint: Endpoint, model_id: str) -> Model | None:
        """A model as it was listed, without a request."""
        return next((model for model in self._entry(endpoint).models or () if model.id == model_id), None)

    async def close(self) -> None:
        """Cancels the requests under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _entry(self, endpoint: Endpoint) -> CachedList:
        """A list read with BYOK credentials is for that client alone, and not cached."""
        if endpoint.byok:
            return CachedList()
        return self._cache.setdefault(endpoint.provider, CachedList())

    def _listed(self, entry: CachedList, failure: str = "") -> Listed:
        why = failure or entry.failure
        if why and entry.models is not None:
            why += f"; this is its list of {self._clock() - entry.read_at:.0f} s ago"
        return Listed(entry.models or (), why)

    def _revalidate(self, endpoint: Endpoint, entry: CachedList) -> asyncio.Task[None]:
        if entry.reading is None:
            entry.reading = asyncio.create_task(self._read(endpoint, entry))
            self._tasks.add(entry.reading)
            entry.reading.add_done_callback(self._tasks.discard)
        return entry.reading

    async def _read(self, endpoint: Endpoint, entry: CachedList) -> None:
        try:
            models = await self._fetch(endpoint)
            for model in models:
                self._describe(model)
            entry.models, entry.read_at, entry.failure = models, self._clock(), ""
        except GatewayError as failure:
            explain(failure, Target(endpoint, ""))
            entry.failure, entry.failed_at = failure_text(failure, endpoint), self._clock()
        except Exception:
            _log.exception("the models of %s cannot be listed", endpoint.provider)
            entry.failure, entry.failed_at = "the gateway failed to read its list; the log tells why", self._clock()
        finally:
            if entry.reading is asyncio.current_task():
                entry.reading = None

    async def _fetch(self, endpoint: Endpoint) -> Sequence[Model]:
        operation = DIALECTS[endpoint.dialect].list_models
        within = Deadline.after(LIST_TIMEOUT_S, self._clock)
        models, _ = await invoke(operation, None, Upstream(Target(endpoint, ""), self._transports, within))
        return sorted(models, key=lambda model: model.id)


def failure_text(failure: GatewayError, endpoint: Endpoint) -> str:
    if failure.reason is Reason.DEADLINE_EXCEEDED:
        return f"{endpoint.provider} did not list its models within {LIST_TIMEOUT_S:g} s"
    return failure.message


class ModelLists:
    """Pages of models: the routes first, then every provider's models in order of id."""

    def __init__(self, configured: ModelResolver, lists: ProviderLists, describe: Describe) -> None:
        self._configured = configured
        self._lists = lists
        self._describe = describe

    async def page(
        self, request: ListModelsRequest, deadline: Deadline, resolver: Resolver | None = None, scope: KeyScope = EVERYTHING
    ) -> ListModelsResponse:
        """resolver: the models that the call can name; all that are configured where it is not given. scope: of the
        caller's key; others are not listed. Raises GatewayError for an unknown provider, model or page token. A provider
        that fails becomes a warning."""
        resolver = resolver or self._configured
        response = ListModelsResponse()
        models: list[Model] = []
        wanted = resolver.listed_as(request.model)
        if not request.provider:
            models.extend(self._routes(resolver, wanted))
        for endpoint, listed in await self._read(wanted_endpoints(request.provider, wanted, resolver), deadline):
            models.extend(model for model in listed.models if scope.has_model(model.id))
            if listed.failure:
                response.warnings.add(field="provider", message=listed.failure, provider=endpoint.provider)
        if request.model:
            models = [only_model(wanted, models, response.warnings)]
        fill_page(response, models, request)
        return response

    async def close(self) -> None:
        await self._lists.close()

    async def _read(self, endpoints: Sequence[Endpoint], deadline: Deadline) -> Iterator[tuple[Endpoint, Listed]]:
        found: Mapping[str, Listed | None] = {one.provider: self._lists.cached(one) for one in endpoints}
        missing = [one for one in endpoints if found[one.provider] is None]
        waited = await asyncio.gather(*(self._lists.read(one, deadline) for one in missing)) if missing else []
        late = {one.provider: listed for one, listed in zip(missing, waited, strict=True)}
        return ((one, found[one.provider] or late[one.provider]) for one in endpoints)

    def _routes(self, resolver: Resolver, only: str) -> Iterator[Model]:
        for route in resolver.routes_as_models():
            if only in ("", route.id):
                describe_route(route, [self._target(name) for name in route.targets])
                yield route

    def _target(self, name: str) -> Model:
        """A route's target, as the cache has it."""
        provider = name.partition("/")[0]
        known = self._lists.known(self._configured.endpoint(provider), name)
        if known is None:
            known = Model(id=name, provider=provider)
            self._describe(known)
        return known


def wanted_endpoints(provider: str, model: str, resolver: Resolver) -> Sequence[Endpoint]:
    if provider:
        return [resolver.endpoint(provider)]
    if model in resolver.routes:
        return []
    if model and (owner := owner_of(model, resolver)):
        return [resolver.endpoint(owner)]
    return list(resolver.providers.values())


def owner_of(model: str, resolver: Resolver) -> str:
    """The provider that would be asked for a chat with this model; empty when none would."""
    try:
        return resolver.resolve(model).targets[0].endpoint.provider
    except GatewayError:
        return ""


def only_model(name: str, models: Sequence[Model], warnings: Sequence[Warning]) -> Model:
    for model in models:
        if model.id == name or model.id.partition("/")[2] == name:
            return model
    hint = "".join(f"; {warning.provider} could not be asked: {warning.message}" for warning in warnings)
    raise GatewayError(Reason.MODEL_NOT_FOUND, f"no model is named {name!r}{hint}", field="model")


def fill_page(response: ListModelsResponse, models: Sequence[Model], request: ListModelsRequest) -> None:
    """The page token is the position of the next model."""
    if request.page_token and not PAGE_TOKEN(request.page_token):
        raise invalid("page_token", "page_token is not one that ListModels gave: start again without it")
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise invalid("page_size", f"page_size must be 0 to {LARGEST_PAGE}, not {request.page_size}")
    begin = int(request.page_token or 0)
    end = begin + request.page_size if request.page_size else len(models)
    response.models.extend(models[begin:end])
    if end < len(models):
        response.next_page_token = str(end)
