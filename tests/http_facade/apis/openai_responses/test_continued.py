"""Responses that continue others: what the next provider is told of what was said, in its own words."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall

from tests.http_facade.apis.openai_responses.test_create import WEATHER
from tests.http_facade.serving import Provided, completion
from tests.upstream import json_reply

Json = dict[str, Any]


def of_anthropic(*content: Json, stop_reason: str = "end_turn") -> Json:
    usage = {"input_tokens": 5, "output_tokens": 7}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_sequence": None}
    return {**head, "content": list(content), "stop_reason": stop_reason, "usage": usage}


def of_responses(*output: Json, response_id: str = "resp_theirs") -> Json:
    usage = {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 12,
    }
    head = {"id": response_id, "object": "response", "created_at": 7, "status": "completed", "model": "gpt-5"}
    return {**head, "store": True, "output": list(output), "usage": usage}


def words(text: str, item_id: str) -> Json:
    content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}]
    return {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": content}


THOUGHT = {"type": "thinking", "thinking": "I should look.", "signature": "c2lnbmVk"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}}


def test_anthropic_is_told_all_that_was_said(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply(of_anthropic(THOUGHT, {"type": "text", "text": "Looking."}, USE, stop_reason="tool_use")))
    first = sdk.responses.create(model="at-anthropic/claude", input="Weather?", tools=[WEATHER])  # type: ignore[list-item]
    (call,) = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
    house.replies(json_reply(of_anthropic({"type": "text", "text": "Sunny."})))
    second = sdk.responses.create(
        model="at-anthropic/claude",
        input=[result],  # type: ignore[list-item]
        tools=[WEATHER],  # type: ignore[list-item]
        previous_response_id=first.id,
    )
    third = sdk.responses.create(model="at-anthropic/claude", input="Thanks", previous_response_id=second.id)
    assert third.output_text == "Sunny."
    sent = house.requests[1].json()["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "user"]
    assert sent[1]["content"] == [THOUGHT, {"type": "text", "text": "Looking."}, USE]
    assert sent[2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny"}]
    assert (sent[0]["content"], sent[3]["content"], sent[4]["content"]) == ("Weather?", "Sunny.", "Thanks")


def test_a_conversation_moves_between_providers(sdk: OpenAI, house: Provided) -> None:
    """No reasoning is lost on the way there and back."""
    house.replies(json_reply(of_anthropic(THOUGHT, {"type": "text", "text": "From Claude."})))
    first = sdk.responses.create(model="at-anthropic/claude", input="One?", instructions="Only for the first.")
    house.replies(json_reply(completion("From GPT.")))
    second = sdk.responses.create(model="at-openai/gpt", input="Two?", previous_response_id=first.id)
    (request,) = house.requests
    said = [(message["role"], message["content"]) for message in request.json()["messages"]]
    assert said == [("user", "One?"), ("assistant", "From Claude."), ("user", "Two?")]
    house.replies(json_reply(of_anthropic({"type": "text", "text": "Back."})))
    third = sdk.responses.create(model="at-anthropic/claude", input="Three?", previous_response_id=second.id)
    (request,) = house.requests
    assert THOUGHT in request.json()["messages"][1]["content"]
    assert "system" not in request.json()
    demo = sdk.responses.create(model="demo/echo", input="Four?", previous_response_id=third.id)
    assert demo.output_text == "Four?"
    assert demo.usage is not None
    assert demo.usage.input_tokens > 6


def test_a_provider_of_the_same_words(sdk: OpenAI, house: Provided) -> None:
    """It is told what was said, not a name for it: that is the gateway's own."""
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    house.replies(json_reply(of_responses(reasoning, words("Blue.", "msg_1"))))
    first = sdk.responses.create(model="at-openai-responses/gpt-5", input="Colour?")
    assert first.id == "resp_theirs"
    house.replies(json_reply(of_responses(words("Dark.", "msg_2"), response_id="resp_other")))
    second = sdk.responses.create(
        model="at-openai-responses/gpt-5", input="Which?", previous_response_id=first.id, store=False
    )
    assert (second.previous_response_id, second.to_dict()["store"]) == ("resp_theirs", False)
    (request,) = house.requests
    sent = request.json()
    assert "previous_response_id" not in sent
    assert sent["store"] is False
    assert [item.get("type", "message") for item in sent["input"]] == ["message", "reasoning", "message", "message"]
    assert sent["input"][1]["encrypted_content"] == "gAAA"


