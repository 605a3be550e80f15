"""What an Anthropic client sends, and what the face makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message
from gateway_dialects.anthropic.parse_request import parse_chat
from gateway_dialects.kit.server import ParsedChat

Json = dict[str, Any]

USER: Json = {"role": "user", "content": "Hi"}


def body_of(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 100, "messages": [USER], **fields}).encode()


def parsed(beta: str = "", **fields: Any) -> ParsedChat:
    """A request to the model m, which says Hi unless the fields say otherwise."""
    return parse_chat(body_of(**fields), beta)


def chat(**fields: Any) -> ChatRequest:
    return parsed(**fields).chat


def messages(*items: Json) -> list[Message]:
    """What the contract makes of a conversation."""
    return list(chat(messages=list(items)).messages)


def refused(**fields: Any) -> GatewayError:
    """How such a request fails."""
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.reason) == (400, "INVALID_REQUEST")
    assert caught.value.field in caught.value.message
    return caught.value


def details(text: Json) -> dict[str, str]:
    """provider_details_json or provider_options_json with these fields of this dialect."""
    return {"anthropic": json.dumps(text, separators=(",", ":"), ensure_ascii=False)}
