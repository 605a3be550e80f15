"""What only Mistral's chat completions have, beside the laws of every language: clients of OpenAI's form, its chunks."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.openai.parse_request import parse_chat as parse_openai
from gateway_dialects.openai.render_response import render_chat as render_openai
from tests.laws.languages.mistral import ENDPOINT, MISTRAL, canonical_answer, canonical_body
from tests.laws.languages.openai import OPENAI, chunks_of
from tests.laws.reading import read_stream
from tests.recordings import Exchange

OWN_FORM = {f"fixtures-mistral/{name}" for name in ("content_of_every_kind", "every_parameter", "thinking_history")}
"""Fixtures that hold what OpenAI's form does not have, or not in these words."""


def named(exchange: Exchange) -> str:
    return exchange.name


def plain(found: list[Exchange]) -> list[Exchange]:
    return [exchange for exchange in found if exchange.name not in OWN_FORM]


@pytest.mark.parametrize("exchange", plain(MISTRAL.requests()), ids=named)
def test_clients_of_openais_form_may_send_the_same(exchange: Exchange) -> None:
    body = exchange.request["body"]
    chat = parse_openai(json.dumps(body).encode()).chat
    upstream, warnings = MISTRAL.client.encode_chat(chat, "m", ENDPOINT, False)
    assert canonical_body(json.loads(upstream.body)) == canonical_body(body)
    assert list(warnings) == []


@pytest.mark.parametrize("exchange", plain(MISTRAL.answers()), ids=named)
def test_clients_of_openais_form_lose_nothing(exchange: Exchange) -> None:
    answer = json.dumps(exchange.body).encode()
    ours, theirs = (
        json.loads(render_openai(language.client.chat.decode(answer, "p"), "fallback", 1)) for language in (MISTRAL, OPENAI)
    )
    assert canonical_answer(ours) == canonical_answer(theirs)


@pytest.mark.parametrize("exchange", MISTRAL.streams(), ids=named)
def test_what_clients_rely_on_in_a_stream(exchange: Exchange) -> None:
    chunks = chunks_of(MISTRAL.render_stream(exchange.stream))
    assert all(len(chunk["choices"]) == 1 and "finish_reason" in chunk["choices"][0] for chunk in chunks)
    assert all({"id", "object", "created", "model"} <= chunk.keys() for chunk in chunks)
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    for chunk in chunks:
        for call in chunk["choices"][0]["delta"].get("tool_calls", []):
            assert call["id"] and call["function"]["name"]
            assert json.loads(call["function"]["arguments"]) is not None


def test_a_failed_generation_is_an_error() -> None:
    chunk = {"id": "1", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "error"}]}
    with pytest.raises(GatewayError) as caught:
        read_stream(MISTRAL.client, [f"data: {json.dumps(chunk)}\n\n".encode()])
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
