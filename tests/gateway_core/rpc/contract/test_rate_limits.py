"""Rate limits that a provider reports reach the client: in the route for the facade, in trailing metadata for gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dragoman.status import unpack
from dragoman.v1.routing_pb2 import RouteTrace
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, chunk, failure_of, question, read_all, streamed
from tests.upstream import Handler, Reply, event_stream, json_reply

OPENAI = {"x-ratelimit-remaining-requests": "49", "x-ratelimit-limit-tokens": "100", "x-ratelimit-reset-tokens": "1s"}
ANTHROPIC = {
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2000-01-01T00:00:00Z",
    "anthropic-ratelimit-unified-status": "allowed",
}
ANSWERS: dict[str, Any] = {
    "at-openai": {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]},
    "at-anthropic": {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"},
}
HEADERS = {"at-openai": OPENAI, "at-anthropic": ANTHROPIC}


def answering(provider: str, status: int = 200) -> Handler:
    body = ANSWERS[provider] if status == 200 else {"error": {"message": "slow down", "type": "rate_limit_error"}}
    return lambda _: json_reply(body, status, {**HEADERS[provider], "retry-after": "7", "x-other": "1"})


def limits_in(metadata: Any) -> dict[str, str]:
    return {name: value for name, value in metadata if "ratelimit" in name}


@pytest.mark.parametrize("provider", HEADERS)
def test_an_answer_of_grpc_has_them_as_the_provider_wrote_them(contract: Contract, provider: str) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Chat(question(f"{provider}/m"))
        answer = await call
        assert answer.route.rate_limit_headers == HEADERS[provider]
        assert limits_in(await call.trailing_metadata()) == HEADERS[provider]

    contract(check, Behind(answering(provider)))


def test_a_stream_has_them(contract: Contract) -> None:
    def handler(_: object) -> Reply:
        reply = event_stream(chunk("x"), chunk("", finish="stop"))
        return replace(reply, headers={**reply.headers, **OPENAI})

    async def check(house: Served) -> None:
        call = house.stub.Stream(streamed("at-openai/m"))
        [first, *_] = await read_all(call)
        assert first.events[0].started.route.rate_limit_headers == OPENAI
        assert limits_in(await call.trailing_metadata()) == OPENAI

    contract(check, Behind(handler))


@pytest.mark.parametrize("provider", HEADERS)
def test_a_refusal_has_them(contract: Contract, provider: str) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question(f"{provider}/m")))
        assert limits_in(error.trailing_metadata()) == HEADERS[provider]
        failure = unpack(error)
        assert failure.trace is not None and failure.trace.rate_limit_headers == HEADERS[provider]
        assert failure.retry_after_s == 7

    contract(check, Behind(answering(provider, 429)))


@pytest.mark.parametrize(
    ("api", "provider", "found"),
    [
        ("openai", "at-openai", OPENAI),
        ("openrouter", "at-openai", OPENAI),
        ("openai-responses", "at-openai", OPENAI),
        ("anthropic", "at-anthropic", ANTHROPIC),
        ("openai", "at-anthropic", {"x-ratelimit-remaining-requests": "49", "x-ratelimit-reset-requests": "0s"}),
        ("anthropic", "at-openai", {"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-tokens-limit"}),
        ("gemini", "at-openai", {}),
        ("cohere", "at-anthropic", {}),
    ],
)
def test_a_client_of_an_api_reads_its_own_names(
    contract: Contract, api: str, provider: str, found: Mapping[str, str] | set[str]
) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Chat(question(f"{provider}/m"), metadata=(("x-dragoman-api", api),))
        limits = dict((await call).route.rate_limit_headers)
        if isinstance(found, set):
            assert limits.pop("anthropic-ratelimit-tokens-reset").endswith("Z")
            assert set(limits) == found
        else:
            assert limits == found
        assert limits_in(await call.trailing_metadata()) == {}

    contract(check, Behind(answering(provider)))


def test_they_are_those_of_the_target_that_answered(contract: Contract) -> None:
    both = ModelSettings("both", ("at-openai/m", "at-anthropic/m"))

    async def check(house: Served) -> None:
        answer = await house.stub.Chat(question("both"))
        assert len(answer.route.attempts) == 2
        assert answer.route.rate_limit_headers == ANTHROPIC

    limits = {**ANTHROPIC, "x-other": "1"}
    replies = iter((json_reply({}, 429, OPENAI), json_reply(ANSWERS["at-anthropic"], 200, limits)))
    contract(check, Behind(lambda _: next(replies), routes=[both]))


def test_several_targets_that_failed_have_no_common_ones(contract: Contract) -> None:
    both = ModelSettings("both", ("at-openai/m", "at-anthropic/m"))

    async def check(house: Served) -> None:
        error = await failure_of(house.stub.Chat(question("both")))
        assert limits_in(error.trailing_metadata()) == {}
        trace = unpack(error).trace or RouteTrace()
        assert len(trace.attempts) == 2 and not trace.rate_limit_headers

    contract(check, Behind(lambda _: json_reply({}, 429, {**OPENAI, **ANTHROPIC}), routes=[both]))
