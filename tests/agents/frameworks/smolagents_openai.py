from smolagents import OpenAIServerModel, ToolCallingAgent, tool
from tools import TASK, edit_file, read_file

model = OpenAIServerModel("provider/model", api_base="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")
agent = ToolCallingAgent(tools=[tool(read_file), tool(edit_file)], model=model)
print(agent.run(TASK))
