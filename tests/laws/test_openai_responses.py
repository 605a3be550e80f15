"""What only OpenAI's Responses API has, beside the laws of every language: numbered events, answers as input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_dialects.openai_responses.parse_request import parse_create
from tests.laws.languages.openai_responses import ENDPOINT, OPENAI_RESPONSES, check_order, parse_body
from tests.recordings import Exchange


def named(exchange: Exchange) -> str:
    return exchange.name


@pytest.mark.parametrize("exchange", OPENAI_RESPONSES.requests(), ids=named)
def test_the_response_before_is_named(exchange: Exchange) -> None:
    named_before = exchange.request["body"].get("previous_response_id") or ""
    assert parse_body(exchange).previous_response_id == named_before


@pytest.mark.parametrize("exchange", OPENAI_RESPONSES.streams(), ids=named)
def test_events_are_numbered_and_items_begin_and_end(exchange: Exchange) -> None:
    check_order(OPENAI_RESPONSES.render_stream(exchange.stream))


@pytest.mark.parametrize("exchange", OPENAI_RESPONSES.streams(), ids=named)
def test_an_answer_is_taken_back_as_input(exchange: Exchange) -> None:
    """What the client appends to its next input goes back to the provider unmodified."""
    fold = OPENAI_RESPONSES.fold_stream
    output = fold(OPENAI_RESPONSES.render_stream(exchange.stream))["output"]
    again = parse_create({"model": "m", "input": [{"role": "user", "content": "Hi"}, *output]})
    upstream, warnings = OPENAI_RESPONSES.client.encode_chat(again.chat, "m", ENDPOINT, False)
    sent = json.loads(upstream.body)["input"][1:]
    assert without_empty(sent) == without_empty(fold(exchange.stream)["output"])
    assert list(warnings) == []


def without_empty(value: Any) -> Any:
    """Lists that say nothing by being empty, and null."""
    if isinstance(value, dict):
        return {name: without_empty(item) for name, item in value.items() if item is not None and item != []}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
