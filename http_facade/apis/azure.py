"""Azure OpenAI's and AI Foundry's paths, in OpenAI's language; a deployment is resolved like any model's name.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference. Any api-version gets the same answer.
"""

from gateway_dialects.openai import SERVER
from http_facade.api import Api

API = Api(
    name="azure",
    title="Azure OpenAI and AI Foundry, with any `api-version`",
    server=SERVER,
    chat_paths=(
        # The path names the model, also where the body names another, or null as LangChain does.
        "/openai/deployments/{deployment:path}/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/chat/completions",
        "/models/chat/completions",
    ),
    model_paths=("/openai/v1/models", "/openai/models"),
)
