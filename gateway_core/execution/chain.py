"""The one loop that retries and falls back: targets in order, attempts at each, under one shrinking deadline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

from dragoman.metadata import BYOK_KEY
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.call import Call
from gateway_core.execution.attempt import OpenStream, ask, open_stream
from gateway_core.execution.fan_out import FannedStream, ask_each, gives_several, open_each
from gateway_core.execution.retry import RetryPolicy
from gateway_core.media.attachments import Attachments
from gateway_core.routing.route import Route, Target
from gateway_core.transport.base import Transport
from gateway_dialects.kit.dialect import Endpoint

Answer = TypeVar("Answer")
Sleep = Callable[[float], Awaitable[None]]
SECRET_HEADER = re.compile("auth|key|token|secret|cookie", re.IGNORECASE).search


class Chain:
    """Serves routes. Holds nothing that a call changes."""

    def __init__(self, transports: Mapping[str, Transport], policy: RetryPolicy, *, sleep: Sleep = asyncio.sleep) -> None:
        self._transports = transports
        self._policy = policy
        self._sleep = sleep

    async def chat(
        self, request: ChatRequest, route: Route, call: Call, enclosed: Attachments | None = None
    ) -> ChatResponse:
        """The first whole answer. Raises the last target's GatewayError, with the trace of all attempts. enclosed: the
        request's media, where it has any."""
        trace = RouteTrace(requested_model=request.model)
        answer, _ = await self._first_success(route, call, trace, lambda target: self._ask(request, target, call, enclosed))
        answer.route.CopyFrom(trace)
        return answer

    async def stream(
        self, request: ChatRequest, route: Route, call: Call, enclosed: Attachments | None = None
    ) -> AsyncGenerator[StreamResponse, None]:
        """The first stream that produces content. Before content, failures fall through to the next attempt; after it, they
        end the stream. Raises GatewayError with the trace of all attempts."""
        trace = RouteTrace(requested_model=request.model)
        opened, served = await self._first_success(
            route, call, trace, lambda target: self._open(request, target, call, enclosed)
        )
        try:
            started = opened.first.events[0].started
            started.route.CopyFrom(trace)
            started.warnings.extend(opened.warnings)
            yield opened.first
            async for batch in opened.batches():
                yield batch
        except GatewayError as failure:
            explain(failure, served)
            record_failure(trace.attempts[-1], failure)
            failure.trace = trace
            raise
        finally:
            await opened.close()

    async def _ask(self, request: ChatRequest, target: Target, call: Call, enclosed: Attachments | None) -> ChatResponse:
        if enclosed is not None:
            request = await enclosed.request_for(target.model, target.endpoint, call.deadline)
        one_by_one = request.candidate_count > 1 and not gives_several(target)
        return await (ask_each if one_by_one else ask)(request, target, call.deadline, self._transports)

    async def _open(
        self, request: ChatRequest, target: Target, call: Call, enclosed: Attachments | None
    ) -> OpenStream | FannedStream:
        if enclosed is not None:
            request = await enclosed.request_for(target.model, target.endpoint, call.deadline)
        one_by_one = request.candidate_count > 1 and not gives_several(target)
        return await (open_each if one_by_one else open_stream)(request, target, call.deadline, self._transports)

    async def _first_success(
        self, route: Route, call: Call, trace: RouteTrace, attempt: Callable[[Target], Awaitable[Answer]]
    ) -> tuple[Answer, Target]:
        failure: GatewayError | None = None
        for target in route.targets:
            try:
                return await self._retried(target, call, trace, attempt), target
            except GatewayError as latest:
                latest.retry_after_s = soonest(latest, failure)
                failure = latest
                if not latest.tries_next_target:
                    break
        if failure is None:
            failure = GatewayError(Reason.INTERNAL, f"the route {route.name} has no targets")
        failure.trace = trace
        raise failure

    async def _retried(
        self, target: Target, call: Call, trace: RouteTrace, attempt: Callable[[Target], Awaitable[Answer]]
    ) -> Answer:
        """Ask one target as often as the policy and the deadline allow."""
        attempts_made = 0
        while True:
            record = trace.attempts.add(provider=target.endpoint.provider, model=target.model)
            begun = call.deadline.clock()
            try:
                answer = await attempt(target)
            except GatewayError as failure:
                explain(failure, target)
                record_failure(record, failure)
                attempts_made += 1
                pause = self._policy.pause(attempts_made, failure)
                if pause is None or not call.deadline.allows(pause):
                    raise
            else:
                record_success(trace, target)
                return answer
            finally:
                record.duration_ms = (call.deadline.clock() - begun) * 1000
            await self._sleep(pause)


def record_success(trace: RouteTrace, target: Target) -> None:
    trace.attempts[-1].status = 200
    trace.provider, trace.model = target.endpoint.provider, target.model
    first = trace.attempts[0]
    if first.provider != trace.provider or first.model != trace.model:
        trace.fallback_from = f"{first.provider}/{first.model}"


def record_failure(record: Attempt, failure: GatewayError) -> None:
    record.reason, record.message = failure.reason.value, failure.message
    record.status = int(failure.metadata.get("upstream_status", "0"))
    record.upstream_request_id = failure.metadata.get("upstream_request_id", "")


def explain(failure: GatewayError, target: Target) -> None:
    """Say whose failure it is, and make sure that no provider repeats our key to the client."""
    if failure.reason is Reason.UPSTREAM_AUTH and target.endpoint.brought:
        # Not the operator must act, but the client, whose key it is.
        failure.reason, failure.field = Reason.INVALID_API_KEY, BYOK_KEY
    failure.metadata = {"provider": target.endpoint.provider, "model": target.model, **failure.metadata}
    for secret in secrets_of(target.endpoint):
        if secret in failure.message or secret in failure.field or any(secret in text for text in failure.metadata.values()):
            failure.message = failure.message.replace(secret, "***")
            failure.field = failure.field.replace(secret, "***")
            failure.metadata = {name: text.replace(secret, "***") for name, text in failure.metadata.items()}


def secrets_of(endpoint: Endpoint) -> Iterator[str]:
    """The endpoint's keys, and those that the operator put into headers."""
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
