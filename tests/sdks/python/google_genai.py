"""Google's SDK: generateContent. Annotations are not postponed: the older SDK reads those of functions as they stand."""

import base64

from google.genai import types
from pydantic import BaseModel

from tests.sdks.python.world import IMAGE, PNG, TASK_HEADER, WEATHER, Names, World, has_result, is_person

ERRORS = {"key": "ClientError", "model": "ClientError", "refused": "ClientError"}


class Person(BaseModel):
    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return WEATHER


def tools(names: Names, model: str, world: World) -> None:
    models = names["client"].models
    schema = types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)})
    function = types.FunctionDeclaration(name="get_weather", description="Weather", parameters=schema)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])])
    asked = types.Content(role="user", parts=[types.Part(text="What is the weather in Paris?")])
    answer = models.generate_content(model=model, contents=[asked], config=config)
    (call,) = answer.function_calls
    assert (call.name, list(call.args)) == ("get_weather", ["city"]), call
    result = types.Part.from_function_response(name=call.name, response={"result": WEATHER})
    answered = [asked, answer.candidates[0].content, types.Content(role="user", parts=[result])]
    has_result(models.generate_content(model=model, contents=answered, config=config).text)
    # The SDK calls Python functions by itself.
    by_itself = types.GenerateContentConfig(tools=[get_weather])
    has_result(models.generate_content(model=model, contents="What is the weather in Paris?", config=by_itself).text)
    assert models.count_tokens(model=model, contents="Hello").total_tokens > 0


def structured(names: Names, model: str, world: World) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Person)
    answer = names["client"].models.generate_content(model=model, contents="Who wrote the first program?", config=config)
    is_person(answer.parsed.name, answer.parsed.age)


def image(names: Names, model: str, world: World) -> None:
    picture = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
    answer = names["client"].models.generate_content(model=model, contents=["What is this?", picture])
    assert IMAGE in answer.text, answer


def header(names: Names, model: str, world: World) -> None:
    options = types.HttpOptions(headers={TASK_HEADER: world.task})
    config = types.GenerateContentConfig(http_options=options)
    names["client"].models.generate_content(model=model, contents="Hello", config=config)
