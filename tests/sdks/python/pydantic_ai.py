"""Pydantic AI's agents."""

import base64

import pydantic_ai
from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

MODELS = {"structured": "tools"}
"""It wants structured answers as the call of a tool."""
ERRORS = dict.fromkeys(("key", "model", "refused"), "ModelHTTPError")


class Person(BaseModel):
    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def tools(names: Names, model: str, world: World) -> None:
    agent = pydantic_ai.Agent(names["model"], tools=[get_weather])
    has_result(agent.run_sync("What is the weather in Paris?").output)


def structured(names: Names, model: str, world: World) -> None:
    person = pydantic_ai.Agent(names["model"], output_type=Person).run_sync("Who wrote the first program?").output
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = pydantic_ai.BinaryContent(base64.b64decode(PNG), media_type="image/png")
    answer = names["agent"].run_sync(["What is this?", picture])
    assert IMAGE in answer.output, answer


def header(names: Names, model: str, world: World) -> None:
    names["agent"].run_sync("Hello", model_settings={"extra_headers": {TASK_HEADER: world.task}})
