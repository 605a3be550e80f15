"""A ChatRequest as Azure takes it: the openai dialect's, sent to where the deployment is."""

import dataclasses
from collections.abc import Mapping, Sequence
from enum import Enum
from urllib.parse import quote, urlsplit

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_VIDEO
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest
from gateway_dialects.kit.json import decode_object
from gateway_dialects.openai.encode_request import encode_chat as encode_openai
from gateway_dialects.openai.encode_request import headers


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat. The model is the deployment's name."""
    upstream, warnings = encode_openai(request, model, placed(endpoint, model), stream)
    if surface_of(endpoint.url) is Surface.INFERENCE and not INFERENCE_FIELDS.issuperset(decode_object(upstream.body)):
        upstream = dataclasses.replace(upstream, headers={**upstream.headers, "extra-parameters": "pass-through"})
    return upstream, warnings


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.list_models. The models that a resource may deploy: what it has deployed is known to its management API
    alone, which wants another kind of key."""
    found = placed(endpoint, "")
    return UpstreamRequest("GET", found.url + found.quirks.models_path, headers(found))


def headers_of(endpoint: Endpoint) -> Mapping[str, str]:
    """See Dialect.headers."""
    return headers(placed(endpoint, ""))


UNSUPPORTED = ("top_k", "min_p", "repetition_penalty")
"""Settings of open models' servers, which OpenAI's refuse."""
DEPLOYMENTS_VERSION = "2024-10-21"
"""The latest version of the deployments surface that is not a preview."""
INFERENCE_VERSION = "2024-05-01-preview"
FIRST_MODERN_VERSION = "2024-09-01"
"""From this version on max_completion_tokens and stream_options are known."""
INFERENCE_FIELDS = frozenset(
    {
        *("model", "messages", "stream", "max_tokens", "stop", "seed", "temperature", "top_p"),
        *("frequency_penalty", "presence_penalty", "response_format", "tools", "tool_choice", "modalities"),
    }
)
"""What the inference surface knows by itself. Everything else it hands to the model only when asked to."""


class Surface(Enum):
    """One of the APIs of an Azure resource."""

    DEPLOYMENTS = "deployments"
    """/openai/deployments/{deployment}/chat/completions?api-version=..."""
    DEPLOYMENT = "deployment"
    """The same, for a base URL that names its one deployment."""
    V1 = "v1"
    """/openai/v1/chat/completions, the model in the body."""
    INFERENCE = "inference"
    """/models/chat/completions?api-version=..., the model in the body: AI Foundry."""


def surface_of(url: str) -> Surface:
    """The surface that a base URL without a trailing slash means."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path
    if path.endswith("/v1"):
        return Surface.V1
    if "/openai/deployments/" in path + "/":
        return Surface.DEPLOYMENT
    if path.endswith("/models") or (not path and host.endswith((".services.ai.azure.com", ".models.ai.azure.com"))):
        return Surface.INFERENCE
    return Surface.DEPLOYMENTS


def placed(endpoint: Endpoint, model: str) -> Endpoint:
    """The endpoint as the openai dialect must see it to reach the model."""
    surface = surface_of(endpoint.url)
    version = version_of(endpoint, surface)
    quirks = Quirks(
        max_tokens_field=max_tokens_field(surface, endpoint.capabilities_of(model), version),
        stream_usage=surface is Surface.INFERENCE or is_modern(version),
        developer_role=surface is not Surface.INFERENCE,
        reasoning_field="reasoning_content" if surface is Surface.INFERENCE else "",
        reasoning_details=False,
        cache_control=False,
        automatic_cache=True,
        lacks=frozenset({MEDIA_KIND_VIDEO}) if surface is not Surface.INFERENCE else frozenset(),
        longest_user=64,
        longest_call_id=40 if surface is not Surface.INFERENCE else 0,
        unsupported=UNSUPPORTED if surface is not Surface.INFERENCE else (),
        own_options="azure",
        chat_path=chat_path(surface, endpoint.url, model) + query(version),
        models_path=models_path(surface) + query(DEPLOYMENTS_VERSION if surface is Surface.INFERENCE else version),
        key_header="api-key",
    )
    return dataclasses.replace(endpoint, url=root_of(endpoint.url, surface), quirks=quirks)


def version_of(endpoint: Endpoint, surface: Surface) -> str:
    """The api-version to ask for. v1 needs none."""
    if endpoint.api_version:
        return endpoint.api_version
    defaults = {Surface.V1: "", Surface.INFERENCE: INFERENCE_VERSION}
    return defaults.get(surface, DEPLOYMENTS_VERSION)


def is_modern(version: str) -> bool:
    """v1 has no dates: its versions are none, preview and latest."""
    return not version[:1].isdigit() or version >= FIRST_MODERN_VERSION


def max_tokens_field(surface: Surface, model: Capabilities, version: str) -> str:
    """OpenAI's reasoning models refuse max_tokens; other vendors' models at the inference surface the newer spelling."""
    if surface is Surface.INFERENCE:
        return "max_completion_tokens" if model.newer_bound else "max_tokens"
    return "max_completion_tokens" if is_modern(version) else "max_tokens"


def root_of(url: str, surface: Surface) -> str:
    """The part of the base URL that the paths below are appended to."""
    if surface is Surface.V1:
        return url
    if surface is Surface.DEPLOYMENT:
        return url.partition("/openai/deployments/")[0]
    return url.removesuffix("/models").removesuffix("/openai")


def chat_path(surface: Surface, url: str, model: str) -> str:
    if surface is Surface.DEPLOYMENT:
        named = url.partition("/openai/deployments/")[2]
        return f"/openai/deployments/{named}/chat/completions"
    if surface is Surface.DEPLOYMENTS:
        return f"/openai/deployments/{quote(model, safe='')}/chat/completions"
    # A serverless endpoint is one model at its root.
    serverless = (urlsplit(url).hostname or "").endswith(".models.ai.azure.com")
    return "/models/chat/completions" if surface is Surface.INFERENCE and not serverless else "/chat/completions"


def models_path(surface: Surface) -> str:
    return "/models" if surface is Surface.V1 else "/openai/models"


def query(version: str) -> str:
    return f"?api-version={quote(version, safe='')}" if version else ""
