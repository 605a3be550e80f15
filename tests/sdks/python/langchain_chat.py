"""What every chat model of LangChain does alike."""

from __future__ import annotations

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

MODELS = {"structured": "tools"}
"""Some of them want structured answers as the call of a tool."""


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def tools(names: Names, model: str, world: World) -> None:
    chat = names["model"].bind_tools([get_weather])
    asked = HumanMessage("What is the weather in Paris?")
    for streams in (False, True):
        if streams:
            first, *rest = chat.stream([asked])
            answer = sum(rest, first)
        else:
            answer = chat.invoke([asked])
        (call,) = answer.tool_calls
        assert (call["name"], list(call["args"])) == ("get_weather", ["city"]), call
        result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"], name=call["name"])
        has_result(chat.invoke([asked, answer, result]).text)
        # ChatOpenAI asks for the usage of a stream only where it knows the server.
        assert streams or answer.usage_metadata["input_tokens"] > 0, answer


def structured(names: Names, model: str, world: World) -> None:
    person = names["model"].with_structured_output(Person).invoke("Who wrote the first program?")
    is_person(person.name, person.age)


def image(names: Names, model: str, world: World) -> None:
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    answer = names["model"].invoke([HumanMessage([{"type": "text", "text": "What is this?"}, picture])])
    assert IMAGE in answer.text, answer


def header(names: Names, model: str, world: World) -> None:
    names["model"].invoke("Hello", extra_headers={TASK_HEADER: world.task})
