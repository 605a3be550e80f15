"""The endpoints of a face that count the tokens of a request without answering it."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.v1.chat_pb2 import ChatRequest
from http_facade.core import Core
from http_facade.exchange import Exchange


class TokenCounts:
    """x-dragoman-estimated: true tells that no provider counted."""

    def __init__(self, core: Core, read: Callable[[Exchange, bytes], ChatRequest], render: Callable[[int], bytes]) -> None:
        self._core = core
        self._read = read
        self._render = render

    async def __call__(self, exchange: Exchange) -> None:
        chat = self._read(exchange, await exchange.body(self._core.limits.body_bytes))
        answer = await self._core.count_tokens(chat, exchange)
        headers = {"x-dragoman-estimated": "true"} if answer.estimated else {}
        await exchange.respond(200, self._render(answer.input_tokens), headers)
