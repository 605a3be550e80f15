"""Gateway keys that open only some models, providers or contexts, and what one request may hold."""

from __future__ import annotations

import grpc
import pytest

from dragoman.reasons import Reason
from dragoman.status import unpack
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.proxy_pb2 import ProxyRequest
from gateway_core.call import KeyScope
from gateway_core.settings.contexts import ContextSettings
from gateway_core.settings.server import RequestLimits
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, answer, failure_of, question, read_all
from tests.upstream import Received, Reply, json_reply

KEY = (("authorization", "Bearer key"),)
ROUTES = (
    ModelSettings("fast", ("demo/error-503", "at-openai/gpt-small", "at-openai/gpt-large")),
    ModelSettings("mine", alias="at-openai/gpt-small"),
)


def answering(request: Received) -> Reply:
    if request.path.endswith("/models"):
        return json_reply({"object": "list", "data": [{"id": "gpt-small"}, {"id": "gpt-large"}]})
    return json_reply(answer("Hello"))


def behind(scope: KeyScope, **settings: object) -> Behind:
    contexts = (ContextSettings("sales", provider="at-openai"), ContextSettings("tests", provider="demo"))
    return Behind(answering, keys=["key"], scopes={"key": scope}, routes=ROUTES, contexts=contexts, settings=settings)


@pytest.mark.parametrize(
    ("scope", "model", "answered"),
    [
        (KeyScope(models=("at-openai/gpt-s*",)), "at-openai/gpt-small", "gpt-small"),
        (KeyScope(models=("at-openai/gpt-s*",)), "mine", "gpt-small"),
        (KeyScope(models=("at-openai/gpt-l*",)), "fast", "gpt-large"),
        (KeyScope(providers=("at-openai",)), "fast", "gpt-small"),
        (KeyScope(models=("fast",)), "fast", "gpt-small"),
        (KeyScope(models=("at-openai/gpt-s*",)), "at-openai/gpt-large", ""),
        (KeyScope(models=("at-openai/gpt-s*",)), "demo/echo", ""),
        (KeyScope(models=("at-openai/gpt-l*",)), "mine", ""),
        (KeyScope(models=("fast",)), "at-openai/gpt-small", ""),
        (KeyScope(providers=("demo",)), "mine", ""),
        (KeyScope(models=("at-openai/*",), providers=("demo",)), "at-openai/gpt-small", ""),
    ],
)
def test_a_key_opens_its_models_by_whatever_name(contract: Contract, scope: KeyScope, model: str, answered: str) -> None:
    async def check(house: Served) -> None:
        if answered:
            whole = await house.stub.Chat(question(model), metadata=KEY)
            assert whole.route.model == answered
            return
        error = await failure_of(house.stub.Chat(question(model), metadata=KEY))
        assert (error.code(), unpack(error).field) == (grpc.StatusCode.PERMISSION_DENIED, "model")
        assert "the gateway key of key does not open" in unpack(error).message
        assert house.upstream.requests == []

    contract(check, behind(scope))


def test_a_fallback_opens_nothing_more(contract: Contract) -> None:
    async def check(house: Served) -> None:
        asked = question("at-openai/gpt-small")
        asked.fallback_models.append("demo/echo")
        error = await failure_of(house.stub.Chat(asked, metadata=KEY))
        assert unpack(error).reason is Reason.PERMISSION_DENIED
        assert house.upstream.requests == []

    contract(check, behind(KeyScope(models=("at-openai/*",))))


def test_lists_hold_what_the_key_opens(contract: Contract) -> None:
    async def check(house: Served) -> None:
        page = await house.stub.ListModels(ListModelsRequest(), metadata=KEY)
        assert [model.id for model in page.models] == ["fast", "mine", "at-openai/gpt-small"]
        error = await failure_of(house.stub.ListModels(ListModelsRequest(provider="demo"), metadata=KEY))
        assert unpack(error).reason is Reason.PERMISSION_DENIED

    contract(check, behind(KeyScope(models=("*/gpt-small",), providers=("at-openai",))))


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        (KeyScope(), True),
        (KeyScope(providers=("at-openai",)), True),
        (KeyScope(providers=("demo",)), False),
        (KeyScope(proxy=False), False),
        # What it asks of which model cannot be known.
        (KeyScope(models=("at-openai/*",)), False),
    ],
)
def test_the_proxy(contract: Contract, scope: KeyScope, opened: bool) -> None:
    async def check(house: Served) -> None:
        asked = ProxyRequest(provider="at-openai", method="GET", path="models")
        if opened:
            assert (await read_all(house.stub.Proxy(asked, metadata=KEY)))[0].head.status == 200
            return
        error = await failure_of(read_all(house.stub.Proxy(asked, metadata=KEY)))
        assert unpack(error).reason is Reason.PERMISSION_DENIED
        assert house.upstream.requests == []

    contract(check, behind(scope))


def test_a_proxy_that_is_off(contract: Contract) -> None:
    async def check(house: Served) -> None:
        asked = ProxyRequest(provider="at-openai", method="GET", path="models")
        error = await failure_of(read_all(house.stub.Proxy(asked, metadata=KEY)))
        assert (unpack(error).reason, "[proxy] enabled" in unpack(error).message) == (Reason.PERMISSION_DENIED, True)

    contract(check, behind(KeyScope(), proxy=False))


@pytest.mark.parametrize(("context", "opened"), [("sales", True), ("tests", False), ("", False)])
def test_a_key_of_a_context(contract: Contract, context: str, opened: bool) -> None:
    async def check(house: Served) -> None:
        metadata = (*KEY, ("x-dragoman-context", context)) if context else KEY
        asked = house.stub.Chat(question("gpt-small"), metadata=metadata)
        if opened:
            assert (await asked).route.model == "gpt-small"
        else:
            assert unpack(await failure_of(asked)).reason is Reason.PERMISSION_DENIED

    contract(check, behind(KeyScope(contexts=("sales",))))


def many_messages() -> ChatRequest:
    asked = question()
    asked.messages.extend([asked.messages[0]] * 3)
    return asked


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (many_messages(), "messages"),
        (question(tools=[Tool(function=FunctionTool(name=f"f{number}")) for number in range(4)]), "tools"),
        (question(candidate_count=4), "n"),
    ],
    ids=["messages", "tools", "n"],
)
def test_what_one_request_may_hold_is_bounded(contract: Contract, asked: ChatRequest, field: str) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(asked, metadata=KEY))
        assert (error.code(), unpack(error).field) == (grpc.StatusCode.INVALID_ARGUMENT, field)

    contract(check, behind(KeyScope(), limits=RequestLimits(messages=3, tools=3, candidates=3)))
