"""A provider that has chat completions and Responses: clients of the Responses API are answered by the latter."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseCompletedEvent

from tests.http_facade.apis.openai_responses.test_background import MESSAGE, answers, state
from tests.http_facade.apis.openai_responses.test_continued import of_responses, words
from tests.http_facade.apis.openai_responses.test_create import WEATHER
from tests.http_facade.serving import Provided, asking, completion
from tests.upstream import Reply, event_stream, json_reply

Json = dict[str, Any]
MODEL = "at-both/gpt-5"
SEARCH: Any = [{"type": "web_search", "search_context_size": "low"}]
CITATION = {"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://a.example/", "title": "A"}
SEARCHED = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "sun"}}
REASONING = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


def cited(text: str) -> Json:
    content = [{"type": "output_text", "annotations": [CITATION], "logprobs": [], "text": text}]
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content}


def items_of(response: Response) -> list[Json]:
    return [item.to_dict() for item in response.output]


def events(*output: Json) -> Reply:
    """A stream of whole items."""
    done = of_responses(*output)
    begun = {**done, "status": "in_progress", "output": [], "usage": None}
    steps: list[Json] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(output):
        steps.append({"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}})
        if item["type"] == "message":
            place = {"output_index": index, "content_index": 0, "item_id": item["id"]}
            part = {**item["content"][0], "text": "", "annotations": []}
            text = item["content"][0]["text"]
            steps.append({"type": "response.content_part.added", **place, "part": part})
            steps.append({"type": "response.output_text.delta", **place, "delta": text, "logprobs": []})
            for number, annotation in enumerate(item["content"][0]["annotations"]):
                added = {"annotation_index": number, "annotation": annotation}
                steps.append({"type": "response.output_text.annotation.added", **place, **added})
            steps.append({"type": "response.output_text.done", **place, "text": text, "logprobs": []})
            steps.append({"type": "response.content_part.done", **place, "part": item["content"][0]})
        steps.append({"type": "response.output_item.done", "output_index": index, "item": item})
    steps.append({"type": "response.completed", "response": done})
    return event_stream(*({**step, "sequence_number": number} for number, step in enumerate(steps)))


def test_built_in_tools_pass_and_come_back(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply(of_responses(SEARCHED, cited("Sunny."))))
    made = sdk.responses.create(model=MODEL, input="Weather?", tools=SEARCH)
    (request,) = house.requests
    assert (request.path, request.json()["tools"]) == ("/responses", SEARCH)
    assert [item.type for item in made.output] == ["web_search_call", "message"]
    assert items_of(made) == [SEARCHED, cited("Sunny.")]
    house.replies(json_reply(of_responses(words("Bye.", "msg_2"), response_id="resp_2")))
    sdk.responses.create(model=MODEL, input="Thanks", tools=SEARCH, previous_response_id=made.id)
    assert SEARCHED in house.requests[0].json()["input"]


def test_a_provider_without_it_refuses_them(sdk: OpenAI, house: Provided) -> None:
    with pytest.raises(openai.BadRequestError, match="openai-responses") as caught:
        sdk.responses.create(model="at-openai/gpt-5", input="Weather?", tools=SEARCH)
    assert caught.value.param == "tools[0]"
    house.replies(json_reply(completion("By chat.")))
    assert sdk.responses.create(model="at-openai/gpt-5", input="Hi").output_text == "By chat."
    assert house.requests[0].path == "/chat/completions"


def test_streams(sdk: OpenAI, house: Provided) -> None:
    house.replies(events(SEARCHED, cited("Sunny.")))
    with sdk.responses.stream(model=MODEL, input="Weather?", tools=SEARCH) as stream:
        seen = list(stream)
    assert house.requests[0].json()["stream"] is True
    assert "".join(event.delta for event in seen if event.type == "response.output_text.delta") == "Sunny."
    (last,) = [event for event in seen if isinstance(event, ResponseCompletedEvent)]
    assert [item.type for item in last.response.output] == ["web_search_call", "message"]
    assert items_of(last.response)[1]["content"][0]["annotations"] == [CITATION]


def test_encrypted_reasoning_comes_and_goes_back(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply(of_responses(REASONING, words("Blue.", "msg_1"))))
    made = sdk.responses.create(model=MODEL, input="Colour?", store=False, include=["reasoning.encrypted_content"])
    sent = house.requests[0].json()
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    assert items_of(made)[0] == REASONING
    house.replies(json_reply(of_responses(words("Dark.", "msg_2"))))
    history: Any = [{"role": "user", "content": "Colour?"}, *items_of(made), {"role": "user", "content": "Which?"}]
    sdk.responses.create(model=MODEL, input=history, store=False)
    assert house.requests[0].json()["input"][1] == REASONING


def test_function_tools(sdk: OpenAI, house: Provided) -> None:
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "weather"}
    house.replies(json_reply(of_responses(REASONING, {**call, "arguments": '{"city":"Paris"}'})))
    tools: Any = [WEATHER]
    made = sdk.responses.create(model=MODEL, input="Weather?", tools=tools)
    assert house.requests[0].json()["tools"][0]["name"] == "weather"
    house.replies(json_reply(of_responses(words("Sunny.", "msg_2"), response_id="resp_2")))
    result: Any = [{"type": "function_call_output", "call_id": "call_1", "output": "Sunny"}]
    second = sdk.responses.create(model=MODEL, input=result, tools=tools, previous_response_id=made.id)
    assert second.output_text == "Sunny."
    items = house.requests[0].json()["input"]
    assert [item.get("type", "message") for item in items] == [
        *("message", "reasoning", "function_call", "function_call_output")
    ]


def test_background_and_conversations(sdk: OpenAI, house: Provided) -> None:
    answers(house, state("resp_both", "queued"), state("resp_both", "completed", output=[MESSAGE]))
    made = sdk.responses.create(model=MODEL, input="Hi", background=True, conversation="conv_1")
    body = json.loads(house.upstream.requests[-1].body)
    assert (made.status, body["background"], body["conversation"]) == ("queued", True, "conv_1")
    assert sdk.responses.retrieve(made.id).output_text == "Done."
    assert (house.upstream.requests[-1].method, house.upstream.requests[-1].path) == ("GET", "/responses/resp_both")


def test_other_clients_are_answered_by_chat_completions(house: Provided) -> None:
    house.replies(json_reply(completion("By chat.")))
    answer = house.facade.client.post("/v1/chat/completions", json=asking("Hi", MODEL))
    assert answer.json()["choices"][0]["message"]["content"] == "By chat."
    house.replies(json_reply(completion("By chat.")))
    body = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    answer = house.facade.client.post("/v1/messages", json=body)
    assert answer.json()["content"] == [{"type": "text", "text": "By chat."}]
    assert house.requests[0].path == "/chat/completions"
