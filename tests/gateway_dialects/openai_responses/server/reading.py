"""Requests as a client of the Responses API writes them, parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message
from gateway_dialects.openai_responses.parse_request import ParsedCreate, parse_create


def parsed(**fields: Any) -> ParsedCreate:
    return parse_create({"model": "m", "input": "Hi", **fields})


def chat(**fields: Any) -> ChatRequest:
    return parsed(**fields).chat


def messages_of(*items: Any) -> list[Message]:
    return list(chat(input=list(items)).messages)


def options_of(**fields: Any) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(chat(**fields).provider_options_json["openai-responses"])
    return options


def served_of(**fields: Any) -> dict[str, Any]:
    """The fields that the gateway honours whoever answers."""
    form: dict[str, Any] = json.loads(chat(**fields).provider_options_json["openai-responses.form"])
    assert form.pop("text_input")
    found: dict[str, Any] = form.pop("served", {})
    assert form == {}
    return found


def form(holder: Any) -> dict[str, Any]:
    """The recorded form of a message, part or tool."""
    found: dict[str, Any] = json.loads(holder.provider_details_json["openai-responses.form"])
    return found


def details(holder: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(holder.provider_details_json["openai-responses"])
    return found


def refused(**fields: Any) -> tuple[str, str]:
    """(param, code) of the 400."""
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert caught.value.http_status == 400
    assert caught.value.message
    return caught.value.field, caught.value.code
