"""What a client says beside its choice of a tool reaches the provider of its own form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.properties.faces import FACES, Face
from tests.properties.targets import EVERY_DIALECT

USER = {"role": "user", "content": "Hi"}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
CHAT = {"model": "m", "messages": [USER], "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]}
RESPONSES = {"model": "m", "input": "Hi", "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]}
MESSAGES = {"model": "m", "max_tokens": 9, "messages": [USER], "tools": [{"name": "f", "input_schema": SCHEMA}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "tools": [{"functionDeclarations": [{"name": "f"}]}]}
OWN = {"own": 1}
CHOICES: list[tuple[str, dict[str, Any], str, Any]] = [
    ("openai", CHAT, "tool_choice", {"type": "function", "function": {"name": "f", **OWN}, **OWN}),
    ("mistral", CHAT, "tool_choice", {"type": "function", "function": {"name": "f", **OWN}, **OWN}),
    ("openai-responses", RESPONSES, "tool_choice", {"type": "function", "name": "f", **OWN}),
    (
        "openai-responses",
        RESPONSES,
        "tool_choice",
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}], **OWN},
    ),
    ("anthropic", MESSAGES, "tool_choice", {"type": "tool", "name": "f", **OWN}),
    ("anthropic", MESSAGES, "tool_choice", {"type": "any", **OWN}),
    ("gemini", CONTENTS, "toolConfig", {"functionCallingConfig": {"mode": "ANY", **OWN}, **OWN}),
]


@pytest.mark.parametrize(("name", "body", "field", "choice"), CHOICES)
def test_all_of_a_choice_arrives(name: str, body: dict[str, Any], field: str, choice: Any) -> None:
    face: Face = next(face for face in FACES if face.name == name)
    target = next(target for target in EVERY_DIALECT if target.dialect.name == name)
    sent, warnings, _ = target.encode(face.parse(json.dumps({**body, field: choice}).encode()))
    assert (sent[field], list(warnings)) == (choice, [])
