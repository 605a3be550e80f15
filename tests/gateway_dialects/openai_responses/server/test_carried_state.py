"""What other providers need of their reasoning comes back through the client, and reaches nobody else."""

from __future__ import annotations

import base64
import json

import pytest

from dragoman.v1.content_pb2 import Opaque, Part, Reasoning, ToolCall
from tests.gateway_dialects.openai_responses.server.answers import output_of
from tests.gateway_dialects.openai_responses.server.reading import messages_of


def returned(part: Part) -> Part:
    """The part as a client gives it back."""
    (item,) = output_of(part)
    ((found,),) = [message.parts for message in messages_of(item)]
    return found


@pytest.mark.parametrize(
    "part",
    [
        Part(reasoning=Reasoning(text="Hm\n\nso", signature="s", provider="anthropic")),
        Part(reasoning=Reasoning(encrypted="e", provider="anthropic"), provider_details_json={"anthropic": '{"a":1}'}),
        Part(reasoning=Reasoning(text="S", summary=True, signature="s", provider="gemini")),
        Part(reasoning=Reasoning(text="unsigned"), provider_details_json={"openai": '{"x":1}', "gemini.form": '{"y":2}'}),
        Part(reasoning=Reasoning(text="A", encrypted="e", provider="xai-responses-v1", id="rs_9")),
        Part(opaque=Opaque(dialect="anthropic", json='{"type":"server_tool_use"}')),
        Part(opaque=Opaque(dialect="gemini", json='{"executableCode":{}}')),
    ],
)
def test_another_providers_reasoning_comes_back_as_it_was(part: Part) -> None:
    assert returned(part) == part


def test_this_dialects_own_travels_as_it_is() -> None:
    part = Part(reasoning=Reasoning(text="S", summary=True, encrypted="gAAA", provider="openai-responses"))
    (item,) = output_of(part)
    assert (item["summary"], item["encrypted_content"]) == ([{"type": "summary_text", "text": "S"}], "gAAA")
    part.reasoning.id = item["id"]
    assert returned(part).reasoning == part.reasoning


def test_thoughts_of_this_dialects_own_are_content() -> None:
    part = Part(reasoning=Reasoning(text="Hm", provider="openai-responses"))
    (item,) = output_of(part)
    assert (item["summary"], item["content"]) == ([], [{"type": "reasoning_text", "text": "Hm"}])
    part.reasoning.id = item["id"]
    assert returned(part).reasoning == part.reasoning


@pytest.mark.parametrize(
    "part", [Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}")), Part(text="Hi"), Part(refusal="No.")]
)
def test_another_providers_signature_comes_back(part: Part) -> None:
    part.signature.provider, part.signature.value = "gemini", "s"
    found = returned(part)
    assert (found.signature, found.tool_call, found.text, found.refusal) == (
        part.signature,
        part.tool_call,
        part.text,
        part.refusal,
    )
    assert "signature" not in json.dumps(dict(found.provider_details_json))


def test_what_another_provider_must_know_of_its_call_comes_back() -> None:
    details = {"gemini": '{"thoughtSignature":"s"}', "openai-responses": '{"id":"fc_9"}'}
    part = Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"), provider_details_json=details)
    found = returned(part)
    assert found.tool_call == part.tool_call
    assert json.loads(found.provider_details_json["gemini"]) == {"thoughtSignature": "s"}
    assert json.loads(found.provider_details_json["openai-responses"])["id"] == "fc_9"


@pytest.mark.parametrize(
    "forged",
    [
        "!",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b'{"provider":1}').decode(),
        base64.urlsafe_b64encode(b'{"provider":"anthropic","d":{"anthropic":"["}}').decode(),
        base64.urlsafe_b64encode(b'{"dialect":"anthropic","e":"1"}').decode(),
    ],
)
def test_what_this_gateway_cannot_have_packed_is_unsigned(forged: str) -> None:
    summary = [{"type": "summary_text", "text": "Hm"}]
    (message,) = messages_of({"type": "reasoning", "summary": summary, "encrypted_content": f"dragoman.1.{forged}"})
    assert message.parts[0] == Part(reasoning=Reasoning(text="Hm", summary=True))
