"""The gateway itself: what the service does, whatever channel it is called through."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from dragoman.v1.proxy_pb2 import ProxyRequest, ProxyResponse, ProxyStreamRequest
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.accounts.cost import charge_answer, charge_proxied, charge_stream
from gateway_core.call import Call
from gateway_core.execution.chain import Chain
from gateway_core.execution.counting import count_tokens
from gateway_core.execution.model_list import ModelList
from gateway_core.media.attachments import MediaIntake
from gateway_core.models.price_book import PriceBook
from gateway_core.passthrough.proxy import Proxy, body_of, head_of
from gateway_core.routing.catalog import Catalog
from gateway_core.routing.route import Route
from gateway_core.routing.scope import route_of
from gateway_core.routing.scopes import Scopes
from gateway_core.storage.records import RecordService
from gateway_core.transport.base import Transport
from gateway_core.validation import check_chat


class Gateway:
    """validate -> resolve -> run -> account. Every method raises GatewayError."""

    def __init__(
        self,
        catalog: Catalog,
        scopes: Scopes,
        chain: Chain,
        media: MediaIntake,
        transports: Mapping[str, Transport],
        models: ModelList,
        prices: PriceBook,
        proxy: Proxy,
        records: RecordService,
    ) -> None:
        self.catalog = catalog
        self.records = records
        self._scopes = scopes
        self._chain = chain
        self._media = media
        self._transports = transports
        self._models = models
        self._prices = prices
        self._proxy = proxy

    async def chat(self, request: ChatRequest, call: Call) -> ChatResponse:
        check_chat(request)
        enclosed = self._media.admit(request)
        answer = await self._chain.chat(request, self._route(request, call), call, enclosed)
        charge_answer(answer, self._prices)
        return answer

    def stream(self, request: ChatRequest, call: Call) -> AsyncGenerator[StreamResponse, None]:
        """The caller must exhaust it or aclose() it: that closes the upstream connection."""
        check_chat(request)
        enclosed = self._media.admit(request)
        return charge_stream(self._chain.stream(request, self._route(request, call), call, enclosed), self._prices)

    async def count_tokens(self, request: ChatRequest, call: Call) -> CountTokensResponse:
        check_chat(request)
        enclosed = self._media.admit(request)
        return await count_tokens(request, self._route(request, call), call.deadline, self._transports, enclosed)

    async def list_models(self, request: ListModelsRequest, call: Call) -> ListModelsResponse:
        return await self._models.page(request, call.deadline, self._scopes.of(call))

    def proxy(self, request: ProxyRequest, call: Call) -> AsyncGenerator[ProxyResponse, None]:
        """The caller must exhaust it or aclose() it: that closes the upstream connection."""
        endpoint = self._scopes.of(call).endpoint(request.provider)
        return charge_proxied(self._proxy.answer(request, endpoint, call), endpoint.provider, self._prices)

    async def proxy_stream(
        self, requests: AsyncIterator[ProxyStreamRequest], call: Call
    ) -> AsyncGenerator[ProxyResponse, None]:
        """As proxy, for a body that comes in pieces."""
        request = await head_of(requests)
        endpoint = self._scopes.of(call).endpoint(request.provider)
        answer = self._proxy.answer(request, endpoint, call, body_of(requests))
        async with aclosing(charge_proxied(answer, endpoint.provider, self._prices)) as messages:
            async for message in messages:
                yield message

    def _route(self, request: ChatRequest, call: Call) -> Route:
        return route_of(request, self._scopes.of(call))

    async def close(self) -> None:
        await self._models.close()
        await self._media.close()
        await self.records.close()
        for transport in self._transports.values():
            await transport.close()
