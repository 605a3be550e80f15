"""Cohere's SDK, second version of its API."""

from __future__ import annotations

import json

from tests.sdks.python.world import BREAKS, IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "UnauthorizedError", "model": "NotFoundError", "refused": "BadRequestError"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS}}]
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


def broken_stream(world: World) -> None:
    """The SDK raises nothing: the last event tells the failure."""
    client = world.built()["client"]
    asked = [{"role": "user", "content": json.dumps(BREAKS)}]
    events = list(client.chat_stream(model=world.models["scripted"], messages=asked))
    assert events[-1].type == "message-end", events[-1]
    assert events[-1].delta.finish_reason == "ERROR", events[-1]


def tools(names: Names, model: str, world: World) -> None:
    client = names["client"]
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    message = client.chat(model=model, messages=asked, tools=TOOLS).message
    (call,) = message.tool_calls
    assert (call.function.name, list(json.loads(call.function.arguments))) == ("get_weather", ["city"]), call
    result = {"role": "tool", "tool_call_id": call.id, "content": WEATHER}
    answer = client.chat(model=model, messages=[*asked, message, result], tools=TOOLS)
    has_result(answer.message.content[0].text)


def structured(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Who wrote the first program?"}]
    form = {"type": "json_object", "schema": PERSON}
    answer = names["client"].chat(model=model, messages=asked, response_format=form)
    person = json.loads(answer.message.content[0].text)
    is_person(person["name"], person["age"])


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}]
    answer = names["client"].chat(model=model, messages=asked)
    assert IMAGE in answer.message.content[0].text, answer


def header(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Hello"}]
    options = {"additional_headers": {TASK_HEADER: world.task}}
    names["client"].chat(model=model, messages=asked, request_options=options)
