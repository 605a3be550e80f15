"""Mistral's chat and models, at paths that it shares with OpenAI, and its completions around a gap."""

from __future__ import annotations

import time
from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.v1.chat_pb2 import ChatResponse
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.faces.failure import Failure
from http_facade.faces.mistral.chunks import ChunkRenderer
from http_facade.faces.mistral.errors import render_error, render_error_event
from http_facade.faces.mistral.models import render_model, render_models
from http_facade.faces.mistral.parse import ParsedChat, parse_chat, parse_fim
from http_facade.faces.mistral.render import render_chat
from http_facade.model_lists import ModelLists
from http_facade.served import Served

CLIENTS = ("mistral-client", "mistralai", "ai-sdk/mistral")
"""What the user agents of Mistral's SDKs say, whatever their language and version, and that of the AI SDK's provider."""
OWN_FIELDS = (b'"safe_prompt"', b'"random_seed"')
"""No other chat has these. LangChain's client for Mistral has no user agent of its own; it sends them where they are set."""
LANGCHAIN = {b"user-agent": "python-httpx/", b"accept": "text/event-stream", b"cache-control": "no-store"}
"""What LangChain's client sends where it wants a stream. Those of OpenAI's form do not ask so, and what Mistral's form does
otherwise (whole tool calls, usage at the last choice) they read too."""


def render_failure(failure: Failure, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    return asked_of(exchange, parse_chat(body))


def read_fim(exchange: Exchange, body: bytes) -> Asked:
    return asked_of(exchange, parse_fim(body))


def asked_of(exchange: Exchange, parsed: ParsedChat) -> Asked:
    fallback_id, now = exchange.request_id, int(time.time())

    def whole(answer: ChatResponse) -> bytes:
        return render_chat(answer, fallback_id, now)

    if not parsed.stream:
        return Asked(parsed.chat, whole)
    return Asked(parsed.chat, whole, Streamed(ChunkRenderer(fallback_id=fallback_id, now=now), render_error_event))


def routes(core: Core) -> Iterator[BaseRoute]:
    yield Route("/v1/fim/completions", Served(MANNERS, {"POST": Chats(core, read_fim)}))


def model_lists(core: Core) -> ModelLists:
    """At OpenAI's paths, for clients that are recognised as Mistral's."""
    return ModelLists(core, render_models, render_model)


def is_client(exchange: Exchange) -> bool:
    agent = exchange.header(b"user-agent")
    if agent is None:
        return False
    return any(name in agent for name in CLIENTS) or wants_mistrals_stream(exchange)


def wants_mistrals_stream(exchange: Exchange) -> bool:
    return all((exchange.header(name) or "").startswith(begin) for name, begin in LANGCHAIN.items())


def is_own(body: bytes) -> bool:
    """Whether a chat is of Mistral's form, whoever sends it."""
    return any(field in body for field in OWN_FIELDS)
