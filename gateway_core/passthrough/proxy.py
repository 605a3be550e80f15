"""A provider's own API behind the gateway: one request to one provider, and its answer as it comes.

It is sent once, with the provider's first key: nobody knows whether it may be sent twice. Nothing of a body is changed, in
either direction.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import replace

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.proxy_pb2 import ProxyEnd, ProxyHead, ProxyRequest, ProxyResponse, ProxyStreamRequest
from gateway_core.call import Call, Caller
from gateway_core.execution.attempt import Transports, Upstream, copy_counts
from gateway_core.execution.chain import explain, record_failure
from gateway_core.passthrough.forwarding import headers_to_return, headers_to_send, proxy_url
from gateway_core.passthrough.metering import Meter, kind_of, model_asked, readable
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target
from gateway_core.transport.base import UpstreamResponse
from gateway_dialects.kit.dialect import Dialect, Endpoint, UpstreamRequest

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Proxy:
    """Holds nothing that a call changes."""

    def __init__(self, transports: Transports, key_places: Collection[str] = (), *, enabled: bool = True) -> None:
        """key_places: headers and query parameters, in lower case, in which the operator lets clients put gateway keys."""
        self._transports = transports
        self._enabled = enabled
        self._key_places = frozenset(key_places)

    def check(self, caller: Caller) -> None:
        """Raises GatewayError PERMISSION_DENIED where the operator has closed the proxy, for all or for this caller. What a
        provider's own API does with which model cannot be known, so a key for some models does not open it."""
        if not self._enabled:
            raise GatewayError(Reason.PERMISSION_DENIED, "this gateway's proxy is off ([proxy] enabled)", "provider")
        if not caller.scope.proxy or caller.scope.models:
            message = f"the gateway key of {caller.name} does not open the providers' own APIs (/proxy)"
            raise GatewayError(Reason.PERMISSION_DENIED, message, "provider")

    async def answer(
        self, request: ProxyRequest, endpoint: Endpoint, call: Call, body: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[ProxyResponse, None]:
        """The head, the body piece by piece, and the usage where it was reported. body: in place of the request's own. The
        caller must exhaust it or aclose() it: that closes the upstream connection. Raises GatewayError: UPSTREAM_AUTH when
        the provider refuses our key; any other status of the provider's is an answer."""
        sent = self._encode(request, endpoint)
        if body is not None:
            sent = replace(sent, headers={**sent.headers, **length_of(request)}, stream=body)
        record = call.route.attempts.add(provider=endpoint.provider, api=endpoint.dialect)
        upstream = Upstream(Target(endpoint, ""), self._transports, call.deadline, record)
        begun = call.deadline.clock()
        try:
            response = await upstream.send(sent)
            record.status = response.status
            try:
                await check_head(response, DIALECTS[endpoint.dialect])
                record.duration_ms = (call.deadline.clock() - begun) * 1000
                call.route.provider = endpoint.provider
                call.reach_content()
                call.streamed = kind_of(response.headers.get("content-type", "")) == "text/event-stream"
                async with aclosing(messages_of(response, request, upstream)) as messages:
                    async for message in messages:
                        yield message
            finally:
                await response.close()
        except GatewayError as failure:
            explain(failure, upstream.target)
            failure.metadata = {name: value for name, value in failure.metadata.items() if value}
            record_failure(record, failure)
            record.duration_ms = (call.deadline.clock() - begun) * 1000
            failure.trace = call.route
            raise

    def _encode(self, request: ProxyRequest, endpoint: Endpoint) -> UpstreamRequest:
        if request.method not in METHODS:
            raise invalid("method", f"method: {request.method[:20]!r} is none of {', '.join(sorted(METHODS))}")
        url = proxy_url(endpoint.url, request.path, request.query, self._key_places)
        own = DIALECTS[endpoint.dialect].headers(endpoint)
        headers = headers_to_send(request.headers, endpoint, own, self._key_places)
        return UpstreamRequest(request.method, url, headers, request.body, verbatim=True)


async def head_of(requests: AsyncIterator[ProxyStreamRequest]) -> ProxyRequest:
    """The first message. Raises GatewayError INVALID_REQUEST."""
    first = await anext(requests, None)
    if first is None or not first.HasField("head"):
        raise invalid("head", "head: the first message of the request must be its head")
    if first.head.body:
        raise invalid("head.body", "head.body: the body comes in the messages that follow")
    return first.head


async def body_of(requests: AsyncIterator[ProxyStreamRequest]) -> AsyncGenerator[bytes, None]:
    """What follows the head. Raises GatewayError INVALID_REQUEST: gRPC servers see a call that its client cancels as one
    whose requests have ended, so the last one says that it is the last."""
    async for message in requests:
        if message.HasField("head"):
            raise invalid("head", "head: only the first message of the request may be a head")
        if message.end:
            return
        if message.body:
            yield message.body
    raise invalid("end", "end: the request broke off before the end of its body")


def length_of(request: ProxyRequest) -> Mapping[str, str]:
    """The header content-length, where the client gave one. Raises GatewayError INVALID_REQUEST."""
    for index, header in enumerate(request.headers):
        if header.name.lower() == "content-length":
            if not (header.value.isascii() and header.value.isdecimal() and len(header.value) < 19):
                field = f"headers[{index}].value"
                raise invalid(field, f"{field}: content-length must be a number of bytes")
            return {"content-length": header.value}
    return {}


async def check_head(response: UpstreamResponse, dialect: Dialect) -> None:
    if response.status == 401:
        body = readable(await response.read(), encoding_of(response.headers))
        failure = dialect.chat.decode_error(401, response.headers, body)
        failure.reason = Reason.UPSTREAM_AUTH
        raise failure
    if not 200 <= response.status <= 599:
        raise GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, f"the provider answered with the status {response.status}")


async def messages_of(
    response: UpstreamResponse, request: ProxyRequest, upstream: Upstream
) -> AsyncGenerator[ProxyResponse, None]:
    head = ProxyHead(status=response.status, headers=headers_to_return(response.header_fields, upstream.endpoint))
    yield ProxyResponse(head=head)
    meter = meter_for(response, DIALECTS[upstream.endpoint.dialect])
    try:
        async for piece in response.chunks():
            if meter is not None:
                meter.feed(piece)
            yield ProxyResponse(body=piece)
    finally:
        end = meter.finish() if meter is not None else None
        if end is not None:
            copy_counts(end.usage, upstream.record.usage)
            upstream.record.model = with_model(end, request).model
    if end is not None:
        yield ProxyResponse(end=end)


def meter_for(response: UpstreamResponse, dialect: Dialect) -> Meter | None:
    """None for an answer that says what went wrong: that is not billed."""
    if response.status >= 300:
        return None
    return Meter(dialect, kind_of(response.headers.get("content-type", "")), encoding_of(response.headers))


def encoding_of(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def with_model(end: ProxyEnd, request: ProxyRequest) -> ProxyEnd:
    if not end.model:
        kind = next((header.value for header in request.headers if header.name.lower() == "content-type"), "")
        end.model = model_asked(request.body, kind_of(kind))
    return end
