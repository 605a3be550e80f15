"""The gateway: what the service does, whatever channel it is called through."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from dragoman.reasons import Reason
from dragoman.v1.calls_pb2 import GetCallRequest, GetCallResponse
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.accounts.settlement import Recorder, Settlement
from gateway_core.call import EVERYTHING, NO_CREDENTIALS, Call
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import NOTHING, Chain
from gateway_core.execution.model_lists import ModelLists
from gateway_core.execution.signatures import SignatureMemory
from gateway_core.media.attachments import Attachments, MediaIntake
from gateway_core.media.places import media_of
from gateway_core.passthrough.proxy import Proxy, body_of, head_of
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.contexts import Contexts
from gateway_core.routing.resolver import ModelResolver, Resolver, Route, route_of
from gateway_core.routing.scopes import scoped
from gateway_core.routing.selection import Selector
from gateway_core.settings.server import RequestLimits
from gateway_core.storage.records import RecordService
from gateway_core.validation import DEFAULT_LIMITS, check_chat


class Gateway:
    """admit -> resolve -> run -> settle, for every operation. Every method raises GatewayError."""

    def __init__(
        self,
        *,
        resolver: ModelResolver,
        contexts: Contexts,
        chain: Chain,
        media: MediaIntake,
        transports: Transports,
        models: ModelLists,
        settlement: Settlement,
        proxy: Proxy,
        records: RecordService,
        signatures: SignatureMemory,
        recorder: Recorder,
        selector: Selector,
        limits: RequestLimits = DEFAULT_LIMITS,
    ) -> None:
        self.resolver = resolver
        self.records = records
        self._contexts = contexts
        self._chain = chain
        self._media = media
        self._transports = transports
        self._models = models
        self._proxy = proxy
        self._signatures = signatures
        self._recorder = recorder
        self._selector = selector
        self._limits = limits
        self._settlement = settlement

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse:
        route, attachments = self._admit(request, call)
        if signs(request, route):
            signed = await self._signatures.recall(request, call)
            answer = await self._chain.chat(request, route, call, attachments, signed)
            self._signatures.answered(call, answer)
        else:
            answer = await self._chain.chat(request, route, call, attachments)
        self._settlement.answered(call, answer)
        return answer

    async def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        """The caller must exhaust it or aclose() it: that closes the upstream connection."""
        route, attachments = self._admit(request, call)
        signing = signs(request, route)
        signed = await self._signatures.recall(request, call) if signing else NOTHING
        seen = self._signatures.watch() if signing else None
        async with aclosing(self._chain.stream(request, route, call, attachments, signed)) as batches:
            async for batch in batches:
                if seen is not None:
                    seen.feed(batch)
                    if batch.events[-1].HasField("finished"):
                        self._signatures.streamed(call, seen)
                self._settlement.streamed(call, batch)
                yield batch

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse:
        route, attachments = self._admit(request, call)
        return await self._chain.count_tokens(request, route, call, attachments)

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse:
        return await self._models.page(request, call.deadline, self._names_for(call), call.caller.scope)

    def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """The caller must exhaust it or aclose() it: that closes the upstream connection."""
        return self._proxied(request, call, None)

    async def proxy_stream(
        self, requests: AsyncIterator[ProxyStreamRequest], call: Call
    ) -> AsyncGenerator[ProxyResponse, None]:
        """As proxy, for a body that comes in pieces."""
        request = await head_of(requests)
        async with aclosing(self._proxied(request, call, body_of(requests))) as messages:
            async for message in messages:
                yield message

    async def _proxied(
        self, request: ProxyRequest, call: Call, body: AsyncIterator[bytes] | None
    ) -> AsyncGenerator[ProxyResponse, None]:
        call.provider, call.path = request.provider, f"{request.method} {request.path}"
        endpoint = self._names_for(call).endpoint(request.provider)
        self._proxy.check(call.caller)
        async with aclosing(self._proxy.answer(request, endpoint, call, body)) as messages:
            async for message in messages:
                if message.HasField("end"):
                    self._settlement.proxied(call, message.end)
                yield message

    async def get_call(self, request: GetCallRequest, call: Call) -> GetCallResponse:
        return GetCallResponse(call=await self._recorder.get(call.caller.name, request.id))

    def settle(self, call: Call, reason: Reason | None = None) -> None:
        """End the call, whatever happened. reason: why it failed; None: it was answered."""
        self._settlement.settle(call, reason)

    def _admit(self, request: ChatRequest, call: Call) -> tuple[Route, Attachments | None]:
        """The targets, and the request's media where it has any."""
        call.request, call.messages, call.route.requested_model = request, len(request.messages), request.model
        check_chat(request, self._limits)
        attachments = self._media.admit(request)
        if attachments is not None:
            call.input_media = sum(1 for _ in media_of(request))
        names = self._names_for(call)
        route = route_of(request, names)
        if route.policy is not None or request.HasField("routing"):
            route = self._selector.choose(request, route, call, names.providers)
        return route, attachments

    def _names_for(self, call: Call) -> Resolver:
        """See Contexts.of, and scoped."""
        resolver = self._contexts.of(call) if call.context or call.byok is not NO_CREDENTIALS else self.resolver
        return resolver if call.caller.scope is EVERYTHING else scoped(resolver, call)

    async def close(self) -> None:
        await self._models.close()
        await self._media.close()
        await self._recorder.close()
        await self._signatures.close()
        await self.records.close()
        await self._transports.close()


def signs(request: ChatRequest, route: Route) -> bool:
    """Whether an answer may be signed. Asked of every call."""
    return bool(request.tools) or any(DIALECTS[target.endpoint.dialect].signs_texts for target in route.targets)
