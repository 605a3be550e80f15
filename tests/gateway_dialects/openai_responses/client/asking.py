"""Requests as they leave for a provider of the Responses API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.dialect import Endpoint, Secret
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES

ENDPOINT = Endpoint(
    "p", "openai-responses", "http://upstream/v1", (Secret("sk-1"),), capabilities_of=ModelTable("p", "openai-responses")
)
USER = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])


def own(details: dict[str, Any]) -> dict[str, str]:
    return {"openai-responses": json.dumps(details)}


def form(**fields: Any) -> dict[str, str]:
    """The recorded form of a part, message or tool."""
    return {"openai-responses.form": json.dumps(fields)}


def asked(request: ChatRequest, model: str = "gpt-4.1", *, stream: bool = False) -> tuple[dict[str, Any], list[str]]:
    """The body, and the fields that were warned about."""
    upstream, warnings = OPENAI_RESPONSES.encode_chat(request, model, ENDPOINT, stream)
    assert all(warning.provider == "p" and warning.message for warning in warnings)
    return json.loads(upstream.body), [warning.field for warning in warnings]


def input_of(*messages: Message) -> list[dict[str, Any]]:
    """The input items of a conversation about which there is nothing to warn."""
    body, warned = asked(ChatRequest(messages=messages))
    assert warned == []
    items: list[dict[str, Any]] = body["input"]
    return items


def refused(request: ChatRequest) -> tuple[Reason, str]:
    """(reason, field) of the error."""
    with pytest.raises(GatewayError) as caught:
        asked(request)
    assert caught.value.message
    return caught.value.reason, caught.value.field
