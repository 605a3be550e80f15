"""OpenAI's SDK: chat completions. Also for AzureOpenAI, which is called alike."""

from __future__ import annotations

import json

from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "AuthenticationError", "model": "NotFoundError", "refused": "BadRequestError"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS}}]


class Person(BaseModel):
    name: str
    age: int


def tools(names: Names, model: str, world: World) -> None:
    completions = names["client"].chat.completions
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    for streams in (False, True):
        if streams:
            with completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = completions.create(model=model, messages=messages, tools=TOOLS).choices[0].message
        (call,) = message.tool_calls
        assert (call.function.name, list(json.loads(call.function.arguments))) == ("get_weather", ["city"]), call
        answered = [*messages, message, {"role": "tool", "tool_call_id": call.id, "content": WEATHER}]
        has_result(completions.create(model=model, messages=answered, tools=TOOLS).choices[0].message.content)


def structured(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Who wrote the first program?"}]
    completions = names["client"].chat.completions
    answer = completions.parse(model=model, messages=asked, response_format=Person)
    person = answer.choices[0].message.parsed
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}]
    answer = names["client"].chat.completions.create(model=model, messages=asked)
    assert IMAGE in answer.choices[0].message.content, answer


def header(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Hello"}]
    names["client"].chat.completions.create(model=model, messages=asked, extra_headers={TASK_HEADER: world.task})
