"""What cannot be done, and requests that are none."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.http_facade.apis.openai_responses.test_continued import of_responses, words
from tests.http_facade.serving import Provided
from tests.upstream import json_reply


@pytest.mark.parametrize("model", ["demo/echo", "at-openai/gpt", "at-anthropic/claude"])
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("field", [{"conversation": "conv_1"}, {"prompt": {"id": "pmpt_1"}}], ids=["conversation", "prompt"])
def test_what_only_its_provider_keeps(sdk: OpenAI, model: str, streams: bool, field: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model=model, input="Hi", stream=streams, **field)
    assert (caught.value.param, caught.value.code) == (next(iter(field)), "unsupported")


def test_its_provider_is_asked_for_it(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply(of_responses(words("Hm.", "msg_1"))))
    sdk.responses.create(model="at-openai-responses/gpt-5", input="Hi", conversation="conv_1", prompt={"id": "pmpt_1"})
    sent = house.requests[0].json()
    assert (sent["conversation"], sent["prompt"]) == ("conv_1", {"id": "pmpt_1"})


def test_what_only_its_provider_keeps_cannot_be_continued_without_it(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply(of_responses(words("Hm.", "msg_1"), response_id="resp_of_conv")))
    made = sdk.responses.create(model="at-openai-responses/gpt-5", input="Hi", conversation="conv_1")
    assert sdk.responses.retrieve(made.id).output_text == "Hm."
    with pytest.raises(openai.BadRequestError, match="created with 'conversation'") as caught:
        sdk.responses.create(model="demo/echo", input="Go on", previous_response_id=made.id)
    assert caught.value.param == "previous_response_id"


@pytest.mark.parametrize("model", ["demo/echo", "at-openai/gpt", "at-anthropic/claude"])
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "tool",
    [{"type": "file_search", "vector_store_ids": ["vs_1"]}, {"type": "mcp", "server_label": "a", "server_url": "https://a"}],
)
def test_tools_that_the_target_lacks(sdk: OpenAI, model: str, streams: bool, tool: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="which this provider does not have") as caught:
        sdk.responses.create(model=model, input="Hi", stream=streams, tools=[tool])
    assert caught.value.code == "unsupported"
    assert str(caught.value.param).startswith("tools[0]")


def test_tools_of_the_provider_are_its_own(sdk: OpenAI, house: Provided) -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    house.replies(json_reply(of_responses(search, words("Found.", "msg_1"))))
    answer = sdk.responses.create(model="at-openai-responses/gpt-5", input="Hi", tools=[{"type": "web_search"}])
    assert [item.type for item in answer.output] == ["web_search_call", "message"]
    assert house.requests[0].json()["tools"] == [{"type": "web_search"}]
    assert sdk.responses.retrieve(answer.id).output[0].to_dict() == search


def test_the_background_is_told_of(sdk: OpenAI) -> None:
    raw = sdk.responses.with_raw_response.create(model="demo/echo", input="Hi", background=True)
    assert "background" in raw.headers["x-dragoman-warnings"]
    assert raw.parse().status == "completed"
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model="demo/echo", input="Hi", background=True, extra_headers={"x-dragoman-strict": "true"})
    assert caught.value.param == "background"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "model"),
        ({"model": "demo/echo"}, "input"),
        ({"model": "demo/echo", "input": []}, "input"),
        ({"model": "demo/echo", "input": 7}, "input"),
        ({"model": "demo/echo", "input": {"a": 1}}, "input"),
        ({"model": "demo/echo", "input": ["Hi"]}, "input[0]"),
        ({"model": "demo/echo", "input": [None]}, "input[0]"),
        ({"model": "demo/echo", "input": [{}]}, "input[0].type"),
        ({"model": "demo/echo", "input": [{"type": "item_reference"}]}, "input[0].id"),
        ({"model": "demo/echo", "input": [{"type": "item_reference", "id": 7}]}, "input[0].id"),
        ({"model": "demo/echo", "input": "Hi", "previous_response_id": 7}, "previous_response_id"),
        ({"model": "demo/echo", "input": "Hi", "store": "yes"}, "store"),
        ({"model": "demo/echo", "input": "Hi", "stream": 1}, "stream"),
        ({"model": "demo/echo", "input": "Hi", "metadata": {"a": 1}}, "metadata.a"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/input_tokens"])
def test_a_request_that_is_none(house: Provided, fields: dict[str, Any], param: str, path: str) -> None:
    refused = house.facade.client.post(path, json=fields)
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (400, "invalid_request_error"), error
    assert str(error["param"]).startswith(param), error


@pytest.mark.parametrize("length", [257, 100_000])
def test_a_previous_response_with_an_impossible_id(house: Provided, length: int) -> None:
    body = {"model": "demo/echo", "input": "Hi", "previous_response_id": "x" * length}
    refused = house.facade.client.post("/v1/responses", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "previous_response_id")


@pytest.mark.parametrize("item_id", [7, "", "x" * 300, None, {"a": 1}])
def test_input_items_with_odd_ids_are_kept_and_listed(house: Provided, item_id: Any) -> None:
    client = house.facade.client
    item = {"role": "user", "content": "Hi", "id": item_id}
    made = client.post("/v1/responses", json={"model": "demo/echo", "input": [item]}).json()
    assert made["store"] is True
    (listed,) = client.get(f"/v1/responses/{made['id']}/input_items").json()["data"]
    assert listed["content"] == [{"type": "input_text", "text": "Hi"}]


@pytest.mark.parametrize("item_id", ["", "msg_lost", "x" * 300])
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/input_tokens"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_reference_to_nothing(house: Provided, item_id: str, path: str, streams: bool) -> None:
    items = [{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": item_id}]
    refused = house.facade.client.post(path, json={"model": "demo/echo", "input": items, "stream": streams})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"], error["code"]) == (404, "input", "item_not_found")
    assert item_id in error["message"]
