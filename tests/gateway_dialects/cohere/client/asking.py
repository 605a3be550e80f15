"""What Cohere gets when a client of OpenAI's form, or a gRPC caller, asks."""

from __future__ import annotations

import json
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER, Message, Part
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.dialect import Endpoint, Secret
from gateway_dialects.openai.parse_request import parse_chat
from tests.fitted import encode_fitted

ENDPOINT = Endpoint(
    "cohere", "cohere", "https://api.cohere.ai", (Secret("k"),), capabilities_of=ModelTable("cohere", "cohere")
)
PLAIN, REASONING = "command-a-03-2025", "command-a-reasoning-08-2025"
WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TOOL = {"type": "function", "function": WEATHER}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "clear"}


def sent(request: ChatRequest, model: str = PLAIN) -> tuple[dict[str, Any], list[str]]:
    """The body without model and stream flag, and the fields that were warned of."""
    upstream, warnings = encode_fitted(request, model, ENDPOINT)
    body = json.loads(upstream.body)
    assert (body.pop("model"), body.pop("stream")) == (model, False)
    assert {warning.provider for warning in warnings} <= {"cohere"}
    assert all(warning.message for warning in warnings)
    return body, [warning.field for warning in warnings]


def asked(model: str = PLAIN, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """The same for a client of OpenAI's form; messages default to one that says Hi."""
    body = {"model": "cohere/m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return sent(parse_chat(json.dumps(body).encode()).chat, model)


def said(*messages: dict[str, Any], model: str = PLAIN) -> tuple[list[Any], list[str]]:
    """What becomes of the messages of a client of OpenAI's form."""
    body, warned = asked(model, messages=list(messages))
    messages_sent: list[Any] = body["messages"]
    return messages_sent, warned


def question(*parts: Part) -> ChatRequest:
    """Of a gRPC caller."""
    return ChatRequest(messages=[Message(role=ROLE_USER, parts=parts or [Part(text="Hi")])])
