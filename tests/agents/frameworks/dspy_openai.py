import dspy
from tools import TASK

model = dspy.LM("openai/provider/model", api_base="http://127.0.0.1:8080/v1", api_key="YOUR-DRAGOMAN-KEY", num_retries=0)
print(model(TASK))
