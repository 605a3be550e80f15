"""Creating responses, with OpenAI's SDK."""

from __future__ import annotations

import json
from typing import Any, cast

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from tests.http_facade.serving import Provided
from tests.upstream import CUT, event_stream, json_reply

WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    name: str
    age: int


def test_a_whole_answer(sdk: OpenAI) -> None:
    raw = sdk.responses.with_raw_response.create(model="demo/echo", input="Good morning")
    answer = raw.parse()
    assert (answer.output_text, answer.status, answer.to_dict()["store"]) == ("Good morning", "completed", True)
    assert answer.id.startswith("resp_")
    assert raw.headers["x-model-used"] == "demo/echo"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (2, 2)


def test_a_stream(sdk: OpenAI) -> None:
    with sdk.responses.stream(model="demo/echo", input="one two three") as stream:
        events = list(stream)
        whole = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "one two three"
    assert (whole.output_text, whole.status) == ("one two three", "completed")


def test_every_stream_has_an_id_of_its_own(sdk: OpenAI) -> None:
    """Also where the client gives all its requests one id."""
    headers = {"x-request-id": "always-the-same"}
    ids = {sdk.responses.create(model="demo/echo", input="Hi", extra_headers=headers).id for _ in range(3)}
    assert len(ids) == 3


def test_a_parsed_answer(sdk: OpenAI) -> None:
    answer = sdk.responses.parse(model="demo/json", input="Who?", text_format=Person)
    assert isinstance(answer.output_parsed, Person)


@pytest.mark.parametrize("streams", [False, True])
def test_tools_until_the_answer(sdk: OpenAI, streams: bool) -> None:
    def create(**fields: Any) -> Response:
        given: dict[str, Any] = {"model": "demo/tools", "tools": [WEATHER], **fields}
        if not streams:
            return cast("Response", sdk.responses.create(**given))
        with sdk.responses.stream(**given) as stream:
            stream.until_done()
            return cast("Response", stream.get_final_response())

    asked = create(input="Weather in Paris?")
    (call,) = [item for item in asked.output if isinstance(item, ResponseFunctionToolCall)]
    assert (call.name, list(json.loads(call.arguments))) == ("weather", ["city"])
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny, 21 degrees"}
    assert "Sunny, 21 degrees" in create(input=[result], previous_response_id=asked.id).output_text
    # And with all that was said brought by the client.
    said = [{"role": "user", "content": "Weather in Paris?"}, call.model_dump(exclude_none=True), result]
    assert "Sunny, 21 degrees" in create(input=said, store=False).output_text


@pytest.mark.parametrize("model", ["demo/error-429", "demo/error-503", "demo/error-400"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_failure_before_the_answer_has_its_status(sdk: OpenAI, model: str, streams: bool) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.responses.create(model=model, input="Hi", stream=streams)
    assert caught.value.status_code == int(model[-3:])
    assert caught.value.response.headers["x-dragoman-attempts"] == "1"


def test_a_failure_inside_a_stream_is_raised(sdk: OpenAI) -> None:
    texts, types = [], []
    with pytest.raises(openai.APIError, match="broke off"):
        for event in sdk.responses.create(model="demo/cut-2", input="Hi", stream=True):
            types.append(event.type)
            texts += [event.delta] if event.type == "response.output_text.delta" else []
    assert "".join(texts).split() == ["the", "quick"]
    assert "response.completed" not in types


def test_a_stream_of_a_provider_that_breaks_off(sdk: OpenAI, house: Provided) -> None:
    piece = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}]}
    house.replies(event_stream(piece, CUT))
    answer = house.facade.client.post("/v1/responses", json={"model": "at-openai/m", "input": "Hi", "stream": True})
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names[-2:] == ["error", "response.failed"]


def test_input_tokens(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply({"input_tokens": 16}))
    counted = sdk.responses.input_tokens.count(model="at-anthropic/claude", input="How many?", instructions="Be brief.")
    assert counted.input_tokens == 16
    (request,) = house.requests
    assert request.path == "/v1/messages/count_tokens"
    assert request.json()["system"][0]["text"] == "Be brief."


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", "/api/v1", "/openai", ""])
def test_every_path(house: Provided, prefix: str) -> None:
    client, body = house.facade.client, {"model": "demo/echo", "input": "Hi"}
    made = client.post(f"{prefix}/responses", json=body)
    assert (made.status_code, made.json()["object"]) == (200, "response")
    place = f"{prefix}/responses/{made.json()['id']}"
    assert client.get(place).json() == made.json()
    assert client.get(f"{place}/input_items").json()["data"][0]["role"] == "user"
    assert client.post(f"{prefix}/responses/input_tokens", json=body).json()["object"] == "response.input_tokens"
    assert client.post(f"{place}/cancel").status_code == 400
    assert client.delete(place).json() == {"id": made.json()["id"], "object": "response", "deleted": True}
    assert client.get(place).status_code == 404
