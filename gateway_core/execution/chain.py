"""The one loop that retries and falls back: targets in order, attempts at each, under one shrinking deadline."""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from types import MappingProxyType
from typing import TypeVar

from dragoman.metadata import BYOK_KEY
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.call import Call
from gateway_core.execution.attempt import Transports, Upstream, ask, copy_counts, invoke, open_stream
from gateway_core.execution.breaker import Breaker
from gateway_core.execution.fan_out import FannedStream, ask_each, gives_several, open_each
from gateway_core.execution.fitting import fit
from gateway_core.execution.signed_calls import SignedCall, with_signatures
from gateway_core.execution.streams import OpenStream
from gateway_core.media.attachments import Attachments
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Route, Target
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.estimate import estimate_input_tokens

Answer = TypeVar("Answer")
Signed = Mapping[str, SignedCall]
NOTHING: Signed = MappingProxyType({})
Sleep = Callable[[float], Awaitable[None]]
SECRET_HEADER = re.compile("auth|key|token|secret|cookie", re.IGNORECASE).search


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter. Times are in seconds.

    Plain arithmetic instead of tenacity: its loop took 22 us a call where none was retried, and a pause must be known before
    the deadline can allow it.
    """

    attempts: int = 2
    """The most attempts at one target, the first included."""
    initial: float = 0.5
    longest: float = 8.0
    """The longest pause before another attempt at the same target. For a provider that asks for more, the next target is
    tried."""
    jitter: float = 1.0
    """The share of a pause that is drawn at random: 1 is full jitter."""
    content_filter: bool = False
    """Whether a request that one provider's filter refuses goes to the next target."""

    def backoff(self, attempts_made: int) -> float:
        """Seconds before the next attempt."""
        longest: float = min(self.initial * 2 ** (attempts_made - 1), self.longest)
        return longest * (1 - self.jitter * random.random())

    def pause(self, attempts_made: int, failure: GatewayError) -> float | None:
        """Seconds until the same target may be tried again; None: never. A provider's Retry-After is a floor."""
        if attempts_made >= self.attempts or not failure.retries_same_target:
            return None
        floor = failure.retry_after_s or 0.0
        return None if floor > self.longest else max(self.backoff(attempts_made), floor)

    def passes_on(self, failure: GatewayError) -> bool:
        """Whether the next target is asked."""
        return failure.tries_next_target or (self.content_filter and failure.reason is Reason.CONTENT_FILTERED)


