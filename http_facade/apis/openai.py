"""OpenAI's chat completions and models. Other APIs share the paths; a client that none of them recognises is OpenAI's."""

from gateway_dialects.openai import SERVER
from http_facade.api import Api

API = Api(
    name="openai",
    title="OpenAI chat completions",
    server=SERVER,
    # LiteLLM and Azure's inference SDK leave the version out; Google serves OpenAI's form below its own
    # (https://ai.google.dev/gemini-api/docs/openai), and tools that are set up for that keep the path.
    chat_paths=("/v1/chat/completions", "/chat/completions", "/v1beta/openai/chat/completions"),
    model_paths=("/v1/models", "/models", "/v1beta/openai/models"),
)
