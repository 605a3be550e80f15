"""Efforts of reasoning that a vendor does not know become the nearest one that it does, and the client is told."""

from __future__ import annotations

import json

import pytest

from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.content_pb2 import Message, Part, Role
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from tests.fitted import encode_fitted, endpoint_at

ROWS = {vendor.name: vendor for vendor in VENDORS}
HI = [Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])]


@pytest.mark.parametrize(
    ("vendor", "model", "effort", "word"),
    [
        ("openai", "o3-mini", "xhigh", "high"),
        ("openai", "o3-mini", "minimal", "low"),
        ("openai", "o1", "none", "low"),
        ("openai", "gpt-5-mini", "none", "minimal"),
        ("openai", "gpt-5-mini", "minimal", "minimal"),
        ("openai", "gpt-5-pro", "low", "high"),
        ("openai", "gpt-5.1", "minimal", "low"),
        ("openai", "gpt-5.1", "none", "none"),
        ("openai", "gpt-5.1-codex-max", "max", "xhigh"),
        ("openai", "gpt-5.6", "max", "max"),
        ("openai", "gpt-9", "max", "max"),
        ("groq", "qwen/qwen3-32b", "default", "default"),
        ("groq", "openai/gpt-oss-20b", "max", "high"),
        ("google", "gemini-3-flash", "xhigh", "high"),
        ("deepseek", "deepseek-chat", "minimal", "low"),
        ("mistral", "mistral-small-latest", "low", "high"),
        ("cohere", "command-a-reasoning", "none", "none"),
        ("together", "m", "max", "max"),
    ],
)
def test_the_nearest_effort(vendor: str, model: str, effort: str, word: str) -> None:
    request = ChatRequest(messages=HI, reasoning=ReasoningSettings(effort=effort))
    upstream, warnings = encode_fitted(request, model, endpoint_at(ROWS[vendor]))
    assert json.loads(upstream.body)["reasoning_effort"] == word
    assert [(warning.field, word in warning.message) for warning in warnings] == (
        [] if word == effort else [("reasoning.effort", True)]
    )
