"""Anthropic's Messages API."""

from gateway_dialects.anthropic import SERVER
from http_facade.api import Api
from http_facade.exchange import Exchange


def is_client(exchange: Exchange) -> bool:
    """Whether an Anthropic SDK asks: all of them send the version that they speak."""
    return b"anthropic-version" in exchange.headers


API = Api(
    name="anthropic",
    title="Anthropic Messages",
    server=SERVER,
    # DSPy's client asks below the base URL that it is given, without a version.
    chat_paths=("/v1/messages", "/messages"),
    count_paths=("/v1/messages/count_tokens", "/messages/count_tokens"),
    model_paths=("/v1/models", "/models"),
    detect=is_client,
)
