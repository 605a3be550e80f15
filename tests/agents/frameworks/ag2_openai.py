import asyncio

from ag2 import Agent
from ag2.config import OpenAIConfig
from tools import TASK, edit_file, read_file

config = OpenAIConfig(model="provider/model", base_url="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")


async def main() -> None:
    agent = Agent("editor", "Edit files.", config=config, tools=[read_file, edit_file])
    print((await agent.ask(TASK)).body)


asyncio.run(main())
