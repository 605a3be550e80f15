import asyncio

from openai import AsyncOpenAI
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function
from tools import TASK, edit_file, read_file

client = AsyncOpenAI(base_url="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")
model = OpenAIChatCompletion(ai_model_id="provider/model", async_client=client)


class Files:
    @kernel_function
    def read_file(self, path: str) -> str:
        return read_file(path)

    @kernel_function
    def edit_file(self, path: str, old: str, new: str) -> str:
        return edit_file(path, old, new)


async def main() -> None:
    agent = ChatCompletionAgent(service=model, name="Editor", plugins=[Files()])
    print((await agent.get_response(messages=TASK)).content)


asyncio.run(main())
