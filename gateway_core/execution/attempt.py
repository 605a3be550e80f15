"""One operation at one target: encode, send, check, decode; an attempt at a chat, as a whole answer or as an open stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from dragoman.aside import LARGE, aside
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt, RouteTrace, Warning
from dragoman.v1.usage_pb2 import Usage
from gateway_core.call import Deadline
from gateway_core.execution.fitting import Fitted, encode_fitted, fit
from gateway_core.execution.streams import OpenStream
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target
from gateway_core.transport.base import Transport, UpstreamResponse
from gateway_dialects.kit.dialect import Dialect, Encoded, Endpoint, Operation, StreamOperation, UpstreamRequest
from gateway_dialects.kit.inline_thinking import split_answer
from gateway_dialects.kit.json import UNREADABLE
from gateway_dialects.kit.rate_limits import RateLimitFormat, converted
from gateway_dialects.kit.tool_restoring import Restored

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
decode_object = msgspec.json.Decoder(dict[str, object]).decode


@dataclass(frozen=True, slots=True)
class Transports:
    """The transports, by where an endpoint is."""

    demo: Transport
    """The demo provider's: demo://"""
    http: Transport
    guarded: Transport
    """To servers that clients choose: it must not reach into the operator's network."""

    @classmethod
    def only(cls, transport: Transport) -> Transports:
        """One transport for all endpoints."""
        return cls(transport, transport, transport)

    def for_endpoint(self, endpoint: Endpoint) -> Transport:
        if endpoint.guarded:
            return self.guarded
        return self.demo if endpoint.url.startswith("demo:") else self.http

    async def close(self) -> None:
        for transport in {id(one): one for one in (self.demo, self.http, self.guarded)}.values():
            await transport.close()


@dataclass(slots=True)
class Upstream:
    """The upstream of one attempt."""

    target: Target
    transports: Transports
    deadline: Deadline
    record: Attempt = field(default_factory=Attempt)
    """Of the attempt, filled in on the way."""
    route: RouteTrace | None = None
    """Of its call, for the rate limits that the provider reports. None: nobody asks for them."""
    api: str = ""
    """The served API that was called. Empty: gRPC."""
    first_content_s: float = 0.0
    """See Timers."""
    used_up_s: float = 0.0
    """For how long the provider says that a quota is used up."""

    @property
    def endpoint(self) -> Endpoint:
        return self.target.endpoint

    def heard(self, response: UpstreamResponse) -> None:
        """Record the status of an answer, and the rate limits that it reports."""
        self.record.status = response.status
        provider = DIALECTS[self.endpoint.dialect].rate_limits
        if provider is None or self.route is None:
            return
        own = provider.own(response.headers)
        if own:
            client, now = rate_limits_of(self.api) if self.api else provider, time.time()
            self.used_up_s = provider.used_up_s(own, now)
            self.route.rate_limit_headers.update(converted(own, provider, client, now))

    def refused(self, failure: GatewayError) -> GatewayError:
        """A failure that the provider reports. Where it says no time to come back, that is when the quota is there again."""
        if failure.reason is Reason.RATE_LIMITED and failure.retry_after_s is None:
            failure.retry_after_s = self.used_up_s or None
        return failure

    def send(self, request: UpstreamRequest) -> Awaitable[UpstreamResponse]:
        """The answer's head. The caller closes it, and records its status. Raises GatewayError as Transport.send does."""
        return self.transports.for_endpoint(self.target.endpoint).send(request, self.deadline, self.target.endpoint.timers)


async def invoke(
    operation: Operation[RequestT, ResponseT], request: RequestT, upstream: Upstream
) -> tuple[ResponseT, Sequence[Warning]]:
    """The response, and a warning for each parameter that was dropped. Raises GatewayError."""
    encoded = operation.encode(request, upstream.target.model, upstream.endpoint)
    return await perform(operation, encoded, upstream), encoded.warnings


async def perform(operation: Operation[RequestT, ResponseT], encoded: Encoded, upstream: Upstream) -> ResponseT:
    """The response to an encoded request. Raises GatewayError."""
    response = await upstream.send(encoded.request)
    upstream.heard(response)
    try:
        body = await response.read()
    finally:
        await response.close()
    if response.status != 200:
        raise upstream.refused(operation.decode_error(response.status, response.headers, body))
    provider = upstream.endpoint.provider
    return operation.decode(body, provider) if len(body) < LARGE else await aside(operation.decode, body, provider)


def prepare(
    operation: Operation[ChatRequest, ChatResponse] | StreamOperation, request: ChatRequest, upstream: Upstream
) -> tuple[Fitted, Encoded]:
    """What is sent to the target. Raises as encode_chat does."""
    fitted = fit(request, upstream.target, upstream.api)
    return fitted, encode_chat(operation, fitted, upstream)