class Chain:
    """Serves routes. Holds nothing that a call changes. What happens is written into the call's route."""

    def __init__(
        self,
        transports: Transports,
        policy: RetryPolicy,
        breaker: Breaker | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
        first_content_s: float = 0.0,
    ) -> None:
        """breaker: None: one of its own. first_content_s: see Timers; of endpoints that have none."""
        self._transports = transports
        self._policy = policy
        self._breaker = breaker or Breaker()
        self._sleep = sleep
        self._first_content_s = first_content_s

    async def chat(
        self,
        request: ChatRequest,
        route: Route,
        call: Call,
        attachments: Attachments | None = None,
        signed: Signed = NOTHING,
    ) -> ChatResponse:
        """The first whole answer, without its route. Raises the last target's GatewayError with the trace of all attempts.
        attachments: the request's media, where it has any. signed: what calls of its history had, by their ids."""
        answer, upstream = await self._first_success(ask_target, request, route, call, attachments, signed)
        self._breaker.succeeded(route, upstream.target)
        return answer

    async def stream(
        self,
        request: ChatRequest,
        route: Route,
        call: Call,
        attachments: Attachments | None = None,
        signed: Signed = NOTHING,
    ) -> AsyncGenerator[StreamResponse, None]:
        """The first stream that produces content. Before content, failures fall through to the next attempt; after it, they
        end the stream. Raises GatewayError with the trace of all attempts."""
        opened, upstream = await self._first_success(open_target, request, route, call, attachments, signed)
        self._breaker.answers(route, upstream.target)
        finished = False
        try:
            started = opened.first.events[0].started
            started.route.CopyFrom(call.route)
            started.warnings.extend(opened.warnings)
            yield opened.first
            async for batch in opened.batches():
                yield batch
            finished = True
            self._breaker.succeeded(route, upstream.target)
        except GatewayError as failure:
            attribute(failure, upstream, call)
            record_failure(upstream.record, failure)
            self._breaker.failed(route, upstream.target, failure, call)
            failure.trace = call.route
            raise
        finally:
            if not finished and not upstream.record.HasField("usage") and (usage := opened.reported_usage()):
                copy_counts(usage, upstream.record.usage)
            await opened.close()

    async def count_tokens(
        self, request: ChatRequest, route: Route, call: Call, attachments: Attachments | None = None
    ) -> CountTokensResponse:
        """The first target's own count. An estimate where it cannot count or fails: clients ask before a chat, and nothing
        is lost. Raises GatewayError for a fault of the request's, where the provider's first API finds it."""
        target = counting(route.targets[0], call.api)
        operation = DIALECTS[target.endpoint.dialect].count_tokens
        if operation is not None:
            upstream = self._upstream(target, call)
            try:
                ready = fit(await prepared(request, upstream, attachments), target, call.api).request
                counted, _ = await invoke(operation, ready, upstream)
            except GatewayError as failure:
                explain(failure, target)
                record_failure(upstream.record, failure)
                if not failure.tries_next_target and target is route.targets[0]:
                    raise
            else:
                record_success(call.route, target, route)
                return CountTokensResponse(input_tokens=counted)
        return CountTokensResponse(input_tokens=estimate_input_tokens(request), estimated=True)

    async def _first_success(
        self,
        attempt: Callable[[ChatRequest, Upstream], Awaitable[Answer]],
        request: ChatRequest,
        route: Route,
        call: Call,
        attachments: Attachments | None,
        signed: Signed,
    ) -> tuple[Answer, Upstream]:
        """Each target that the breaker lets through, as often as the policy and the deadline allow."""

        async def one(target: Target, upstream: Upstream) -> Answer:
            ready = request if attachments is None else await prepared(request, upstream, attachments)
            return await attempt(with_signatures(ready, signed, target.endpoint) if signed else ready, upstream)

        failure: GatewayError | None = None
        too_small = 0
        for configured in route.targets if self._breaker.quiet else self._breaker.targets(route, call):
            target = configured.speaking(call.api).suited(request)
            if too_small and 0 < context_of(target) <= too_small:
                self._breaker.released(route, configured, call)
                continue
            found = await self._asked(one, target, configured, route, call)
            if not isinstance(found, GatewayError):
                return found
            found.retry_after_s = soonest(found, failure)
            failure = found
            if failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED:
                too_small = max(too_small, context_of(target))
            if not self._policy.passes_on(failure):
                break
        if failure is None:
            failure = GatewayError(Reason.INTERNAL, f"the route {route.name} has no targets")
        if len({(made.provider, made.model) for made in call.route.attempts}) > 1:
            # No one target's limits are those of all.
            call.route.ClearField("rate_limit_headers")
        failure.trace = call.route
        raise failure

    async def _asked(
        self,
        attempt: Callable[[Target, Upstream], Awaitable[Answer]],
        target: Target,
        configured: Target,
        route: Route,
        call: Call,
    ) -> tuple[Answer, Upstream] | GatewayError:
        """The answer of one target, or its last failure. Only GatewayError is retried. configured: the target in the
        route."""
        clock = call.deadline.clock
        for attempts_made in count(1):
            upstream = self._upstream(target, call)
            begun = clock()
            try:
                answer = await attempt(target, upstream)
            except GatewayError as latest:
                attribute(latest, upstream, call)
                record_failure(upstream.record, latest)
                self._breaker.failed(route, target, latest, call)
                failure = latest
            except BaseException:
                self._breaker.released(route, target, call)
                raise
            else:
                record_success(call.route, target, route)
                call.reach_content()
                if upstream.used_up_s:
                    self._breaker.used_up(target, upstream.used_up_s)
                return answer, upstream
            finally:
                upstream.record.duration_ms = (clock() - begun) * 1000
            turns = failure.reason is Reason.RATE_LIMITED and has_other_key(route, configured)
            pause = self._policy.backoff(1) if turns else self._policy.pause(attempts_made, failure)
            if pause is None or not call.deadline.allows(pause) or self._breaker.left(route, target):
                return failure
            await self._sleep(pause)
            if turns:
                return failure
        raise AssertionError

    def _upstream(self, target: Target, call: Call) -> Upstream:
        endpoint = target.endpoint
        record = call.route.attempts.add(provider=endpoint.provider, model=target.model, api=endpoint.dialect)
        call.route.ClearField("rate_limit_headers")
        deadline, first_content_s, timers = call.deadline, self._first_content_s, endpoint.timers
        if timers is not None:
            first_content_s = timers.first_content_s
            deadline = deadline.within(timers.total_s) if timers.total_s else deadline
        return Upstream(target, self._transports, deadline, record, call.route, call.api, first_content_s)


