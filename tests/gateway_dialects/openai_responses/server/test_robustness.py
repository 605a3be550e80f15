"""Whatever a client sends, nothing but a 400 that names a field comes of it; whatever a provider says can be rendered."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Endpoint, ServerSentEvent
from gateway_dialects.kit.json import encode_json
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.parse_request import parse_create
from gateway_dialects.openai_responses.render_response import response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.gateway_dialects.openai_responses.client.mutations import mutated
from tests.laws.languages.openai_responses import check_order, events_of
from tests.recordings import Exchange, exchanges

ALL = [found for found in exchanges("/responses") if found.vendor == "fixtures-openai_responses"]
ANSWERS = [found for found in ALL if isinstance(found.body, dict)]
STREAMS = [found for found in ALL if "stream" in found.response]


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_requests(exchange: Exchange) -> None:
    chance = random.Random(exchange.name)
    for _ in range(60):
        body = mutated(exchange.request["body"], chance)
        try:
            parsed = parse_create(body)
        except GatewayError as failure:
            assert failure.http_status == 400
            assert failure.field
            continue
        for dialect in DIALECTS.values():
            with contextlib.suppress(GatewayError):
                dialect.encode_chat(parsed.chat, "m", Endpoint("p", dialect.name, "http://u/v1"), parsed.stream)


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_answers(exchange: Exchange) -> None:
    """They can be rendered, and given back by the client."""
    chance = random.Random(exchange.name)
    for _ in range(60):
        body = mutated(exchange.body, chance)
        with contextlib.suppress(GatewayError):
            answer = OPENAI_RESPONSES.chat.decode(json.dumps(body).encode(), "p")
            output = json.loads(encode_json(response_object(answer, {}, "resp_1", 7)))["output"]
            parse_create({"model": "m", "input": [{"role": "user", "content": "Hi"}, *output]})


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_streams(exchange: Exchange) -> None:
    """What comes of a stream that breaks its form is in order nevertheless."""
    chance = random.Random(exchange.name)
    events = [json.loads(line[5:]) for line in exchange.stream.decode().splitlines() if line.startswith("data:")]
    for _ in range(60):
        place = chance.randrange(len(events))
        changed = [*events[:place], mutated(events[place], chance), *events[place + 1 :]]
        decoder, renderer = OPENAI_RESPONSES.stream.decoder(), ChunkRenderer(echo={}, fallback_id="resp_1", now=7)
        rendered = b""
        for event in changed:
            batch = StreamResponse()
            failed = False
            try:
                decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
            except GatewayError:
                failed = True
            rendered += renderer.render(batch)
            if failed:
                break
        else:
            if decoder.done:
                check_order(rendered)
        assert [event["sequence_number"] for event in events_of(rendered)] == list(range(len(events_of(rendered))))
