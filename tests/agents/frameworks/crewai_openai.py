from crewai import LLM, Agent
from crewai.tools import tool
from tools import TASK, edit_file, read_file

model = LLM(model="openai/provider/model", base_url="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")
agent = Agent(
    role="Editor", goal="Edit files", backstory="Edits files.", llm=model, tools=[tool(read_file), tool(edit_file)]
)
print(agent.kickoff(TASK).raw)
