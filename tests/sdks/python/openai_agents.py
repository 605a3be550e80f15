"""OpenAI's agents."""

from agents import Agent, ModelSettings, Runner, function_tool
from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "AuthenticationError", "model": "NotFoundError", "refused": "BadRequestError"}


class Person(BaseModel):
    name: str
    age: int


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def tools(names: Names, model: str, world: World) -> None:
    agent = Agent(name="Assistant", model=names["agent"].model, tools=[get_weather])
    has_result(Runner.run_sync(agent, "What is the weather in Paris?").final_output)


def structured(names: Names, model: str, world: World) -> None:
    agent = Agent(name="Assistant", model=names["agent"].model, output_type=Person)
    person = Runner.run_sync(agent, "Who wrote the first program?").final_output
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, picture]}]
    answer = Runner.run_sync(names["agent"], asked).final_output
    assert IMAGE in answer, answer


def header(names: Names, model: str, world: World) -> None:
    settings = ModelSettings(extra_headers={TASK_HEADER: world.task})
    Runner.run_sync(Agent(name="Assistant", model=names["agent"].model, model_settings=settings), "Hello")
