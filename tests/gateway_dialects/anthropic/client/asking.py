"""Requests on their way to a provider of this dialect: as OpenAI's clients write them, and as gRPC callers build them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai.parse_request import parse_chat
from tests.fitted import encode_fitted

Json = dict[str, Any]

BUDGET_MODEL = "claude-sonnet-4-5"
"""Thinks within a budget, and has structured outputs."""
EITHER_MODEL = "claude-opus-4-6"
ADAPTIVE_MODEL = "claude-opus-4-8"
"""Thinks adaptively only, and can be forced to call a tool."""
LATE_MODEL = "claude-opus-5-5"
"""Always thinks, and cannot be forced to call a tool."""
OLD_MODEL = "claude-3-5-haiku-20241022"
"""Neither thinks nor has structured outputs."""
ENDPOINT = Endpoint("claude", "anthropic", "https://up/v1", capabilities_of=ModelTable("claude", "anthropic"))
HI: Json = {"role": "user", "content": "Hi"}


@dataclass(frozen=True)
class Sent:
    """What goes out, and what was told about it."""

    body: Json
    headers: Mapping[str, str]
    warned: list[str]
    """The fields that warnings name, in order."""
    messages: list[str]
    """The warnings' words."""

    @property
    def turns(self) -> list[Json]:
        found: list[Json] = self.body["messages"]
        return found


def send(request: ChatRequest, model: str = BUDGET_MODEL, endpoint: Endpoint = ENDPOINT, stream: bool = False) -> Sent:
    """A gRPC caller's request. Without messages it says Hi."""
    if not request.messages:
        request.messages.append(Message(role=Role.ROLE_USER, parts=[Part(text="Hi")]))
    upstream, warnings = encode_fitted(request, model, endpoint, stream)
    assert all(warning.provider == endpoint.provider and warning.message for warning in warnings)
    fields, texts = [warning.field for warning in warnings], [warning.message for warning in warnings]
    return Sent(json.loads(upstream.body), upstream.headers, fields, texts)


def ask(*messages: Json, model: str = BUDGET_MODEL, **fields: Any) -> Sent:
    """An OpenAI client's request. Without messages it says Hi."""
    return send(chat_request(*messages, **fields), model)


def chat_request(*messages: Json, **fields: Any) -> ChatRequest:
    body = {"model": "m", "messages": list(messages) or [HI], **fields}
    return parse_chat(json.dumps(body).encode()).chat


def refused(*messages: Json, model: str = BUDGET_MODEL, **fields: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ask(*messages, model=model, **fields)
    return caught.value


def call(call_id: str, name: str = "look", arguments: str = "{}") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*items: Json, content: str | None = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(items)}


def result(call_id: str, content: Any = "done") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def function(name: str = "look", **fields: Any) -> Json:
    return {"type": "function", "function": {"name": name, **fields}}
