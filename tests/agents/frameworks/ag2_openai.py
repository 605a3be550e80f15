from autogen import AssistantAgent, LLMConfig, UserProxyAgent, register_function
from tools import TASK, edit_file, read_file

config = LLMConfig(
    {
        "api_type": "openai",
        "model": "provider/model",
        "base_url": "http://127.0.0.1:8080/v1",
        "api_key": "YOUR-DRAGOMAN-KEY",
        "price": [0, 0],
    }
)
assistant = AssistantAgent("assistant", llm_config=config)
user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False, max_consecutive_auto_reply=3)
for function in (read_file, edit_file):
    register_function(function, caller=assistant, executor=user, description="A tool for files.")
print(user.initiate_chat(assistant, message=TASK, max_turns=3).summary)
