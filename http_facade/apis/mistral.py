"""Mistral's chat and models, at paths that it shares with OpenAI, and its completions around a gap (FIM)."""

from functools import partial

from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.server import RequestHead, ServedChat
from gateway_dialects.mistral import SERVER, serve
from gateway_dialects.mistral.parse_request import parse_fim
from http_facade.api import Api
from http_facade.chat import ChatEndpoint
from http_facade.exchange import Exchange

AGENT = "mistral"
"""In the user agents of Mistral's SDKs, whatever their language and version, and of the AI SDK's provider in its older
versions."""
OWN_FIELDS = frozenset({"safe_prompt", "random_seed"})
"""No other chat has these. LangChain's client for Mistral has no user agent of its own; it sends them where they are set."""
LANGCHAIN = "python-httpx/"
"""The user agent of LangChain's client, which asks for streams as those of OpenAI's form do not. Others that do so read
what Mistral's form does otherwise (whole tool calls, usage at the last choice) as well."""


def is_client(exchange: Exchange) -> bool:
    agent = exchange.header(b"user-agent")
    return agent is not None and (AGENT in agent or (agent.startswith(LANGCHAIN) and wants_events(exchange)))


def wants_events(exchange: Exchange) -> bool:
    return exchange.header(b"accept") == "text/event-stream" and exchange.header(b"cache-control") == "no-store"


def has_own_fields(body: bytes) -> bool:
    """Only a body that holds the name of such a field is decoded."""
    return (b'"safe_prompt"' in body or b'"random_seed"' in body) and not OWN_FIELDS.isdisjoint(parse_object(body))


def parse_gap(head: RequestHead, body: bytes) -> ServedChat:
    return serve(parse_fim(body), head)


API = Api(
    name="mistral",
    title="Mistral chat, and completions around a gap (FIM)",
    server=SERVER,
    chat_paths=("/v1/chat/completions", "/chat/completions"),
    model_paths=("/v1/models", "/models"),
    more={"/v1/fim/completions": {"POST": partial(ChatEndpoint, parse=parse_gap)}},
    detect=is_client,
    detect_body=has_own_fields,
)
