"""What is kept of a response, and how it is listed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from gateway_dialects.openai_responses.parse_items import listed
from gateway_dialects.openai_responses.stored import Stored, elsewhere_in, render_page, resolved, unpack, whole_input

Json = dict[str, Any]
OUTPUT: Json = {"id": "msg_a_0", "type": "message", "role": "assistant", "content": []}


def stored(response_id: str = "resp_a", *items: Json, output: tuple[Json, ...] = (OUTPUT,)) -> Stored:
    return Stored({"id": response_id, "output": list(output)}, list(items))


def page(items: list[Json], **wanted: Any) -> Json:
    found: Json = json.loads(render_page(items, **{"limit": 20, "order": "asc", "after": "", **wanted}))
    return found


def test_what_is_packed_is_unpacked() -> None:
    for one in (stored("resp_a", *listed("Hi")), Stored({"id": "resp_b", "output": []}, [], "conversation")):
        assert unpack(one.pack()) == one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"response": {}, "input": []}',
        '{"response": {"id": 7, "output": []}, "input": []}',
        '{"response": {"id": "a", "output": 7}, "input": []}',
        '{"response": {"id": "a", "output": [7]}, "input": []}',
        '{"response": {"id": "a", "output": []}, "input": ["Hi"]}',
        '{"response": {"id": "a", "output": []}, "input": null}',
        '{"response": [], "input": []}',
    ],
)
def test_what_nobody_packed(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        unpack(text)
    assert (caught.value.http_status, caught.value.reason) == (503, "STORAGE_UNAVAILABLE")


def test_every_item_has_an_id() -> None:
    """Its own, or one of its place; that of an answer's item is the provider's."""
    items = [
        *listed("Hi"),
        {"type": "function_call_output", "call_id": "c", "output": "1"},
        {"type": "message", "role": "user", "id": "msg_mine", "content": []},
        {"type": "of_the_future"},
    ]
    one = stored("resp_abc", *items, output=(OUTPUT, {"type": "without_id"}))
    assert one.part_ids() == ["msg_in0_abc", "fco_in1_abc", "msg_mine", "item_in3_abc", "msg_a_0"]


def test_items_as_they_are_listed() -> None:
    call = {"type": "function_call_output", "call_id": "c", "output": "1"}
    reference = {"type": "item_reference", "id": "rs_1"}
    assert stored("resp_a", *listed("Hi"), call, reference).listed_input() == [
        {
            "id": "msg_in0_a",
            "status": "completed",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hi"}],
        },
        {"id": "fco_in1_a", "status": "completed", **call},
        reference,
    ]


def test_the_input_of_the_last_of_several() -> None:
    chain = [stored("resp_a", *listed("One")), stored("resp_b", *listed("Two"), output=())]
    assert [item["id"] for item in whole_input(chain)] == ["msg_in0_a", "msg_a_0", "msg_in0_b"]


def test_references_that_are_resolved() -> None:
    references: list[Json] = [{"type": "item_reference", "id": "a"}, {"id": "a"}, {"type": "item_reference", "id": "b"}]
    assert resolved([*references, {"type": "message", "id": "a"}], {"a": OUTPUT}) == [
        OUTPUT,
        OUTPUT,
        references[2],
        {"type": "message", "id": "a"},
    ]


def test_pages() -> None:
    items = [{"id": str(number)} for number in range(5)]
    assert page(items, limit=2) == {"object": "list", "data": items[:2], "first_id": "0", "last_id": "1", "has_more": True}
    assert page(items, limit=3, after="1")["has_more"] is False
    assert [item["id"] for item in page(items, order="desc", after="3")["data"]] == ["2", "1", "0"]
    assert page(items, after="4") == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    with pytest.raises(GatewayError) as caught:
        page(items, after="5")
    assert (caught.value.http_status, caught.value.field) == (400, "after")


def test_what_only_the_provider_stores() -> None:
    assert elsewhere_in({"conversation": "c", "prompt": {"id": "p"}}) == "conversation"
    assert elsewhere_in({"conversation": None, "prompt": {"id": "p"}}) == "prompt"
    assert elsewhere_in({"input": "conversation"}) == ""
