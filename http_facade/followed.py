"""Answers of OpenRouter's paths while they are written: what they take is noted, and kept afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from dragoman.metadata import PREFIXES
from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.openrouter.render_metadata import Asker, Generation
from gateway_dialects.openrouter.render_response import ALIVE, ID_PREFIX
from http_facade.chats import Renderer, Streamed
from http_facade.exchange import Exchange
from http_facade.generations import Generations

OWN_KEYS = tuple(f"{prefix}provider-api-key".encode() for prefix in PREFIXES)
"""Where a client brings its own key for the provider."""


class Followed:
    """One answer, from its request on: what it takes is noted while it is written."""

    def __init__(self, generations: Generations, exchange: Exchange, chat: ChatRequest, prompts: int = 1) -> None:
        now = time.time()
        # Not of the request's id, which a client may give to several.
        self.fallback_id = f"{ID_PREFIX}{int(now)}-{secrets.token_hex(10)}"
        self._generations = generations
        self._generation = Generation(chat, asker_of(exchange), self.fallback_id, now, time.perf_counter)
        self._streams = prompts
        """That have not ended."""
        generations.follow(self._generation, exchange)

    def whole(self, answers: Sequence[ChatResponse], write: Callable[[Sequence[ChatResponse]], bytes]) -> bytes:
        self._generation.answered(answers)
        self._generations.expect(self._generation)
        return write(answers)

    def streamed(self, renderer: Renderer, failed: Callable[[GatewayError], bytes]) -> Streamed:
        def fail(failure: GatewayError) -> bytes:
            self._generation.failed()
            self._generations.expect(self._generation)
            return failed(failure)

        return Streamed(FollowedStream(renderer, self.note), fail, alive=ALIVE)

    def note(self, batch: StreamResponse) -> None:
        if not batch.events:
            return
        if batch.events[0].HasField("started"):
            self._generation.started(batch.events[0].started)
        if batch.events[-1].HasField("finished"):
            self._streams -= 1
            self._generation.finished(batch.events[-1].finished, last=not self._streams)
            if not self._streams:
                self._generations.expect(self._generation)


class FollowedStream:
    """Lets each batch be seen before it is written."""

    def __init__(self, renderer: Renderer, note: Callable[[StreamResponse], None]) -> None:
        self._renderer = renderer
        self._note = note

    def render(self, batch: StreamResponse) -> bytes:
        self._note(batch)
        return self._renderer.render(batch)


def asker_of(exchange: Exchange) -> Asker:
    return Asker(
        request_id=exchange.request_id,
        referer=exchange.header(b"http-referer"),
        origin=exchange.header(b"origin"),
        user_agent=exchange.header(b"user-agent"),
        own_key=any(exchange.header(name) for name in OWN_KEYS),
    )
