"""Thought signatures: where they go back, what stands for a lost one, and who never sees them."""

from __future__ import annotations

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
    media,
    reasoning,
    result,
    sent,
    user,
)

SKIP = "skip_thought_signature_validator"


def answer_of(*parts: Part | str, model: str = NEWER) -> list[dict[str, Any]]:
    """The model's parts of a conversation in which these came before."""
    ids = [part.tool_call.id for part in parts if isinstance(part, Part) and part.WhichOneof("kind") == "tool_call"]
    found: list[dict[str, Any]] = contents(
        user("Go"), assistant(*parts), *[result(call_id, "ok") for call_id in ids], user("So?"), model=model
    )[1]["parts"]
    return found


def seals(parts: list[dict[str, Any]]) -> list[str | None]:
    return [part.get("thoughtSignature") for part in parts]


def signed(part: Part, value: str = "c2ln", provider: str = "gemini") -> Part:
    part.signature.provider, part.signature.value = provider, value
    return part


def test_a_signature_goes_back_on_its_part() -> None:
    assert seals(answer_of(signed(call("c", "f")), call("d", "g"))) == ["c2ln", None]
    assert seals(answer_of(signed(call("c", "f")), model=FLASH)) == ["c2ln"]
    assert seals(answer_of("Well.", signed(Part(text="Done.")), model=FLASH)) == [None, "c2ln"]
    assert seals(answer_of(signed(media(data=b"a", mime_type="image/png")), model=FLASH)) == ["c2ln"]


def test_a_signature_that_a_grpc_caller_put_into_the_details_is_sent() -> None:
    assert seals(answer_of(call("c", "f", gemini='{"thoughtSignature":"c2ln"}'), call("d", "g"))) == ["c2ln", None]


def test_a_signature_of_another_provider_is_not_sent() -> None:
    message = assistant(signed(Part(text="Hm."), provider="other"), signed(call("c", "f"), provider="other"))
    body, lost = sent(asked(user("Go"), message, result("c", "ok")), NEWER)
    assert seals(body["contents"][1]["parts"]) == [None, SKIP]
    assert lost == ["messages[1].parts[0].signature", "messages[1].parts[1].signature"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["Well.", "Done."], [None, "c2ln"]),
        (["Well.", call("c", "f"), call("d", "g")], ["c2ln", None, None]),
        ([call("c", "f"), call("d", "g")], ["c2ln", None]),
        ([signed(Part(text="Well."), "eA=="), signed(call("c", "f"), "eQ==")], ["eA==", "eQ=="]),
    ],
)
def test_a_signature_that_came_apart_goes_to_the_last_text_or_the_first_call(
    parts: list[Part | str], expected: list[str | None]
) -> None:
    carrier = Part(reasoning=Reasoning(encrypted="c2ln", provider="gemini"))
    assert seals(answer_of(carrier, *parts, model=FLASH)) == expected


def test_a_lost_signature_is_stood_in_for_where_the_model_wants_one() -> None:
    assert seals(answer_of("Let me see.", call("c", "f"), call("d", "g"))) == [None, SKIP, None]
    assert seals(answer_of(call("c", "f"), model=NEWER_FLASH)) == [SKIP]


@pytest.mark.parametrize("model", [FLASH, "gemma-3-27b-it", "tunedModels/my-gemini-3", "not-gemini-3"])
def test_no_other_model_gets_the_stand_in(model: str) -> None:
    assert seals(answer_of(call("c", "f"), model=model)) == [None]


def test_calls_that_a_client_keeps_in_several_contents_have_one_signature() -> None:
    first, later = signed(call("c", "f")), call("d", "g")
    later.provider_details_json["gemini.form"] = '{"new_content":true}'
    found = contents(user("Go"), assistant(first, later), result("c", "1"), result("d", "2"), model=NEWER)
    assert [seals(content["parts"]) for content in found[1:3]] == [["c2ln"], [None]]


def test_a_seal_of_another_provider_is_no_signature() -> None:
    sealed = reasoning("hm", signature="anthropics", provider="anthropic")
    body, _ = sent(asked(user("Go"), assistant(sealed, call("c", "f")), result("c", "ok")), NEWER)
    assert seals(body["contents"][1]["parts"]) == [SKIP]


def test_gemini_s_own_thought_goes_back_with_its_seal() -> None:
    parts = answer_of(reasoning("hm", provider="gemini", signature="dA=="), "So.")
    assert parts == [{"text": "hm", "thought": True, "thoughtSignature": "dA=="}, {"text": "So."}]
