"""OpenAI's SDK, in its asynchronous form."""

from __future__ import annotations

import json

from tests.sdks.python.openai_chat import ERRORS, TOOLS
from tests.sdks.python.world import WEATHER, Names, World, has_result

__all__ = ["ERRORS", "tools"]


async def tools(names: Names, model: str, world: World) -> None:
    """With a client of its own: that of the program belongs to a loop that is closed."""
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    async with names["AsyncOpenAI"](base_url=f"{world.url}/v1", api_key=world.key) as client:
        completions = client.chat.completions
        async with completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
            message = (await stream.get_final_completion()).choices[0].message
        (call,) = message.tool_calls
        assert (call.function.name, list(json.loads(call.function.arguments))) == ("get_weather", ["city"]), call
        answered = [*messages, message, {"role": "tool", "tool_call_id": call.id, "content": WEATHER}]
        answer = await completions.create(model=model, messages=answered, tools=TOOLS)
    has_result(answer.choices[0].message.content)
