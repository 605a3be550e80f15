"""Reasoning that a vendor passes on for others, as OpenRouter does: it returns to that vendor as it was written, whichever
API its client speaks, and although that may be the API of who signed it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatResponse
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.reading import read_stream
from tests.properties.faces import FACES, Face
from tests.properties.targets import Target
from tests.properties.test_next_turns import NEXT

Json = dict[str, Any]
OPENROUTER = Target(next(vendor for vendor in VENDORS if vendor.name == "openrouter"), "vendor/model")
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def item(kind: str, form: str, **fields: str) -> Json:
    return {"type": f"reasoning.{kind}", "format": form, "index": 0, **fields}


GIVEN: Mapping[str, list[Json]] = {
    "signed by Claude": [item("text", "anthropic-claude-v1", text="Let me", signature="seal-of-claude")],
    "hidden by Claude": [item("encrypted", "anthropic-claude-v1", data="seal-of-claude")],
    "a call, signed by Gemini": [
        item("text", "google-gemini-v1", text="Let me"),
        item("encrypted", "google-gemini-v1", id="call_1", data="seal-of-gemini"),
    ],
    "encrypted by OpenAI": [
        item("summary", "openai-responses-v1", summary="Let me"),
        item("encrypted", "openai-responses-v1", id="rs_1", data="seal-of-openai"),
    ],
    "encrypted by xAI": [item("encrypted", "xai-responses-v1", id="rs_1", data="seal-of-xai")],
}
CARRYING = [face for face in FACES if face.name in NEXT and face.name != "mistral"]
"""Their forms have a place for what returns in another form."""


def whole(items: Sequence[Json]) -> ChatResponse:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_details": items}
    choice: Json = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return OPENROUTER.dialect.chat.decode(json.dumps({"id": "c", "choices": [choice]}).encode(), "openrouter")


def chunks(items: Sequence[Json]) -> bytes:
    deltas: list[Json] = [{"content": "", "reasoning_details": [one]} for one in items]
    deltas.append({"tool_calls": [{"index": 0, **CALL}]})
    choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    lines = [b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n" for choice in choices]
    return b"".join(lines) + b"data: [DONE]\n\n"


def given_back(face: Face, answer: ChatResponse) -> Any:
    """What the vendor gets in the next turn."""
    request = face.parse(json.dumps(NEXT[face.name](json.loads(face.render(answer)))).encode())
    body, _, _ = OPENROUTER.encode(request)
    return next(message for message in body["messages"] if message["role"] == "assistant").get("reasoning_details")


@pytest.mark.parametrize("face", CARRYING, ids=lambda face: face.name)
@pytest.mark.parametrize("case", GIVEN)
def test_a_whole_answer(face: Face, case: str) -> None:
    assert given_back(face, whole(GIVEN[case])) == GIVEN[case]


@pytest.mark.parametrize("face", CARRYING, ids=lambda face: face.name)
@pytest.mark.parametrize("case", GIVEN)
def test_a_stream(face: Face, case: str) -> None:
    """As its client adds it up."""
    written = face.write(read_stream(OPENROUTER.dialect, [chunks(GIVEN[case])]))

    assert given_back(face, accumulate(read_stream(face.dialect, [written]))) == GIVEN[case]
