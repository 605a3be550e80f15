"""Thought signatures: where they go back, what stands for a lost one, and who never sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.content_pb2 import Part, Reasoning
from tests.gateway_dialects.gemini.client.asking import (
    FLASH,
    NEWER,
    NEWER_FLASH,
    asked,
    assistant,
    call,
    contents,
    reasoning,
    result,
    sent,
    user,
)

SKIP = "skip_thought_signature_validator"
EXTRA = json.dumps({"extra_content": {"google": {"thought_signature": "c2ln"}}})
LITELLM = json.dumps({"provider_specific_fields": {"thought_signature": "c2ln"}})
LITELLM_INSIDE = json.dumps({"function": {"provider_specific_fields": {"thought_signature": "c2ln"}}})


def answer_of(*parts: Part | str, model: str = NEWER) -> list[dict[str, Any]]:
    """The model's parts of a conversation in which these came before."""
    ids = [part.tool_call.id for part in parts if isinstance(part, Part) and part.WhichOneof("kind") == "tool_call"]
    found: list[dict[str, Any]] = contents(
        user("Go"), assistant(*parts), *[result(call_id, "ok") for call_id in ids], user("So?"), model=model
    )[1]["parts"]
    return found


def seals(parts: list[dict[str, Any]]) -> list[str | None]:
    return [part.get("thoughtSignature") for part in parts]


@pytest.mark.parametrize(
    "details",
    [{"gemini": '{"thoughtSignature":"c2ln"}'}, {"openai": EXTRA}, {"openai": LITELLM}, {"openai": LITELLM_INSIDE}],
)
def test_every_way_to_carry_a_signature_is_read(details: dict[str, str]) -> None:
    assert seals(answer_of(call("c", "f", **details), call("d", "g"))) == ["c2ln", None]
    assert seals(answer_of(call("c", "f", **details), model=FLASH)) == ["c2ln"]


def test_a_signature_in_reasoning_details_goes_to_its_call() -> None:
    item = json.dumps(
        {"type": "reasoning.encrypted", "format": "google-gemini-v1", "id": "d", "$field": "reasoning_details"}
    )
    carrier = Part(reasoning=Reasoning(encrypted="c2ln"), provider_details_json={"openai": item})
    assert seals(answer_of(carrier, call("c", "f"), call("d", "g"))) == [None, "c2ln"]


def test_a_signature_of_the_message_goes_to_its_last_words() -> None:
    message = assistant("Well.", "Done.")
    message.provider_details_json["openai"] = EXTRA
    assert seals(contents(user("Go"), message, user("So?"))[1]["parts"]) == [None, "c2ln"]


def test_a_lost_signature_is_stood_in_for_where_the_model_wants_one() -> None:
    assert seals(answer_of("Let me see.", call("c", "f"), call("d", "g"))) == [None, SKIP, None]
    assert seals(answer_of(call("c", "f"), model=NEWER_FLASH)) == [SKIP]


@pytest.mark.parametrize("model", [FLASH, "gemma-3-27b-it", "tunedModels/my-gemini-3", "not-gemini-3"])
def test_no_other_model_gets_the_stand_in(model: str) -> None:
    assert seals(answer_of(call("c", "f"), model=model)) == [None]


def test_calls_that_a_client_keeps_in_several_contents_have_one_signature() -> None:
    first = call("c", "f", gemini='{"thoughtSignature":"c2ln"}')
    later = call("d", "g", gemini='{"$content":"new"}')
    found = contents(user("Go"), assistant(first, later), result("c", "1"), result("d", "2"), model=NEWER)
    assert [seals(content["parts"]) for content in found[1:3]] == [["c2ln"], [None]]


def test_a_seal_of_another_provider_is_no_signature() -> None:
    sealed = reasoning("hm", signature="anthropics", provider="anthropic")
    body, _ = sent(asked(user("Go"), assistant(sealed, call("c", "f")), result("c", "ok")), NEWER)
    assert seals(body["contents"][1]["parts"]) == [SKIP]


def test_gemini_s_own_thought_goes_back_with_its_seal() -> None:
    parts = answer_of(reasoning("hm", '{"thoughtSignature":"dA=="}'), "So.")
    assert parts == [{"text": "hm", "thought": True, "thoughtSignature": "dA=="}, {"text": "So."}]
