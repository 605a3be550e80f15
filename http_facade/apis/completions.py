"""OpenAI's legacy text completions: a chat for each prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.completions.parse_request import ParsedTexts, parse_texts
from gateway_dialects.completions.render_response import TextRenderer, render_texts
from gateway_dialects.openai.render_errors import render_error_event
from http_facade.answer_headers import answer_headers
from http_facade.apis import openai
from http_facade.chats import Streamed, be_strict, note_answer, relay
from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.served import Served

AT_ONCE = 8
"""How many prompts of one request are asked about at the same time."""


def read(exchange: Exchange, body: bytes, model: str = "") -> ParsedTexts:
    return parse_texts(body, model)


@dataclass(frozen=True, slots=True)
class Written:
    """How the answers to one request are written."""

    whole: Callable[[Sequence[ChatResponse]], bytes]
    streamed: Streamed


def written(exchange: Exchange, asked: ParsedTexts) -> Written:
    return written_as(f"cmpl-{exchange.request_id}", int(time.time()), asked)


def written_as(fallback_id: str, now: int, asked: ParsedTexts) -> Written:
    renderer = TextRenderer(asked, fallback_id=fallback_id, now=now)
    return Written(
        lambda answers: render_texts(answers, asked, fallback_id, now),
        Streamed(renderer, render_error_event),
    )


class Completions:
    """Answers one request about one or several prompts."""

    def __init__(
        self,
        core: Core,
        read: Callable[[Exchange, bytes], ParsedTexts],
        write: Callable[[Exchange, ParsedTexts], Written] = written,
    ) -> None:
        self._core = core
        self._read = read
        self._write = write

    async def __call__(self, exchange: Exchange) -> None:
        asked = self._read(exchange, await exchange.body(self._core.limits.body_bytes))
        for chat in asked.chats:
            be_strict(chat, exchange)
        written = self._write(exchange, asked)
        if asked.stream:
            await relay(self._core, Successive(self._core, asked.chats, exchange), written.streamed, exchange)
            return
        answers = await self._answers(asked.chats, exchange)
        note_answer(exchange, answers)
        headers = answer_headers(answers[0].route, answers[0].warnings)
        await exchange.respond(200, written.whole(answers), headers)

    async def _answers(self, chats: Sequence[ChatRequest], exchange: Exchange) -> Sequence[ChatResponse]:
        """In the order of the chats. The first failure ends the others."""
        if len(chats) == 1:
            return [await self._core.chat(chats[0], exchange)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def answer(chat: ChatRequest) -> ChatResponse:
            async with gate:
                return await self._core.chat(chat, exchange)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(answer(chat)) for chat in chats]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]


class Successive:
    """The streams of several chats as one: each is asked for when the one before has ended."""

    def __init__(self, core: Core, chats: Sequence[ChatRequest], exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange
        self._rest = list(chats[1:])
        self._call = core.stream(chats[0], exchange)

    async def read(self) -> object:
        while True:
            batch = await self._call.read()
            if isinstance(batch, StreamResponse) or not self._rest:
                return batch
            self._call = self._core.stream(self._rest.pop(0), self._exchange)

    def cancel(self) -> bool:
        self._rest.clear()
        return self._call.cancel()


def routes(core: Core) -> Iterator[BaseRoute]:
    texts = Completions(core, read)
    for prefix in ("/v1", "/openai/v1", "/openai", ""):
        yield Route(prefix + "/completions", Served(openai.MANNERS, {"POST": texts}))
