"""Settlement: what each call consumed and costs, its end, once, and its record.

Records of ended calls can be read at once. Without a store the last ones stay in memory as they are; with one they are
written together, off the path of any call. An answer never waits for its record and never fails for it; records that are
lost are counted in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from itertools import islice

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.proxy_pb2 import ProxyEnd
from dragoman.v1.stream_pb2 import Finished, StreamResponse
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA, Usage
from gateway_core.call import NO_RAW_USAGE, Call
from gateway_core.execution.attempt import copy_counts
from gateway_core.execution.usage import sum_of
from gateway_core.models.price_book import PriceBook, Quote, speed
from gateway_core.routing.affinity import Affinity
from gateway_core.routing.measurements import Measurements
from gateway_core.storage import CallStore
from gateway_dialects.kit.estimate import BYTES_PER_TOKEN, estimate_input_tokens

EVENT_OVERHEAD = 6
"""What a delta takes on the wire beside its text, in bytes: three tags with their lengths."""
RECORDED = frozenset({"Chat", "Stream", "CountTokens", "Proxy", "ProxyStream"})
"""The operations whose calls are recorded: those that send a caller's request to a provider."""

LONGEST_ID = 64
MOST_CALLS = 10_000
"""Calls in memory."""
MOST_AT_ONCE = 500
"""Records in one write."""
WRITE_AFTER_S = 0.1
LOG_EVERY_S = 60.0

_log = logging.getLogger("dragoman.calls")


