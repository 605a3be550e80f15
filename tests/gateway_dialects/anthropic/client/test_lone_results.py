"""Counts of results whose calls are not there."""

import json

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Part, ToolCall, ToolResult
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.anthropic import CLIENT
from tests.fitted import endpoint_at

ANTHROPIC = next(vendor for vendor in VENDORS if vendor.dialect == "anthropic")
RESULT = Message(role=ROLE_TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="t", name="f", parts=[Part(text="x")]))])


def test_a_result_alone_is_counted() -> None:
    """Gemini CLI counts pictures that tools gave it so."""
    assert CLIENT.count_tokens is not None
    request = ChatRequest(messages=[RESULT])
    encoded = CLIENT.count_tokens.encode(request, "claude-sonnet-4-5", endpoint_at(ANTHROPIC))
    called, answered = json.loads(encoded.request.body)["messages"][1:]
    assert called["content"] == [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    assert answered["content"] == [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]
    assert list(request.messages) == [RESULT], "a request is only read"


def test_a_whole_conversation_is_counted_as_it_is() -> None:
    assert CLIENT.count_tokens is not None
    call = Part(tool_call=ToolCall(id="t", name="f", arguments_json="{}"))
    asked = Message(role=ROLE_USER, parts=[Part(text="a")])
    request = ChatRequest(messages=[asked, Message(role=ROLE_ASSISTANT, parts=[call]), RESULT])
    encoded = CLIENT.count_tokens.encode(request, "claude-sonnet-4-5", endpoint_at(ANTHROPIC))
    assert len(json.loads(encoded.request.body)["messages"]) == 3