async def prepared(request: ChatRequest, upstream: Upstream, attachments: Attachments | None) -> ChatRequest:
    """The request with its media as the target takes them."""
    if attachments is None:
        return request
    return await attachments.request_for(upstream.target.model, upstream.endpoint, upstream.deadline)


def ask_target(request: ChatRequest, upstream: Upstream) -> Awaitable[ChatResponse]:
    return (ask_each if one_by_one(request, upstream) else ask)(request, upstream)


def open_target(request: ChatRequest, upstream: Upstream) -> Awaitable[OpenStream | FannedStream]:
    return open_each(request, upstream) if one_by_one(request, upstream) else open_stream(request, upstream)


def one_by_one(request: ChatRequest, upstream: Upstream) -> bool:
    """Whether several candidates take several requests."""
    return request.candidate_count > 1 and not gives_several(upstream.target)


def has_other_key(route: Route, target: Target) -> bool:
    """Whether the same model comes next, with another key: it is asked in place of one that has had too many requests."""
    return any(one is target and other.name == one.name for one, other in pairwise(route.targets))


def context_of(target: Target) -> int:
    """Tokens; 0: not known."""
    return target.endpoint.capabilities_of(target.model).context or 0


def counting(target: Target, api: str) -> Target:
    """The target at the API that counts the tokens of a client of a served API: the one that answers it, if that counts."""
    spoken = target.speaking(api)
    return target if DIALECTS[spoken.endpoint.dialect].count_tokens is None else spoken


def record_success(trace: RouteTrace, target: Target, route: Route) -> None:
    trace.provider, trace.model = target.endpoint.provider, target.model
    if len(route.targets) > 1 and (first := route.targets[0].name) != target.name:
        trace.fallback_from = first


def record_failure(record: Attempt, failure: GatewayError) -> None:
    record.reason, record.message = failure.reason.value, failure.message
    record.status = int(failure.metadata.get("upstream_status", "0"))
    record.upstream_request_id = failure.metadata.get("upstream_request_id", "")


def attribute(failure: GatewayError, upstream: Upstream, call: Call) -> None:
    """See explain. An attempt's own deadline is not the call's."""
    if failure.reason is Reason.DEADLINE_EXCEEDED and upstream.deadline is not call.deadline:
        failure.reason = Reason.UPSTREAM_TIMEOUT
    explain(failure, upstream.target)


def explain(failure: GatewayError, target: Target) -> None:
    """Add whose failure it is, and remove our keys from what the provider said."""
    if failure.reason is Reason.UPSTREAM_AUTH and target.endpoint.byok:
        # The client must act, whose key it is, and not the operator.
        failure.reason, failure.field = Reason.INVALID_API_KEY, BYOK_KEY
    failure.metadata = {"provider": target.endpoint.provider, "model": target.model, **failure.metadata}
    for secret in secrets_of(target.endpoint):
        if secret in failure.message or secret in failure.field or any(secret in text for text in failure.metadata.values()):
            failure.message = failure.message.replace(secret, "***")
            failure.field = failure.field.replace(secret, "***")
            failure.metadata = {name: text.replace(secret, "***") for name, text in failure.metadata.items()}


def secrets_of(endpoint: Endpoint) -> Iterator[str]:
    """The endpoint's keys, and those in the operator's headers."""
    for key in endpoint.keys:
        if key:
            yield key.reveal()
    for name, value in endpoint.headers.items():
        if SECRET_HEADER(name) and (secret := value.rpartition(" ")[2]):
            yield secret


def soonest(latest: GatewayError, earlier: GatewayError | None) -> float | None:
    """The least wait that any target asked for."""
    waits = [failure.retry_after_s for failure in (latest, earlier) if failure and failure.retry_after_s is not None]
    return min(waits) if waits else None