def encode_chat(
    operation: Operation[ChatRequest, ChatResponse] | StreamOperation, fitted: Fitted, upstream: Upstream
) -> Encoded:
    """Raises GatewayError UNSUPPORTED for content that only another dialect's providers store and, in strict mode, for
    parameters that the target does not take; INVALID_REQUEST naming the field whose JSON is malformed."""
    endpoint, request = upstream.target.endpoint, fitted.request
    if request.provider_options_json:
        refuse_options(request, DIALECTS[endpoint.dialect])
    encoded = encode_fitted(operation, fitted, upstream.target)
    if encoded.warnings and request.strict:
        raise GatewayError(Reason.UNSUPPORTED, encoded.warnings[0].message, field=encoded.warnings[0].field)
    return encoded


def misfit(request: ChatRequest, target: Target, api: str) -> str:
    """The setting of a request that a target does not take: what strict mode refuses. Empty: it takes all. What messages
    hold is no setting."""
    spoken = target.speaking(api)
    operation = DIALECTS[spoken.endpoint.dialect].chat
    try:
        warnings = encode_fitted(operation, fit(request, spoken, api), spoken).warnings
    except GatewayError as failure:
        warnings = [Warning(field=failure.field, message=failure.message)] if failure.reason is Reason.UNSUPPORTED else []
    return next((warning.message for warning in warnings if not warning.field.startswith("messages")), "")


async def ask(request: ChatRequest, upstream: Upstream) -> ChatResponse:
    """The target's whole answer. Its usage is not in the attempt's record. Raises GatewayError."""
    endpoint = upstream.target.endpoint
    operation = DIALECTS[endpoint.dialect].chat
    large = request.ByteSize() >= LARGE
    fitted, encoded = await aside(prepare, operation, request, upstream) if large else prepare(operation, request, upstream)
    answer = await perform(operation, encoded, upstream)
    if endpoint.quirks.inline_thinking:
        split_answer(answer)
    if fitted.originals:
        restored = Restored(fitted.originals)
        for candidate in answer.candidates:
            restored.parts(candidate.parts)
    if encoded.warnings:
        answer.warnings.extend(encoded.warnings)
    return answer


async def open_stream(request: ChatRequest, upstream: Upstream) -> OpenStream:
    """The target's stream, at its first content. The caller closes it. Raises GatewayError."""
    if not upstream.first_content_s:
        return await opened_stream(request, upstream)
    try:
        async with asyncio.timeout(upstream.first_content_s):
            return await opened_stream(request, upstream)
    except TimeoutError as error:
        message = f"no content from {upstream.endpoint.provider} within {upstream.first_content_s:g} s"
        # The time-out's traceback holds the task, and that will hold what is raised here.
        raise GatewayError(Reason.UPSTREAM_TIMEOUT, message) from error.with_traceback(None)


async def opened_stream(request: ChatRequest, upstream: Upstream) -> OpenStream:
    """Without a bound of its own."""
    dialect = DIALECTS[upstream.endpoint.dialect]
    operation, large = dialect.stream, request.ByteSize() >= LARGE
    fitted, encoded = await aside(prepare, operation, request, upstream) if large else prepare(operation, request, upstream)
    response = await upstream.send(encoded.request)
    upstream.heard(response)
    opened = OpenStream(response, dialect, upstream.endpoint, warnings=encoded.warnings, originals=fitted.originals)
    try:
        if response.status != 200:
            raise upstream.refused(dialect.stream.decode_error(response.status, response.headers, await response.read()))
        reject_other_content(response.headers, upstream.endpoint)
        await opened.open()
    except BaseException:
        if (usage := opened.reported_usage()) is not None:
            copy_counts(usage, upstream.record.usage)
        await response.close()
        raise
    return opened


def rate_limits_of(api: str) -> RateLimitFormat | None:
    """How clients of a served API read rate limits. OpenRouter's is a variant of OpenAI's."""
    return DIALECTS[api if api in DIALECTS else "openai"].rate_limits


def reject_other_content(headers: Mapping[str, str], endpoint: Endpoint) -> None:
    """Raises GatewayError UPSTREAM_INVALID_RESPONSE for an answer that is no stream."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/json"):
        raise GatewayError(
            Reason.UPSTREAM_INVALID_RESPONSE, f"{endpoint.provider} answered {kind} where a stream was asked for"
        )


def refuse_options(request: ChatRequest, dialect: Dialect) -> None:
    """Raises GatewayError UNSUPPORTED, naming the field, for options that only another dialect can answer."""
    for name, text in request.provider_options_json.items():
        other = DIALECTS.get(name)
        if other is None or other is dialect:
            continue
        for option, why in other.essential_options.items():
            if option in text and is_set(text, option):
                raise GatewayError(Reason.UNSUPPORTED, f"{option}: {why}", field=option)


def is_set(options_json: str, field: str) -> bool:
    """Malformed options are rejected by the dialect that reads them."""
    try:
        return decode_object(options_json).get(field) is not None
    except UNREADABLE:
        return False


def copy_counts(usage: Usage, into: Usage) -> None:
    """All but the provider's own JSON."""
    into.CopyFrom(usage)
    into.raw_json = into.raw_dialect = ""
