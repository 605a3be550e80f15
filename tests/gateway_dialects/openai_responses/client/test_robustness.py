"""Whatever a provider sends, nothing but GatewayError comes out of the decoders, and what comes out can be sent back."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Role
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.accumulate import Accumulator
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from tests.gateway_dialects.openai_responses.client.asking import ENDPOINT
from tests.gateway_dialects.openai_responses.client.mutations import mutated
from tests.recordings import Exchange, exchanges

ALL = [found for found in exchanges("/responses") if found.vendor == "fixtures-openai_responses"]
ANSWERS = [found for found in ALL if isinstance(found.body, dict)]
STREAMS = [found for found in ALL if "stream" in found.response]
DEEP = b'{"output":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_a_whole_answer(exchange: Exchange) -> None:
    chance = random.Random(exchange.name)
    for _ in range(60):
        with contextlib.suppress(GatewayError):
            answer = OPENAI_RESPONSES.chat.decode(json.dumps(mutated(exchange.body, chance)).encode(), "p")
            answer.SerializeToString()
            said = Message(role=Role.ROLE_ASSISTANT, parts=answer.candidates[0].parts)
            OPENAI_RESPONSES.encode_chat(ChatRequest(messages=[said]), "m", ENDPOINT, False)


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_stream(exchange: Exchange) -> None:
    """It is whole or an error, and its events are in order either way."""
    chance = random.Random(exchange.name)
    events = [json.loads(line[5:]) for line in exchange.stream.decode().splitlines() if line.startswith("data:")]
    for _ in range(60):
        place = chance.randrange(len(events))
        changed = [*events[:place], mutated(events[place], chance), *events[place + 1 :]]
        if chance.random() < 0.3:
            del changed[chance.randrange(len(changed))]
        decoder, batch = OPENAI_RESPONSES.stream.decoder(), StreamResponse()
        whole = False
        with contextlib.suppress(GatewayError):
            for event in changed:
                decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
            decoder.finish(batch)
            whole = True
        accumulator = Accumulator()
        accumulator.feed(batch)
        assert accumulator.finished is whole


def test_an_answer_that_is_nested_without_end() -> None:
    decoder = OPENAI_RESPONSES.stream.decoder()
    for decode in (
        lambda body: OPENAI_RESPONSES.chat.decode(body, "p"),
        lambda body: decoder.feed(ServerSentEvent(body), StreamResponse()),
    ):
        with pytest.raises(GatewayError) as caught:
            decode(DEEP)
        assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
