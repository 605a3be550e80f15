import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from tools import TASK, edit_file, read_file

model = OpenAILike(
    model="provider/model",
    api_base="http://127.0.0.1:8080/v1",
    api_key="YOUR-DRAGOMAN-KEY",
    is_chat_model=True,
    is_function_calling_model=True,
)


async def main() -> None:
    agent = FunctionAgent(llm=model, tools=[read_file, edit_file])
    print(await agent.run(TASK))


asyncio.run(main())
