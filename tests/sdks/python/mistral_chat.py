"""Mistral's SDK."""

from __future__ import annotations

import json

from pydantic import BaseModel

from tests.sdks.python.world import BEGINS, BREAKS, IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = dict.fromkeys(("key", "model", "refused"), "MistralError")
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS}}]


class Person(BaseModel):
    name: str
    age: int


def broken_stream(world: World) -> None:
    """The SDK knows no errors in streams: it raises that the event is not what it expects."""
    try:
        world.streamed(world.models["scripted"], BEGINS, BREAKS)
    except Exception as error:
        assert "broken on purpose" in str(getattr(error, "body", "")) or "validation error" in str(error), error
    else:
        raise AssertionError("nothing was raised")


def tools(names: Names, model: str, world: World) -> None:
    chat = names["client"].chat
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    message = chat.complete(model=model, messages=asked, tools=TOOLS).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, list(json.loads(call.function.arguments))) == ("get_weather", ["city"]), call
    with chat.stream(model=model, messages=asked, tools=TOOLS) as events:
        streamed = [one for event in events for one in event.data.choices[0].delta.tool_calls or ()]
    assert json.loads(streamed[0].function.arguments).keys() == {"city"}, streamed
    result = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": WEATHER}
    answer = chat.complete(model=model, messages=[*asked, message, result], tools=TOOLS)
    has_result(answer.choices[0].message.content)


def structured(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Who wrote the first program?"}]
    answer = names["client"].chat.parse(Person, model=model, messages=asked)
    person = answer.choices[0].message.parsed
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}]
    answer = names["client"].chat.complete(model=model, messages=asked)
    assert IMAGE in answer.choices[0].message.content, answer


def header(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Hello"}]
    names["client"].chat.complete(model=model, messages=asked, http_headers={TASK_HEADER: world.task})
