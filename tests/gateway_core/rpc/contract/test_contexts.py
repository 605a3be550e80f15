"""Contexts, and what clients bring of their own: decided in the core, and so alike for every caller."""

from __future__ import annotations

import dataclasses
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from dragoman.status import unpack
from dragoman.v1.models_pb2 import ListModelsRequest
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_core.settings.byok import ByokSettings, UrlRule
from gateway_core.settings.contexts import ContextSettings, KeyPlace
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import (
    PROVIDER_KEY,
    Behind,
    Served,
    answer,
    chunk,
    detail,
    failure_of,
    question,
    read_all,
    streamed,
    text_of,
)
from tests.upstream import Received, Reply, event_stream, json_reply

CONTEXTS = (
    ContextSettings("tests", provider="demo"),
    ContextSettings("fast", model="fast"),
    ContextSettings("upstream", provider="at-openai"),
)
ROUTES = (ModelSettings("fast", ("demo/error-503", "demo/echo")),)
OWN_KEY = "sk-clients-own"


def guarded(url: str) -> ByokSettings:
    """The upstream may be named, by two names, but not reached: it is on this machine."""
    port = int(url.rpartition(":")[2])
    return ByokSettings(urls=(UrlRule("http", "127.0.0.1", port, ""), UrlRule("http", "localhost", port, "")))


def opened(url: str) -> ByokSettings:
    return dataclasses.replace(guarded(url), private_urls=True)


def https_only(url: str) -> ByokSettings:
    return ByokSettings(urls=(UrlRule("https", "*", 443, ""),), private_urls=True)


def answering(request: Received) -> Reply:
    if request.path.endswith("/models"):
        return json_reply({"object": "list", "data": [{"id": "listed"}]})
    if b'"stream":true' in request.body:
        return event_stream(chunk("Hello"), chunk("", "stop"), b"data: [DONE]\n\n")
    return json_reply(answer("Hello"))


def refusing(request: Received) -> Reply:
    key = request.headers.get("authorization")
    return json_reply({"error": {"message": f"Incorrect API key provided: {key}"}}, 401)


BEHIND = Behind(answering, routes=ROUTES, contexts=CONTEXTS)
Metadata = tuple[tuple[str, str], ...]


def within(context: str, *more: tuple[str, str]) -> Metadata:
    return (("x-dragoman-context", context), *more)


def own(*more: tuple[str, str]) -> Metadata:
    return (("x-dragoman-provider-api-key", OWN_KEY), *more)


@pytest.mark.parametrize(
    ("context", "model", "answered"),
    [("tests", "echo", "demo/echo"), ("tests", "demo/echo", "demo/echo"), ("fast", "gpt-4o", "demo/echo")],
)
def test_a_chat_in_a_context(contract: Contract, context: str, model: str, answered: str) -> None:
    async def check(house: Served) -> None:
        whole = await house.stub.Chat(question(model), metadata=within(context))
        assert f"{whole.route.provider}/{whole.route.model}" == answered
        assert whole.route.requested_model == model
        batches = await read_all(house.stub.Stream(streamed(model), metadata=within(context)))
        assert text_of(batches) == "Hello there"
        counted = await house.stub.CountTokens(CountTokensRequest(chat=question(model)), metadata=within(context))
        assert counted.input_tokens > 0

    contract(check, BEHIND)


@pytest.mark.parametrize(
    ("context", "model", "field"), [("tests", "at-openai/m", "model"), ("nobody", "demo/echo", "x-dragoman-context")]
)
def test_what_a_context_refuses(contract: Contract, context: str, model: str, field: str) -> None:
    async def check(house: Served) -> None:
        metadata = within(context)
        count = CountTokensRequest(chat=question(model))
        calls: list[Any] = [
            house.stub.Chat(question(model), metadata=metadata),
            read_all(house.stub.Stream(streamed(model), metadata=metadata)),
            house.stub.CountTokens(count, metadata=metadata),
        ]
        for call in calls:
            error = await failure_of(call)
            assert (error.code(), unpack(error).field) == (grpc.StatusCode.NOT_FOUND, field)
        assert house.upstream.requests == []

    contract(check, BEHIND)


