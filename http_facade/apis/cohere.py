"""Cohere's chat API."""

from gateway_dialects.cohere import SERVER
from http_facade.api import Api
from http_facade.exchange import Exchange


def is_client(exchange: Exchange) -> bool:
    """Whether one of Cohere's SDKs asks: its generator writes the SDK's name into a header."""
    name = exchange.header(b"x-fern-sdk-name")
    return name is not None and name.startswith("cohere")


API = Api(
    name="cohere",
    title="Cohere chat",
    server=SERVER,
    chat_paths=("/v2/chat",),
    model_paths=("/v1/models", "/models"),
    detect=is_client,
)
