"""Anthropic's SDK: messages and count_tokens."""

from __future__ import annotations

from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "AuthenticationError", "model": "NotFoundError", "refused": "BadRequestError"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}]


class Person(BaseModel):
    name: str
    age: int


def tools(names: Names, model: str, world: World) -> None:
    messages = names["client"].messages
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    assert messages.count_tokens(model=model, messages=asked, tools=TOOLS).input_tokens > 0
    for streams in (False, True):
        if streams:
            with messages.stream(model=model, max_tokens=100, messages=asked, tools=TOOLS) as stream:
                message = stream.get_final_message()
        else:
            message = messages.create(model=model, max_tokens=100, messages=asked, tools=TOOLS)
        assert message.stop_reason == "tool_use", message
        assert message.usage.input_tokens > 0, message
        (call,) = (block for block in message.content if block.type == "tool_use")
        assert (call.name, list(call.input)) == ("get_weather", ["city"]), call
        result = {"type": "tool_result", "tool_use_id": call.id, "content": WEATHER}
        answered = [*asked, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
        answer = messages.create(model=model, max_tokens=100, messages=answered, tools=TOOLS)
        has_result(answer.content[0].text)


def structured(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Who wrote the first program?"}]
    person = names["client"].messages.parse(model=model, max_tokens=100, messages=asked, output_format=Person).parsed_output
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    asked = [{"role": "user", "content": [picture, {"type": "text", "text": "What is this?"}]}]
    answer = names["client"].messages.create(model=model, max_tokens=100, messages=asked)
    assert IMAGE in answer.content[0].text, answer


def header(names: Names, model: str, world: World) -> None:
    asked = [{"role": "user", "content": "Hello"}]
    client = names["client"].with_options(default_headers={TASK_HEADER: world.task})
    client.messages.create(model=model, max_tokens=100, messages=asked)
