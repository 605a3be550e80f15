from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from tools import TASK, edit_file, read_file

model = OpenAIChatGenerator(
    model="provider/model", api_base_url="http://127.0.0.1:8080/v1", api_key=Secret.from_token("YOUR-DRAGOMAN-KEY")
)
agent = Agent(chat_generator=model, tools=[create_tool_from_function(read_file), create_tool_from_function(edit_file)])
print(agent.run(messages=[ChatMessage.from_user(TASK)])["last_message"].text)
