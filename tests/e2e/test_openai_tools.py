"""OpenAI's own SDK calls tools, and gets answers of the form it asks for."""

import json
from enum import StrEnum

import pytest
from openai import ContentFilterFinishReasonError, LengthFinishReasonError, OpenAI, pydantic_function_tool
from openai.types.chat import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionToolUnionParam,
)
from pydantic import BaseModel, Field

from tests.e2e.conversations import said


def function(name: str) -> ChatCompletionToolUnionParam:
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city", "days"],
    }
    return {"type": "function", "function": {"name": name, "description": "Looks it up.", "parameters": parameters}}


WEATHER, NEWS = function("weather"), function("news")
SHELL: ChatCompletionToolUnionParam = {"type": "custom", "custom": {"name": "shell", "description": "Runs a command."}}


class Mood(StrEnum):
    GLAD = "glad"
    SAD = "sad"


class Guest(BaseModel):
    name: str
    age: int = Field(ge=18)
    mood: Mood
    friends: list[str]


class Booking(BaseModel):
    """Books a table."""

    guests: list[Guest]
    vegetarian: bool


def test_call_result_answer(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = said("What is the weather in Oslo?")
    asked = client.chat.completions.create(model="demo/tools", messages=messages, tools=[WEATHER, NEWS])

    (choice,) = asked.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments).keys() == {"city", "days"}

    # The SDK's own object goes back, as its documentation shows.
    messages.append(choice.message)  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "Rain, 4 degrees."})
    told = client.chat.completions.create(model="demo/tools", messages=messages, tools=[WEATHER, NEWS])
    assert (told.choices[0].finish_reason, told.choices[0].message.content) == ("stop", "weather answered: Rain, 4 degrees.")


def test_parallel_calls(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = said("Weather and news, please.")
    asked = client.chat.completions.create(model="demo/tools-parallel", messages=messages, tools=[WEATHER, NEWS])
    one = client.chat.completions.create(
        model="demo/tools-parallel", messages=messages, tools=[WEATHER, NEWS], parallel_tool_calls=False
    )

    assert len(one.choices[0].message.tool_calls or []) == 1
    calls = asked.choices[0].message.tool_calls or []
    assert len({call.id for call in calls}) == 2
    messages.append(asked.choices[0].message)  # type: ignore[arg-type]
    messages.extend({"role": "tool", "tool_call_id": call.id, "content": f"result {i}"} for i, call in enumerate(calls))
    told = client.chat.completions.create(model="demo/tools-parallel", messages=messages, tools=[WEATHER, NEWS])
    assert told.choices[0].message.content == "weather answered: result 0\nnews answered: result 1"


def test_streamed_calls(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="demo/tools-parallel", messages=said("Both!"), tools=[WEATHER, NEWS])
    with client.chat.completions.stream(
        model="demo/tools-parallel", messages=said("Both!"), tools=[WEATHER, NEWS]
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]

    calls = [call for call in whole.choices[0].message.tool_calls or [] if call.type == "function"]
    assert [(event.name, event.arguments) for event in done] == [
        (call.function.name, call.function.arguments) for call in calls
    ]
    assert [call.id for call in final.message.tool_calls or []] == [call.id for call in calls]
    assert final.finish_reason == "tool_calls"


def test_a_choice_that_is_forced(client: OpenAI) -> None:
    forced = client.chat.completions.create(
        model="demo/tools",
        messages=said("Hi"),
        tools=[WEATHER, NEWS],
        tool_choice={"type": "function", "function": {"name": "news"}},
    )
    barred = client.chat.completions.create(
        model="demo/tools", messages=said("Hi"), tools=[WEATHER, NEWS], tool_choice="none"
    )

    (call,) = forced.choices[0].message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == "news"
    assert barred.choices[0].message.content == "Hi"


def test_custom_tools(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = said("List the files.")
    asked = client.chat.completions.create(model="demo/tools", messages=messages, tools=[SHELL])

    (call,) = asked.choices[0].message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageCustomToolCall)
    assert (call.custom.name, call.custom.input) == ("shell", "demo input")
    messages.append(asked.choices[0].message)  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "a.txt"})
    told = client.chat.completions.create(model="demo/tools", messages=messages, tools=[SHELL])
    assert told.choices[0].message.content == "shell answered: a.txt"


def test_custom_tools_streamed(client: OpenAI) -> None:
    chunks = client.chat.completions.create(model="demo/tools", messages=said("Go."), tools=[SHELL], stream=True)

    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    pieces = [(delta.model_extra or {})["custom"] for delta in deltas]
    assert pieces[0]["name"] == "shell"
    assert "".join(piece.get("input", "") for piece in pieces) == "demo input"


def test_answers_of_a_pydantic_type(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="demo/echo", messages=said("A guest, please."), response_format=Guest)

    guest = answer.choices[0].message.parsed
    assert isinstance(guest, Guest)
    assert guest.age >= 18


def test_answers_of_a_pydantic_type_streamed(client: OpenAI) -> None:
    with client.chat.completions.stream(model="demo/echo", messages=said("A table."), response_format=Booking) as stream:
        done = [event.parsed for event in stream if event.type == "content.done"]
        parsed = stream.get_final_completion().choices[0].message.parsed

    assert isinstance(parsed, Booking)
    assert done == [parsed]


def test_calls_of_a_pydantic_tool(client: OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="demo/tools", messages=said("A table, please."), tools=[pydantic_function_tool(Booking)]
    )

    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.name == "Booking"
    assert isinstance(call.function.parsed_arguments, Booking)


def test_calls_of_a_pydantic_tool_streamed(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="demo/tools", messages=said("A table, please."), tools=[pydantic_function_tool(Booking)]
    ) as stream:
        (call,) = stream.get_final_completion().choices[0].message.tool_calls or []

    assert isinstance(call.function.parsed_arguments, Booking)


@pytest.mark.parametrize(
    ("model", "error"), [("demo/length", LengthFinishReasonError), ("demo/filter", ContentFilterFinishReasonError)]
)
def test_answers_that_are_not_whole_are_not_parsed(client: OpenAI, model: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        client.chat.completions.parse(model=model, messages=said("A guest."), response_format=Guest)


def test_any_json(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="demo/echo", messages=said("Hi"), response_format={"type": "json_object"})

    assert json.loads(answer.choices[0].message.content or "") == {"echo": "Hi"}
