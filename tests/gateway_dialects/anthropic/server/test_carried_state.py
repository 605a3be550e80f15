"""State of other providers on its way through an Anthropic client, which gives back only signatures and citations."""

from __future__ import annotations

import base64
import json

import pytest

from dragoman.v1.chat_pb2 import Candidate, ChatResponse
from dragoman.v1.content_pb2 import Citation, Part, Reasoning, Signature, ToolCall
from gateway_dialects.anthropic.render_response import render_chat
from tests.gateway_dialects.anthropic.server.reading import Json, messages

FOREIGN = [
    Part(reasoning=Reasoning(text="Hm.", signature="GS=", provider="gemini")),
    Part(reasoning=Reasoning(text="So.", encrypted="OE=", provider="openai", summary=True)),
    Part(reasoning=Reasoning(encrypted="OE=")),
    Part(
        reasoning=Reasoning(text="Hm.", signature="GS="),
        provider_details_json={"openai": '{"format":"google-gemini-v1","index":0}'},
    ),
    Part(reasoning=Reasoning(text="Hm.", encrypted="E=", provider="openai-responses", id="rs_1")),
]


def block_of(part: Part) -> Json:
    """What the client sees."""
    found: Json = json.loads(render_chat(ChatResponse(candidates=[Candidate(parts=[part])]), "f"))["content"][0]
    return found


def given_back(block: Json) -> Part:
    return messages({"role": "assistant", "content": [block, {"type": "text", "text": "x"}]})[0].parts[0]


@pytest.mark.parametrize("part", FOREIGN)
def test_what_another_provider_signed_comes_back_as_it_was(part: Part) -> None:
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
def test_anthropics_own_and_what_nobody_signed_is_not_packed(part: Part) -> None:
    block = block_of(part)
    assert "dragoman" not in json.dumps(block)
    assert given_back(block) == part


def packed(text: bytes) -> str:
    return "dragoman.1." + base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "signature",
    [
        "dragoman.1.",
        "dragoman.1.!!!",
        "dragoman.1.äöü",
        packed(b"["),
        packed(b"[]"),
        packed(b'{"provider":5}'),
        packed(b'{"d":{"openai":"["}}'),
        packed(b'{"d":{"openai":"[]"}}'),
        packed(b'{"d":{"openai":5}}'),
        packed(b"\xff"),
    ],
)
def test_state_that_nobody_here_packed_counts_as_none(signature: str) -> None:
    part = given_back({"type": "thinking", "thinking": "Hm.", "signature": signature})
    assert part == Part(reasoning=Reasoning(text="Hm."))


def history(*parts: Part) -> list[Part]:
    """The parts of an answer after a client has given it back."""
    blocks = json.loads(render_chat(ChatResponse(candidates=[Candidate(parts=parts)]), "f"))["content"]
    return list(messages({"role": "assistant", "content": blocks})[0].parts)


def test_another_providers_signatures_of_tool_calls_come_back_on_their_calls() -> None:
    parts = [
        Part(reasoning=Reasoning(text="Hm.", provider="gemini")),
        Part(tool_call=ToolCall(id="a", name="f", arguments_json="{}"), signature=Signature(provider="gemini", value="A=")),
        Part(tool_call=ToolCall(id="b", name="f", arguments_json="{}")),
        Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"), signature=Signature(provider="gemini", value="C=")),
    ]
    assert history(*parts) == parts


def test_a_signature_whose_call_is_gone_is_gone() -> None:
    call = Part(tool_call=ToolCall(id="a", name="f"), signature=Signature(provider="gemini", value="A="))
    carrier = block_of(call)
    assert (carrier["type"], carrier["thinking"]) == ("thinking", "")
    other = {"type": "tool_use", "id": "b", "name": "f", "input": {}}
    parts = messages({"role": "assistant", "content": [carrier, other]})[0].parts
    assert list(parts) == [Part(tool_call=ToolCall(id="b", name="f", arguments_json="{}"))]


def test_citations_of_other_providers_come_back_as_they_were() -> None:
    page = Citation(uri="https://e/", title="E", cited_text="c", start_index=0, end_index=2, source_id="s")
    page.provider_details_json["cohere"] = '{"sources":[]}'
    part = Part(
        text="So.", citations=[page, Citation(title="D", cited_text="d", source_id="f-1"), Citation(uri="https://f/")]
    )
    assert history(part) == [part]


@pytest.mark.parametrize("state", [b'{"s":[0]}', b'{"s":[-1,2]}', b'{"s":[0,2147483648]}', b'{"s":5}', b"[]"])
def test_a_citation_that_nobody_here_packed_is_no_providers(state: bytes) -> None:
    citation = {"type": "char_location", "document_title": "D", "cited_text": "d", "encrypted_index": packed(state)}
    block = {"type": "text", "text": "So.", "citations": [citation]}
    part = messages({"role": "assistant", "content": [block, block]})[0].parts[0]
    assert part == Part(text="So.", citations=[Citation(title="D", cited_text="d")])
