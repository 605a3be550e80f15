"""Requests as gRPC callers write them, and what is sent for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Media, Message, Part, Reasoning, Role, ToolCall, ToolResult
from dragoman.v1.routing_pb2 import Warning
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.fitted import encode_fitted

FLASH, FLASH_LITE, PRO = "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"
OLD, NEWER, NEWER_FLASH = "gemini-2.0-flash", "gemini-3-pro-preview", "gemini-3-flash-preview"
URL = "https://upstream.example/v1beta"
ENDPOINT = Endpoint("google", "gemini", URL, keys=(Secret("secret-key"),), capabilities_of=ModelTable("google", "gemini"))


def said(role: Role.ValueType, *parts: Part | str) -> Message:
    return Message(role=role, parts=[Part(text=part) if isinstance(part, str) else part for part in parts])


def system(*parts: Part | str) -> Message:
    return said(Role.ROLE_SYSTEM, *parts)


def user(*parts: Part | str) -> Message:
    return said(Role.ROLE_USER, *parts)


def assistant(*parts: Part | str) -> Message:
    return said(Role.ROLE_ASSISTANT, *parts)


def call(call_id: str, name: str, arguments: str = "{}", **details: str) -> Part:
    return Part(tool_call=ToolCall(id=call_id, name=name, arguments_json=arguments), provider_details_json=details)


def result(call_id: str, *parts: Part | str, is_error: bool = False) -> Message:
    inner = [Part(text=part) if isinstance(part, str) else part for part in parts]
    return said(Role.ROLE_TOOL, Part(tool_result=ToolResult(tool_call_id=call_id, parts=inner, is_error=is_error)))


def reasoning(text: str, details: str = "", **fields: Any) -> Part:
    return Part(reasoning=Reasoning(text=text, **fields), provider_details_json={"gemini": details} if details else {})


def media(**fields: Any) -> Part:
    return Part(media=Media(**fields))


def asked(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="google/m", messages=messages or [user("Hi")], **fields)


def sent(request: ChatRequest, model: str = FLASH) -> tuple[dict[str, Any], list[str]]:
    """The body, and the fields that were left out."""
    upstream, warnings = encode_fitted(request, model, ENDPOINT)
    return json.loads(upstream.body), fields_of(warnings)


def fields_of(warnings: Sequence[Warning]) -> list[str]:
    assert all(warning.provider == "google" and warning.message for warning in warnings)
    return [warning.field for warning in warnings]


def contents(*messages: Message, model: str = FLASH) -> Any:
    """The contents that are sent; nothing may have been left out."""
    body, lost = sent(asked(*messages), model)
    assert lost == []
    return body["contents"]
