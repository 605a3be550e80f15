"""OpenAI's SDK: responses."""

from __future__ import annotations

import json

from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "AuthenticationError", "model": "NotFoundError", "refused": "BadRequestError"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "name": "get_weather", "description": "Weather", "parameters": PARAMETERS, "strict": False}]


class Person(BaseModel):
    name: str
    age: int


def tools(names: Names, model: str, world: World) -> None:
    responses = names["client"].responses
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    for streams in (False, True):
        if streams:
            with responses.stream(model=model, input=asked, tools=TOOLS) as stream:
                answer = stream.get_final_response()
        else:
            answer = responses.create(model=model, input=asked, tools=TOOLS)
        (call,) = (item for item in answer.output if item.type == "function_call")
        assert (call.name, list(json.loads(call.arguments))) == ("get_weather", ["city"]), call
        result = {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER}
        has_result(responses.create(model=model, input=[*asked, *answer.output, result], tools=TOOLS).output_text)


def structured(names: Names, model: str, world: World) -> None:
    answer = names["client"].responses.parse(model=model, input="Who wrote the first program?", text_format=Person)
    is_person(answer.output_parsed.name, answer.output_parsed.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, picture]}]
    answer = names["client"].responses.create(model=model, input=asked)
    assert IMAGE in answer.output_text, answer


def header(names: Names, model: str, world: World) -> None:
    names["client"].responses.create(model=model, input="Hello", extra_headers={TASK_HEADER: world.task})
