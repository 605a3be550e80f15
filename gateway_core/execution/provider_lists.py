"""What each provider's list endpoint says: asked once, kept, and asked again beside the calls that want to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.models_pb2 import Model
from gateway_core.deadline import Clock, Deadline
from gateway_core.execution.chain import explain
from gateway_core.execution.invoke import invoke
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.route import Target
from gateway_core.transport.base import Transport
from gateway_dialects.kit.dialect import Endpoint

LIST_TIMEOUT_S = 10.0
"""How long one provider's list may take: a slow one must not hold up the others'."""

Describe = Callable[[Model], None]
"""Adds what is known about a model beside what its provider's list says."""

_log = logging.getLogger("dragoman.models")


@dataclass(frozen=True, slots=True)
class Ages:
    """How old a list may be, in seconds."""

    fresh_s: float = 300.0
    """So long it is simply true."""
    usable_s: float = 3600.0
    """So long it is given at once while it is asked for anew. An older one is given only when that fails."""
    failed_s: float = 30.0
    """How long after a failure the provider is left alone."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What is known of one provider's models."""

    models: Sequence[Model] = ()
    """In order of id. The caller copies, never changes them."""
    failure: str = ""
    """Why the list is old, or not there."""


@dataclass(slots=True)
class Shelf:
    """One provider's list and what happened when it was last asked for. Times are on the clock."""

    models: Sequence[Model] | None = None
    read_at: float = 0.0
    failure: str = ""
    failed_at: float = 0.0
    asking: asyncio.Task[None] | None = None
    waiting: int = 0


class ProviderLists:
    """At most one request is under way for each provider, however many calls want its list."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        *,
        describe: Describe = lambda model: None,
        ages: Ages = Ages(),
        clock: Clock = time.monotonic,
    ) -> None:
        self._transports = transports
        self._describe = describe
        self._ages = ages
        self._clock = clock
        self._shelves: dict[str, Shelf] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def at_hand(self, endpoint: Endpoint) -> Listed | None:
        """What can be given at once; None: it must be waited for. An old list is asked for anew beside the call."""
        shelf = self._shelf(endpoint)
        age = self._clock() - shelf.read_at
        if shelf.models is not None and age < self._ages.fresh_s:
            return Listed(shelf.models)
        if shelf.failure and self._clock() - shelf.failed_at < self._ages.failed_s:
            return self._listed(shelf)
        if shelf.models is None or age >= self._ages.usable_s:
            return None
        self._ask(endpoint, shelf)
        return self._listed(shelf)

    async def read(self, endpoint: Endpoint, deadline: Deadline) -> Listed:
        """Never raises, and waits no longer than the deadline. When nobody waits any more, the provider is let go."""
        if (found := self.at_hand(endpoint)) is not None:
            return found
        shelf = self._shelf(endpoint)
        asking = self._ask(endpoint, shelf)
        shelf.waiting += 1
        try:
            await asyncio.wait({asking}, timeout=deadline.remaining())
        finally:
            shelf.waiting -= 1
            if not asking.done() and not shelf.waiting:
                asking.cancel()
                shelf.asking = None
        if not asking.done():
            return self._listed(shelf, f"{endpoint.provider} has not answered in time")
        return self._listed(shelf, "the gateway is stopping" if asking.cancelled() else "")

    def known(self, endpoint: Endpoint, model_id: str) -> Model | None:
        """A model as it was listed, without asking anybody."""
        return next((model for model in self._shelf(endpoint).models or () if model.id == model_id), None)

    async def close(self) -> None:
        """Ends what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _shelf(self, endpoint: Endpoint) -> Shelf:
        """What is listed for a client's own key or at its own URL is for this client alone, and not kept."""
        if endpoint.brought:
            return Shelf()
        return self._shelves.setdefault(endpoint.provider, Shelf())

    def _listed(self, shelf: Shelf, failure: str = "") -> Listed:
        why = failure or shelf.failure
        if why and shelf.models is not None:
            why += f"; this is its list of {self._clock() - shelf.read_at:.0f} s ago"
        return Listed(shelf.models or (), why)

    def _ask(self, endpoint: Endpoint, shelf: Shelf) -> asyncio.Task[None]:
        if shelf.asking is None:
            shelf.asking = asyncio.create_task(self._fill(endpoint, shelf))
            self._tasks.add(shelf.asking)
            shelf.asking.add_done_callback(self._tasks.discard)
        return shelf.asking

    async def _fill(self, endpoint: Endpoint, shelf: Shelf) -> None:
        try:
            models = await self._fetch(endpoint)
            for model in models:
                self._describe(model)
            shelf.models, shelf.read_at, shelf.failure = models, self._clock(), ""
        except GatewayError as failure:
            explain(failure, Target(endpoint, ""))
            shelf.failure, shelf.failed_at = told(failure, endpoint), self._clock()
        except Exception:
            _log.exception("the models of %s cannot be listed", endpoint.provider)
            shelf.failure, shelf.failed_at = "the gateway failed to read its list; the log tells why", self._clock()
        finally:
            if shelf.asking is asyncio.current_task():
                shelf.asking = None

    async def _fetch(self, endpoint: Endpoint) -> Sequence[Model]:
        operation = DIALECTS[endpoint.dialect].list_models
        within = Deadline.after(LIST_TIMEOUT_S, self._clock)
        models, _ = await invoke(operation, None, Target(endpoint, ""), within, self._transports)
        return sorted(models, key=lambda model: model.id)


def told(failure: GatewayError, endpoint: Endpoint) -> str:
    if failure.reason is Reason.DEADLINE_EXCEEDED:
        return f"{endpoint.provider} did not list its models within {LIST_TIMEOUT_S:g} s"
    return failure.message
