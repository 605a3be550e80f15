"""Google's Gemini API, in all of its versions."""

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.gemini import METHODS, SERVER
from http_facade.api import Api
from http_facade.core import Core
from http_facade.exchange import Exchange

VERSIONS = ("/v1beta", "/v1alpha")
CALLED = (
    *(f"{version}/models/{{model:path}}" for version in (*VERSIONS, "/v1", "")),
    # @ai-sdk/google takes a model's name with a slash for the whole of the resource's path.
    *(f"{version}/{{model:path}}" for version in (*VERSIONS, "/v1")),
)
"""Where a model is named, before a colon and the method."""


class UnknownMethod:
    """404 for POST /models/MODEL:METHOD with a method that there is not."""

    def __init__(self, core: Core, api: Api) -> None:
        """Needs neither."""

    async def __call__(self, exchange: Exchange) -> None:
        message = f"There is nothing at {exchange.scope['path']}. A model takes {', '.join(f':{name}' for name in METHODS)}."
        raise GatewayError(Reason.INVALID_REQUEST, message, code="unknown_url", status=404)


def is_client(exchange: Exchange) -> bool:
    """Whether one of Google's SDKs asks: they send its own key header, or their version."""
    return b"x-goog-api-key" in exchange.headers or b"x-goog-api-client" in exchange.headers


API = Api(
    name="gemini",
    title="Google Gemini",
    server=SERVER,
    chat_paths=tuple(f"{model}:{{method:generateContent|streamGenerateContent}}" for model in CALLED),
    count_paths=tuple(f"{model}:{{method:countTokens}}" for model in CALLED),
    model_paths=(*(f"{version}/models" for version in VERSIONS), "/v1/models", "/models"),
    more={f"{model}:{{method:[^/:]+}}": {"POST": UnknownMethod} for model in CALLED},
    detect=is_client,
)