class Settlement:
    """Prices usage as it becomes known, and ends calls."""

    def __init__(self, prices: PriceBook, recorder: Recorder, measured: Measurements, affinity: Affinity) -> None:
        self._prices = prices
        self._recorder = recorder
        self._measured = measured
        self._affinity = affinity

    def answered(self, call: Call, answer: ChatResponse) -> None:
        """A whole answer: puts its cost and its route into it."""
        call.response_id, call.answered_by, call.service_tier = answer.id, answer.model, answer.service_tier
        candidates = answer.candidates
        if candidates:
            first = candidates[0]
            call.finish_reason, call.raw_finish_reason = first.finish_reason, first.raw_finish_reason
        if answer.HasField("usage"):
            self._take(call, answer.usage)
        else:
            call.output_size = sum(candidate.ByteSize() for candidate in candidates)
        call.trace = call.route.SerializeToString()
        answer.route.MergeFromString(call.trace)

    def streamed(self, call: Call, batch: StreamResponse) -> None:
        """A batch of a stream, before it is passed on. The last one gets the cost and the route, and ends the call."""
        events = batch.events
        if not call.streamed:
            call.streamed = True
            started = events[0].started
            call.response_id, call.answered_by, call.service_tier = started.id, started.model, started.service_tier
            call.output_size = -started.ByteSize()
        last = events[-1]
        if last.HasField("finished"):
            self._finish(call, last.finished, batch)
        else:
            call.output_size += batch.ByteSize() - EVENT_OVERHEAD * len(events)

    def proxied(self, call: Call, end: ProxyEnd) -> None:
        """The end of a proxied answer: puts the cost into it, and ends the call."""
        call.route.model, call.service_tier = end.model, end.service_tier
        self._take(call, end.usage)
        self.settle(call)

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        """End the call. Does nothing for one that has ended. reason: why it failed; None: it was answered."""
        if call.ended is not None:
            return
        call.ended = call.deadline.clock()
        attempts = call.route.attempts
        if reason is not None:
            call.reason, call.trace = reason.value, b""
            if attempts and not attempts[-1].reason:
                attempts[-1].reason = reason.value
        if call.usage is None and call.request is not None and (call.output_size or call.streamed):
            self._estimate(call, call.request)
        if call.usage is None or len(attempts) > 1:
            self._add_attempts(call)
            call.trace = b""
        if call.conversation:
            self._affinity.settled(call)
        if self._measured.watching:
            self._measured.observe(call)
        call.request = None
        if call.caller.name and call.operation in RECORDED:
            self._recorder.add(call)

    def _finish(self, call: Call, finished: Finished, batch: StreamResponse) -> None:
        call.service_tier = finished.service_tier or call.service_tier
        if finished.candidates:
            first = finished.candidates[0]
            call.finish_reason, call.raw_finish_reason = first.finish_reason, first.raw_finish_reason
        if finished.HasField("usage"):
            self._take(call, finished.usage)
        else:
            call.output_size += batch.ByteSize()
        finished.route.CopyFrom(call.route)
        self.settle(call)

    def _take(self, call: Call, usage: Usage) -> None:
        """The answer's usage: priced by the model that was asked, or else by the one that the provider reports. Its counts
        and its cost become the last attempt's."""
        route = call.route
        charge_usage(usage, self._quote(route.provider, route.model, call.answered_by), call.service_tier)
        call.usage = route.attempts[-1].usage
        call.raw_usage = (usage.raw_json, usage.raw_dialect)
        copy_counts(usage, call.usage)

    def _estimate(self, call: Call, request: ChatRequest) -> None:
        """Usage that was not reported, or not to its end: what was reported, and the rest from the sizes of input and
        output."""
        call.trace = b""
        usage = call.route.attempts[-1].usage
        if not usage.input_tokens:
            usage.input_tokens = estimate_input_tokens(request)
            usage.estimated = True
        if usage.output_tokens < (output := -(-call.output_size // BYTES_PER_TOKEN)):
            usage.output_tokens = output
            usage.estimated = True
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        charge_usage(usage, self._quote(call.route.provider, call.route.model, call.answered_by), call.service_tier)
        call.usage = usage

    def _add_attempts(self, call: Call) -> None:
        """Price what failed attempts consumed, and add it to the call's usage."""
        used = [attempt for attempt in call.route.attempts if attempt.HasField("usage")]
        for attempt in used:
            if not attempt.usage.HasField("cost"):
                charge_usage(attempt.usage, self._quote(attempt.provider, attempt.model, ""), call.service_tier)
        if len(used) > 1 or (used and call.usage is None):
            call.usage, call.raw_usage = sum_of([attempt.usage for attempt in used]), NO_RAW_USAGE

    def _quote(self, provider: str, model: str, answered_by: str) -> Quote:
        """By the model that was asked, or else by the one that answered: a deployment may have any name."""
        quote = self._prices.quote(provider, model)
        return quote if quote.charge or not answered_by else self._prices.quote(provider, answered_by)


def charge_usage(usage: Usage, quote: Quote, tier: str) -> None:
    """Put the cost into the usage. None where it is unknown: a missing price is not a price of nothing."""
    charge = quote.charge
    if charge is None or usage.HasField("cost"):
        return
    if quote.tiers:
        named = tier or ((found := speed(usage)) and f"speed:{found}")
        charge = quote.tiers.get(named) or charge
    total = charge.amount(usage)
    if not total and not (usage.input_tokens or usage.output_tokens):
        return
    cost = usage.cost
    cost.total_usd, cost.source = total, COST_SOURCE_PRICE_DATA


class Recorder:
    """Belongs to the event loop of its first call."""

    def __init__(
        self, store: CallStore | None = None, *, write_after_s: float = WRITE_AFTER_S, most_calls: int = MOST_CALLS
    ) -> None:
        """store: None keeps the last calls in memory. most_calls: that are in memory."""
        self._store = store
        self._write_after_s = write_after_s
        self._most_calls = most_calls
        self._calls: OrderedDict[str, Call] = OrderedDict()
        """The oldest first; with a store those that are not written yet."""
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._lost = 0
        self._logged_at = float("-inf")

    def add(self, call: Call) -> None:
        """An ended call: nothing changes it any more."""
        calls = self._calls
        if self._store is None:
            call.compact()
            calls[call.id] = call
            if len(calls) > self._most_calls:
                calls.popitem(last=False)
        elif self._closed or len(calls) >= self._most_calls:
            self._lose(1, "the gateway is stopping" if self._closed else f"{self._most_calls} others wait for the store")
        else:
            calls[call.id] = call
            if self._writing is None:
                self._writing = asyncio.get_running_loop().create_task(self._write_later(self._store))

    async def get(self, caller: str, call_id: str) -> CallRecord:
        """The record of one of the caller's calls. Raises GatewayError RECORD_NOT_FOUND or STORAGE_UNAVAILABLE."""
        call = self._calls.get(call_id)
        if call is not None and call.caller.name == caller:
            return record_of(call)
        found = None
        if self._store is not None and 0 < len(call_id) <= LONGEST_ID:
            found = await self._store.get_call(caller, call_id)
        if found is None:
            raise GatewayError(Reason.RECORD_NOT_FOUND, f"there is no call with the id {call_id[:LONGEST_ID]!r}", field="id")
        return found

    async def close(self) -> None:
        """Write what is not written. The store stays open."""
        self._closed = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        while self._store is not None and self._calls:
            await self._write(self._store)

    async def _write_later(self, store: CallStore) -> None:
        try:
            while self._calls:
                await asyncio.sleep(self._write_after_s)
                await self._write(store)
        finally:
            self._writing = None

    async def _write(self, store: CallStore) -> None:
        """The oldest calls. They stay in memory, and can be read, until they are stored."""
        calls = list(islice(self._calls.values(), MOST_AT_ONCE))
        try:
            # Their records are made where the store reads them: in its own thread.
            await store.put_calls((call.caller.name, record_of(call)) for call in calls)
        except GatewayError as failure:
            self._lose(len(calls), failure.message)
        except Exception:
            _log.exception("records of calls cannot be written")
            self._lose(len(calls), "the gateway failed")
        for call in calls:
            del self._calls[call.id]

    def _lose(self, count: int, why: str) -> None:
        self._lost += count
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            _log.warning("%d records of calls were lost; the last because %s", self._lost, why)
            self._lost, self._logged_at = 0, now


def record_of(call: Call) -> CallRecord:
    ended = call.began if call.ended is None else call.ended
    record = CallRecord(
        id=call.id,
        request_id=call.request_id,
        caller=call.caller.name,
        operation=call.operation,
        api=call.api,
        tags=call.tags(),
        route=call.route,
        reason=call.reason,
        usage=call.usage,
        admitted_ms=call.admitted_ms,
        duration_ms=(ended - call.began) * 1000,
        streamed=call.streamed or call.operation == "Stream",
        byok=bool(call.byok.key or call.byok.url),
        finish_reason=call.finish_reason,
        raw_finish_reason=call.raw_finish_reason,
        response_id=call.response_id,
        input_media=call.input_media,
        messages=call.messages,
    )
    if call.raw_usage is not NO_RAW_USAGE:
        record.usage.raw_json, record.usage.raw_dialect = call.raw_usage
    if call.first_content is not None:
        record.first_content_ms = (call.first_content - call.began) * 1000
    return record
