"""Reasoning that nobody signed: Claude refuses it, and models of other makers behind this API need it back."""

from __future__ import annotations

import json

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Part, Reasoning, ToolCall, ToolResult
from gateway_core.models.table import ModelTable
from gateway_core.providers.vendors import vendor_of
from gateway_dialects.anthropic import CLIENT
from gateway_dialects.kit.dialect import Endpoint, Quirks


def sent(provider: str, model: str, reasoning: Reasoning) -> list[str]:
    """The types of the blocks of the assistant's turn."""
    row = vendor_of(provider, dialect="anthropic")
    quirks = row.quirks if row else Quirks()
    endpoint = Endpoint(provider, "anthropic", "http://u", quirks=quirks, capabilities_of=ModelTable(provider, "anthropic"))
    called = [Part(reasoning=reasoning), Part(tool_call=ToolCall(id="c1", name="f", arguments_json="{}"))]
    result = Part(tool_result=ToolResult(tool_call_id="c1", parts=[Part(text="x")]))
    request = ChatRequest(
        messages=[
            Message(role=ROLE_USER, parts=[Part(text="Hi")]),
            Message(role=ROLE_ASSISTANT, parts=called),
            Message(role=ROLE_TOOL, parts=[result]),
        ]
    )
    upstream, _ = CLIENT.encode_chat(request, model, endpoint, False)
    return [block["type"] for block in json.loads(upstream.body)["messages"][1]["content"]]


UNSIGNED = Reasoning(text="I call f.")
FOREIGN = Reasoning(text="I call f.", signature="s", provider="gemini")


@pytest.mark.parametrize(
    ("provider", "model", "reasoning", "kept"),
    [
        ("anthropic", "claude-sonnet-4-5", UNSIGNED, False),
        ("anthropic", "a-model-of-tomorrow", UNSIGNED, False),
        ("corp", "claude-sonnet-4-5", UNSIGNED, False),
        ("corp", "deepseek-v4-pro", UNSIGNED, True),
        ("deepseek", "deepseek-chat", UNSIGNED, True),
        ("moonshot", "kimi-k2.5", UNSIGNED, True),
        ("deepseek", "deepseek-chat", FOREIGN, False),
    ],
)
def test_unsigned_reasoning(provider: str, model: str, reasoning: Reasoning, kept: bool) -> None:
    assert sent(provider, model, reasoning) == ["thinking"] * kept + ["tool_use"]
