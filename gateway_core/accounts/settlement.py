"""Settlement: what each call consumed and costs, and its end, once."""

from __future__ import annotations

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.proxy_pb2 import ProxyEnd
from dragoman.v1.stream_pb2 import Finished, StreamResponse
from dragoman.v1.usage_pb2 import COST_SOURCE_PRICE_DATA, Usage
from gateway_core.accounts.recorder import Recorder
from gateway_core.call import Call
from gateway_core.execution.usage import copy_counts, sum_of
from gateway_core.models.charge import speed
from gateway_core.models.price_book import PriceBook, Quote
from gateway_dialects.kit.estimate import BYTES_PER_TOKEN, estimate_input_tokens

EVENT_OVERHEAD = 6
"""What a delta takes on the wire beside its text, in bytes: three tags with their lengths."""
RECORDED = frozenset({"Chat", "Stream", "CountTokens", "Proxy", "ProxyStream"})
"""The operations whose calls are recorded: those that send a caller's request to a provider."""


class Settlement:
    """Prices usage as it becomes known, and ends calls."""

    def __init__(self, prices: PriceBook, recorder: Recorder) -> None:
        self._prices = prices
        self._recorder = recorder

    def answered(self, call: Call, answer: ChatResponse) -> None:
        """A whole answer: puts its cost and its route into it."""
        call.response_id, call.answered_by, call.service_tier = answer.id, answer.model, answer.service_tier
        if answer.candidates:
            first = answer.candidates[0]
            call.finish_reason, call.raw_finish_reason = first.finish_reason, first.raw_finish_reason
        if answer.HasField("usage"):
            self._take(call, answer.usage)
        else:
            call.output_size = sum(candidate.ByteSize() for candidate in answer.candidates)
        answer.route.CopyFrom(call.route)

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
            call.reason = reason.value
            if attempts and not attempts[-1].reason:
                attempts[-1].reason = reason.value
        if call.usage is None and call.request is not None and (call.output_size or call.streamed):
            self._estimate(call, call.request)
        self._add_attempts(call)
        call.request = None
        if call.caller.name and call.operation in RECORDED:
            self._recorder.add(call)

    def _finish(self, call: Call, finished: Finished, batch: StreamResponse) -> None:
        call.service_tier = finished.service_tier or call.service_tier
        if finished.candidates:
            first = finished.candidates[0]
            call.finish_reason, call.raw_finish_reason = first.finish_reason, first.raw_finish_reason
        if finished.HasField("usage"):
            if call.route.attempts:
                copy_counts(finished.usage, call.route.attempts[-1].usage)
            self._take(call, finished.usage)
        else:
            call.output_size += batch.ByteSize()
        finished.route.CopyFrom(call.route)
        self.settle(call)

    def _take(self, call: Call, usage: Usage) -> None:
        """The answer's usage: priced by the model that was asked, or else by the one that the provider reports."""
        route = call.route
        charge_usage(usage, self._quote(route.provider, route.model, call.answered_by), call.service_tier)
        if usage.HasField("cost") and route.attempts:
            route.attempts[-1].usage.cost.CopyFrom(usage.cost)
        call.usage = Usage()
        call.usage.CopyFrom(usage)

    def _estimate(self, call: Call, request: ChatRequest) -> None:
        """Usage that was not reported, or not to its end: what was reported, and the rest from the sizes of input and
        output."""
        usage = call.route.attempts[-1].usage
        if not usage.input_tokens:
            usage.input_tokens = estimate_input_tokens(request)
            usage.estimated = True
        if usage.output_tokens < (output := -(-call.output_size // BYTES_PER_TOKEN)):
            usage.output_tokens = output
            usage.estimated = True
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        self._take(call, usage)

    def _add_attempts(self, call: Call) -> None:
        """Price what failed attempts consumed, and add it to the call's usage."""
        used = [attempt for attempt in call.route.attempts if attempt.HasField("usage")]
        for attempt in used:
            if not attempt.usage.HasField("cost"):
                charge_usage(attempt.usage, self._quote(attempt.provider, attempt.model, ""), call.service_tier)
        if len(used) > 1 or (used and call.usage is None):
            call.usage = sum_of([attempt.usage for attempt in used])

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
        charge = quote.tiers.get(tier) or quote.tiers.get(f"speed:{speed(usage)}") or charge
    total = charge.amount(usage)
    if not total and not (usage.input_tokens or usage.output_tokens):
        return
    cost = usage.cost
    cost.total_usd, cost.source = total, COST_SOURCE_PRICE_DATA