@pytest.mark.parametrize(("context", "ids"), [("upstream", ["at-openai/listed"]), ("fast", ["fast"])])
def test_the_models_of_a_context(contract: Contract, context: str, ids: list[str]) -> None:
    async def check(house: Served) -> None:
        listed = await house.stub.ListModels(ListModelsRequest(), metadata=within(context))
        assert [model.id for model in listed.models] == ids
        assert not listed.warnings
        error = await failure_of(house.stub.ListModels(ListModelsRequest(provider="demo"), metadata=within(context)))
        assert (error.code(), unpack(error).field) == (grpc.StatusCode.NOT_FOUND, "provider")

    contract(check, BEHIND)


def test_one_model_of_a_context(contract: Contract) -> None:
    async def check(house: Served) -> None:
        for name in ("listed", "at-openai/listed"):
            one = await house.stub.ListModels(ListModelsRequest(model=name), metadata=within("upstream"))
            assert [model.id for model in one.models] == ["at-openai/listed"]
        route = await house.stub.ListModels(ListModelsRequest(model="gpt-4o"), metadata=within("fast"))
        assert [(model.id, list(model.targets)) for model in route.models] == [("fast", ["demo/error-503", "demo/echo"])]
        await failure_of(house.stub.ListModels(ListModelsRequest(model="demo/echo"), metadata=within("upstream")))

    contract(check, BEHIND)


def test_a_context_with_a_place_for_keys(contract: Contract) -> None:
    places = (
        ContextSettings("sales", model="demo/echo", auth=KeyPlace("x-sales-key", "key", "Token ")),
        ContextSettings("open", model="demo/echo"),
    )

    async def check(house: Served) -> None:
        for metadata in (
            within("sales", ("x-sales-key", "Token right")),
            within("sales", ("key", "right"), ("authorization", "Bearer a-placeholder")),
            within("open", ("x-api-key", "right")),
        ):
            await house.stub.Chat(question("any"), metadata=metadata)
        for metadata, reason in (
            (within("sales", ("authorization", "Bearer right")), "MISSING_API_KEY"),
            (within("sales", ("x-sales-key", "right")), "MISSING_API_KEY"),
            (within("sales", ("x-sales-key", "Token wrong")), "INVALID_API_KEY"),
            (within("open", ("x-sales-key", "Token right")), "MISSING_API_KEY"),
            (within("nobody"), "MISSING_API_KEY"),
        ):
            error = await failure_of(house.stub.Chat(question("any"), metadata=metadata))
            assert detail(error, ErrorInfo).reason == reason
            assert "right" not in str(error)
        error = await failure_of(house.stub.Chat(question("any"), metadata=within("sales")))
        assert "in the header x-sales-key, as Token KEY or the URL's query, as key=KEY" in (error.details() or "")

    contract(check, Behind(keys=["right"], contexts=places))


@pytest.mark.parametrize("prefix", ["x-dragoman-", "x-inference-"])
def test_a_key_of_the_clients_own(contract: Contract, prefix: str) -> None:
    async def check(house: Served) -> None:
        metadata = ((f"{prefix}provider", "at-openai"), (f"{prefix}provider-api-key", OWN_KEY))
        whole = await house.stub.Chat(question("m"), metadata=metadata)
        assert whole.route.provider == "at-openai"
        assert text_of(await read_all(house.stub.Stream(streamed("m"), metadata=metadata))) == "Hello"
        assert [sent.headers["authorization"] for sent in house.upstream.requests] == [f"Bearer {OWN_KEY}"] * 2
        await house.stub.Chat(question("at-openai/m"))
        assert house.upstream.requests[-1].headers["authorization"] == f"Bearer {PROVIDER_KEY}"

    contract(check, BEHIND)


