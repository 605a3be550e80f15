"""OpenAI's chat completions and models. Other APIs share the paths; a client that none of them recognises is OpenAI's."""

from gateway_dialects.openai import SERVER
from http_facade.api import Api

API = Api(
    name="openai",
    title="OpenAI chat completions",
    server=SERVER,
    # LiteLLM and Azure's inference SDK leave the version out.
    chat_paths=("/v1/chat/completions", "/chat/completions"),
    model_paths=("/v1/models", "/models"),
)