def test_items_that_are_only_referred_to(sdk: OpenAI, house: Provided) -> None:
    """As AI SDKs send them, which count on what is stored."""
    house.replies(json_reply(of_anthropic(THOUGHT, {"type": "text", "text": "Looking."}, USE, stop_reason="tool_use")))
    first = sdk.responses.create(model="at-anthropic/claude", input="Weather?", tools=[WEATHER])  # type: ignore[list-item]
    shown = house.facade.client.get(f"/v1/responses/{first.id}/input_items").json()["data"]
    references: list[Any] = [
        {"type": "item_reference", "id": shown[0]["id"]},
        *({"type": "item_reference", "id": item.id} for item in first.output),
        {"type": "function_call_output", "call_id": "toolu_1", "output": "Sunny"},
    ]
    house.replies(json_reply(of_anthropic({"type": "text", "text": "Sunny."})))
    second = sdk.responses.create(model="at-anthropic/claude", input=references)
    (request,) = house.requests
    sent = request.json()["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"] in ("Weather?", [{"type": "text", "text": "Weather?"}])
    assert sent[1]["content"] == [THOUGHT, {"type": "text", "text": "Looking."}, USE]
    # What was referred to is kept with what refers to it.
    sdk.responses.delete(first.id)
    third = sdk.responses.create(model="at-anthropic/claude", input="And?", previous_response_id=second.id)
    assert third.output_text == "Sunny."
    assert house.requests[1].json()["messages"][1]["content"] == [THOUGHT, {"type": "text", "text": "Looking."}, USE]


def test_references_to_nothing_that_is_kept(sdk: OpenAI, house: Provided) -> None:
    lost: list[Any] = [{"type": "item_reference", "id": "msg_lost"}, {"role": "user", "content": "Hi"}]
    for model in ("demo/echo", "at-anthropic/claude"):
        with pytest.raises(openai.NotFoundError, match="Item with id 'msg_lost' not found"):
            sdk.responses.create(model=model, input=lost)
    # Their own provider may know it.
    house.replies(json_reply(of_responses(words("Hm.", "msg_1"))))
    sdk.responses.create(model="at-openai-responses/gpt-5", input=lost)
    assert {"type": "item_reference", "id": "msg_lost"} in house.requests[0].json()["input"]
    # What was kept of it is a reference too, and nothing that others could refer to.
    with pytest.raises(openai.NotFoundError, match="Item with id 'msg_lost' not found"):
        sdk.responses.create(model="demo/echo", input=lost)


def test_an_item_that_is_there_twice(sdk: OpenAI) -> None:
    first = sdk.responses.create(model="demo/echo", input="Hi")
    twice: list[Any] = [{"type": "item_reference", "id": first.output[0].id}, {"role": "user", "content": "Again"}]
    with pytest.raises(openai.BadRequestError, match="Duplicate item found with id"):
        sdk.responses.create(model="demo/echo", input=twice, previous_response_id=first.id)
    assert sdk.responses.create(model="demo/echo", input=twice).output_text == "Again"


def test_one_response_is_continued_in_two_ways(sdk: OpenAI) -> None:
    first = sdk.responses.create(model="demo/echo", input="Stem")
    for text in ("Left", "Right"):
        branch = sdk.responses.create(model="demo/echo", input=text, previous_response_id=first.id)
        items = sdk.responses.input_items.list(branch.id, order="asc").data
        assert len(items) == 3


def test_what_continues_a_deleted_response_says_what_is_missing(sdk: OpenAI) -> None:
    first = sdk.responses.create(model="demo/echo", input="One")
    second = sdk.responses.create(model="demo/echo", input="Two", previous_response_id=first.id)
    sdk.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match=f"continues '{first.id}', which is no longer stored") as caught:
        sdk.responses.create(model="demo/echo", input="Three", previous_response_id=second.id)
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "previous_response_not_found")
    assert sdk.responses.retrieve(second.id).output_text == "Two"
    assert len(sdk.responses.input_items.list(second.id).data) == 1


@pytest.mark.parametrize("streams", [False, True])
def test_a_response_that_there_is_not(sdk: OpenAI, streams: bool) -> None:
    with pytest.raises(openai.NotFoundError, match="Previous response with id 'resp_no' not found") as caught:
        sdk.responses.create(model="demo/echo", input="Hi", previous_response_id="resp_no", stream=streams)
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "previous_response_not_found")
    with pytest.raises(openai.NotFoundError, match="Previous response"):
        sdk.responses.input_tokens.count(model="demo/echo", input="Hi", previous_response_id="resp_no")


def test_tokens_of_what_was_said_count(sdk: OpenAI) -> None:
    first = sdk.responses.create(model="demo/echo", input="A long story, " * 100)
    alone = sdk.responses.input_tokens.count(model="demo/echo", input="Go on").input_tokens
    both = sdk.responses.input_tokens.count(model="demo/echo", input="Go on", previous_response_id=first.id).input_tokens
    assert both > alone + 500
