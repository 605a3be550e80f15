"""Azure OpenAI's and AI Foundry's paths. Their words are OpenAI's; a deployment is resolved like any model's name.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference. The api-version says nothing here: whatever it is, the
answer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import BaseRoute, Route

from gateway_dialects.openai.parse_request import parse_chat
from http_facade.apis import completions, openai
from http_facade.chats import Asked, Chats
from http_facade.core import Core
from http_facade.exchange import Exchange
from http_facade.served import Served

DEPLOYMENT = "/openai/deployments/{deployment:path}"
FOUNDRY = "/models"


def deployment(exchange: Exchange) -> str:
    """The deployment in the path, which may hold slashes, escaped or not."""
    name: str = exchange.scope["path_params"]["deployment"]
    return name


def read_chat(exchange: Exchange, body: bytes) -> Asked:
    """The path names the model, also where the body names another, or null as LangChain does."""
    return openai.asked_of(exchange, parse_chat(body, deployment(exchange)))


def routes(core: Core) -> Iterator[BaseRoute]:
    chats, lists = Chats(core, openai.read_chat), openai.model_lists(core)
    texts = completions.Completions(core, lambda exchange, body: completions.read(exchange, body, deployment(exchange)))
    yield Route(DEPLOYMENT + "/chat/completions", Served(openai.MANNERS, {"POST": Chats(core, read_chat)}))
    yield Route(DEPLOYMENT + "/completions", Served(openai.MANNERS, {"POST": texts}))
    for path in ("/openai/v1", "/openai", FOUNDRY):
        yield Route(path + "/chat/completions", Served(openai.MANNERS, {"POST": chats}))
    for path in ("/openai/v1/models", "/openai/models"):
        yield Route(path, Served(openai.MANNERS, {"GET": lists.all}))
        yield Route(path + "/{model:path}", Served(openai.MANNERS, {"GET": lists.one}))
