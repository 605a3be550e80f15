from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from tools import TASK, edit_file, read_file

model = ChatOpenAI(model="provider/model", base_url="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")
agent = create_react_agent(model, [read_file, edit_file])
print(agent.invoke({"messages": [("user", TASK)]})["messages"][-1].content)
