"""OpenAI's legacy text completions, also at Azure's paths."""

from gateway_dialects.completions import SERVER
from http_facade.api import Api

API = Api(
    name=SERVER.name,
    title="OpenAI text completions (legacy)",
    server=SERVER,
    chat_paths=(
        *("/v1/completions", "/completions", "/openai/v1/completions", "/openai/completions"),
        "/openai/deployments/{deployment:path}/completions",
    ),
)
