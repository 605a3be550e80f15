"""Other providers' reasoning on its way through an Anthropic client, which gives back only a signature."""

from __future__ import annotations

import base64
import json

import pytest

from dragoman.v1.chat_pb2 import Candidate, ChatResponse
from dragoman.v1.content_pb2 import Part, Reasoning
from gateway_dialects.anthropic.server.render import render_chat
from tests.gateway_dialects.anthropic.server.reading import Json, messages

FOREIGN = [
    Part(reasoning=Reasoning(text="Hm.", signature="GS=", provider="gemini")),
    Part(reasoning=Reasoning(text="So.", encrypted="OE=", provider="openai", summary=True)),
    Part(reasoning=Reasoning(encrypted="OE=")),
    Part(
        reasoning=Reasoning(text="Hm.", signature="GS="),
        provider_details_json={"openai": '{"$field":"reasoning_details","format":"google-gemini-v1","index":0}'},
    ),
]


def block_of(part: Part) -> Json:
    """What the client sees."""
    found: Json = json.loads(render_chat(ChatResponse(candidates=[Candidate(parts=[part])]), "f"))["content"][0]
    return found


def given_back(block: Json) -> Part:
    return messages({"role": "assistant", "content": [block, {"type": "text", "text": "x"}]})[0].parts[0]


@pytest.mark.parametrize("part", FOREIGN)
def test_what_another_provider_sealed_comes_back_as_it_was(part: Part) -> None:
    block = block_of(part)
    assert (block["type"], block["thinking"]) == ("thinking", part.reasoning.text)
    assert block["signature"].startswith("dragoman.1.")
    assert given_back(block) == part


@pytest.mark.parametrize(
    "part",
    [
        Part(reasoning=Reasoning(text="Hm.", signature="S=", provider="anthropic")),
        Part(reasoning=Reasoning(signature="S=", provider="anthropic")),
        Part(reasoning=Reasoning(encrypted="R=", provider="anthropic")),
        Part(reasoning=Reasoning(text="Hm.")),
    ],
)
def test_anthropics_own_and_what_nobody_sealed_need_no_wrapping(part: Part) -> None:
    block = block_of(part)
    assert "dragoman" not in json.dumps(block)
    assert given_back(block) == part


def wrapped(text: bytes) -> str:
    return "dragoman.1." + base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "signature",
    [
        "dragoman.1.",
        "dragoman.1.!!!",
        "dragoman.1.äöü",
        wrapped(b"["),
        wrapped(b"[]"),
        wrapped(b'{"provider":5}'),
        wrapped(b'{"d":{"openai":"["}}'),
        wrapped(b'{"d":{"openai":"[]"}}'),
        wrapped(b'{"d":{"openai":5}}'),
        wrapped(b"\xff"),
    ],
)
def test_a_seal_that_nobody_here_wrapped_counts_as_none(signature: str) -> None:
    part = given_back({"type": "thinking", "thinking": "Hm.", "signature": signature})
    assert part == Part(reasoning=Reasoning(text="Hm."))