def test_a_list_for_a_clients_own_key_is_kept_for_nobody(contract: Contract) -> None:
    wanted = ListModelsRequest(provider="at-openai")

    async def check(house: Served) -> None:
        for _ in range(2):
            await house.stub.ListModels(wanted, metadata=own(("x-dragoman-provider", "at-openai")))
        await house.stub.ListModels(wanted)
        await house.stub.ListModels(wanted)
        keys = [sent.headers["authorization"] for sent in house.upstream.requests]
        assert keys == [f"Bearer {OWN_KEY}", f"Bearer {OWN_KEY}", f"Bearer {PROVIDER_KEY}"]

    contract(check, BEHIND)


def test_a_providers_words_do_not_repeat_the_clients_key(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question("m"), metadata=own(("x-dragoman-provider", "at-openai"))))
        assert "Incorrect API key" in (error.details() or "")
        assert (error.code(), unpack(error).field) == (grpc.StatusCode.UNAUTHENTICATED, "x-dragoman-provider-api-key")
        assert (await failure_of(house.stub.Chat(question("at-openai/m")))).code() is grpc.StatusCode.FAILED_PRECONDITION
        assert OWN_KEY not in f"{error} {unpack(error)!r} {error.trailing_metadata()}"

    contract(check, Behind(refusing))


def test_a_url_of_the_clients_own(contract: Contract) -> None:
    async def check(house: Served) -> None:
        metadata = own(("x-inference-provider-url", house.upstream.url))
        whole = await house.stub.Chat(question("m"), metadata=metadata)
        assert whole.route.provider == "127.0.0.1"
        assert text_of(await read_all(house.stub.Stream(streamed("m"), metadata=metadata))) == "Hello"
        listed = await house.stub.ListModels(ListModelsRequest(), metadata=metadata)
        assert [model.id for model in listed.models] == ["127.0.0.1/listed"]
        assert {sent.headers["authorization"] for sent in house.upstream.requests} == {f"Bearer {OWN_KEY}"}

    contract(check, Behind(answering, byok=opened))


def test_a_url_without_a_key_gets_none(contract: Contract) -> None:
    async def check(house: Served) -> None:
        await house.stub.Chat(question("m"), metadata=(("x-dragoman-provider-url", house.upstream.url),))
        await house.stub.Chat(
            question("m"),
            metadata=(("x-dragoman-provider-url", house.upstream.url), ("authorization", "Bearer gateway-key")),
        )
        for sent in house.upstream.requests:
            assert sent.headers.get("authorization") is None
            assert "key" not in str(sent.headers).lower()

    contract(check, Behind(answering, byok=opened))


def test_the_guard_stands_before_private_addresses(contract: Contract) -> None:
    async def check(house: Served) -> None:
        for url in (house.upstream.url, house.upstream.url.replace("127.0.0.1", "localhost")):
            error = await failure_of(house.stub.Chat(question("m"), metadata=own(("x-dragoman-provider-url", url))))
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert house.upstream.requests == []

    contract(check, Behind(answering, byok=guarded))


def test_urls_that_the_operator_does_not_allow(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(
            house.stub.Chat(question("m"), metadata=own(("x-dragoman-provider-url", house.upstream.url)))
        )
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert house.upstream.requests == []

    contract(check, Behind(answering, byok=https_only))


def test_a_gateway_key_goes_to_no_provider(contract: Contract) -> None:
    async def check(house: Served) -> None:
        metadata = (("authorization", "Bearer right"), ("x-dragoman-provider", "at-openai"))
        error = await failure_of(
            house.stub.Chat(question("m"), metadata=(*metadata, ("x-dragoman-provider-api-key", "other")))
        )
        assert (error.code(), unpack(error).field) == (grpc.StatusCode.INVALID_ARGUMENT, "x-dragoman-provider-api-key")
        await house.stub.Chat(question("m"), metadata=(*metadata, ("x-dragoman-provider-api-key", OWN_KEY)))
        (sent,) = house.upstream.requests
        assert sent.headers["authorization"] == f"Bearer {OWN_KEY}"
        assert "right" not in str(sent.headers)

    contract(check, Behind(answering, keys=["right", "other"]))


def test_ones_own_key_does_not_open_the_gateway(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question("m"), metadata=own(("x-dragoman-provider", "demo"))))
        assert detail(error, ErrorInfo).reason == "MISSING_API_KEY"

    contract(check, Behind(keys=["right"]))
