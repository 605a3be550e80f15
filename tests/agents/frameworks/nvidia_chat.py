from langchain_core.messages import HumanMessage, ToolMessage
from langchain_nvidia_ai_endpoints import ChatNVIDIA
from tools import TASK, edit_file, read_file

model = ChatNVIDIA(model="provider/model", base_url="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY")
tools = {"read_file": read_file, "edit_file": edit_file}
asked = model.bind_tools(list(tools.values()))
messages = [HumanMessage(TASK)]
while (answer := asked.invoke(messages)).tool_calls:
    results = [ToolMessage(tools[call["name"]](**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls]
    messages += [answer, *results]
print(answer.content)
