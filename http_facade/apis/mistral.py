"""Mistral's chat and models, at paths that it shares with OpenAI, and its completions around a gap."""

from __future__ import annotations

import time
from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.kit.json import Json
from gateway_dialects.mistral.server.chunks import ChunkRenderer
from gateway_dialects.mistral.server.errors import render_error, render_error_event
from gateway_dialects.mistral.server.models import render_model, render_models
from gateway_dialects.mistral.server.parse import ParsedChat, parse_fim
from gateway_dialects.mistral.server.render import render_chat
from http_facade.chats import Asked, Chats, Streamed
from http_facade.core import Core
from http_facade.exchange import Exchange, Manners
from http_facade.model_lists import ModelLists
from http_facade.served import Served

CLIENTS = "mistral"
"""What the user agents of Mistral's SDKs say, whatever their language and version, and that of the AI SDK's provider in its
older versions."""
OWN_FIELDS = frozenset({"safe_prompt", "random_seed"})
"""No other chat has these. LangChain's client for Mistral has no user agent of its own; it sends them where they are set."""
LANGCHAIN = "python-httpx/"
"""The user agent of LangChain's client, which asks for streams as those of OpenAI's form do not; and what Mistral's form
does otherwise (whole tool calls, usage at the last choice) those read too."""


def render_failure(failure: GatewayError, request_id: str) -> bytes:
    return render_error(failure)


MANNERS = Manners(render_failure)


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
    return agent is not None and (CLIENTS in agent or (agent.startswith(LANGCHAIN) and wants_events(exchange)))


def wants_events(exchange: Exchange) -> bool:
    return exchange.header(b"accept") == "text/event-stream" and exchange.header(b"cache-control") == "no-store"


def is_own(fields: Json) -> bool:
    """Whether a chat is of Mistral's form, whoever sends it."""
    return not OWN_FIELDS.isdisjoint(fields)
