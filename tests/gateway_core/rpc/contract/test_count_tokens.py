from __future__ import annotations

import json

import grpc
import pytest

from dragoman.status import unpack
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.tokens_pb2 import CountTokensRequest
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import PROVIDER_KEY, Behind, Served, failure_of
from tests.upstream import Received, Reply, json_reply

SYSTEM = Message(role=Role.ROLE_SYSTEM, parts=[Part(text="Be brief.")])
USER = Message(role=Role.ROLE_USER, parts=[Part(text="Good morning to all of you.")])


def counting(model: str) -> CountTokensRequest:
    return CountTokensRequest(chat=ChatRequest(model=model, messages=[SYSTEM, USER], max_output_tokens=9, stop=["x"]))


@pytest.mark.parametrize(
    ("dialect", "path", "sent", "answer"),
    [
        (
            "anthropic",
            "/v1/messages/count_tokens",
            {
                "model": "m",
                "system": [{"type": "text", "text": "Be brief."}],
                "messages": [{"role": "user", "content": "Good morning to all of you."}],
            },
            {"input_tokens": 16},
        ),
        (
            "gemini",
            "/models/m:countTokens",
            {
                "generateContentRequest": {
                    "model": "models/m",
                    "systemInstruction": {"parts": [{"text": "Be brief."}]},
                    "contents": [{"role": "user", "parts": [{"text": "Good morning to all of you."}]}],
                    "generationConfig": {"maxOutputTokens": 9, "stopSequences": ["x"]},
                }
            },
            {"totalTokens": 16, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 16}]},
        ),
    ],
)
def test_the_provider_counts(contract: Contract, dialect: str, path: str, sent: object, answer: object) -> None:
    async def check(house: Served) -> None:
        counted = await house.stub.CountTokens(counting(f"at-{dialect}/m"))
        assert (counted.input_tokens, counted.estimated) == (16, False)
        (request,) = house.upstream.requests
        assert (request.path, json.loads(request.body)) == (path, sent)

    contract(check, Behind(lambda _: json_reply(answer)))


def test_an_estimate_where_the_provider_cannot_count(contract: Contract) -> None:
    async def check(house: Served) -> None:
        counted = await house.stub.CountTokens(counting("at-openai/m"))
        assert counted.estimated
        assert 5 < counted.input_tokens < 20
        assert house.upstream.requests == []

    contract(check)


def test_pictures_are_not_counted_by_their_bytes(contract: Contract) -> None:
    async def check(house: Served) -> None:
        request = counting("at-openai/m")
        media = request.chat.messages[1].parts.add().media
        media.mime_type, media.data = "image/png", b"\x89PNG\r\n\x1a\n" + bytes(10_000_000)
        assert (await house.stub.CountTokens(request)).input_tokens < 3000

    contract(check)


@pytest.mark.parametrize("reply", [json_reply({}, 500), json_reply({"input_tokens": "many"}), json_reply({}, 404)])
def test_an_estimate_where_the_provider_fails(contract: Contract, reply: Reply) -> None:
    async def check(house: Served) -> None:
        assert (await house.stub.CountTokens(counting("at-anthropic/m"))).estimated

    contract(check, Behind(lambda _: reply))


def test_a_request_that_the_provider_refuses(contract: Contract) -> None:
    def refuse(request: Received) -> Reply:
        error = {"type": "invalid_request_error", "message": f"messages: too odd for {PROVIDER_KEY}"}
        return json_reply({"type": "error", "error": error}, 400)

    async def check(house: Served) -> None:
        failure = unpack(await failure_of(house.stub.CountTokens(counting("at-anthropic/m"))))
        assert "too odd" in failure.message
        assert PROVIDER_KEY not in failure.message
        assert failure.metadata["provider"] == "at-anthropic"

    contract(check, Behind(refuse))


def test_what_is_no_chat(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(house.stub.CountTokens(CountTokensRequest()))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        error = await failure_of(house.stub.CountTokens(counting("nobody/m")))
        assert error.code() is grpc.StatusCode.NOT_FOUND

    contract(check)
