"""Requests of the Messages API: body and headers, for a chat and for the count of its tokens.

Source: https://platform.claude.com/docs/en/api/messages, /en/api/messages-count-tokens and recorded requests.
provider_details_json["anthropic"] holds fields that the contract does not name, provider_options_json["anthropic"] those of
the request, and anthropic_beta: a list for the header of that name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, Part, ToolCall
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.anthropic.encode_content import RequestDiagnostics
from gateway_dialects.anthropic.encode_messages import encode_conversation
from gateway_dialects.anthropic.encode_thinking import MOST_OUTPUT, apply_rules, encode_reasoning, make_room
from gateway_dialects.anthropic.encode_tools import encode_response_format, encode_tools
from gateway_dialects.anthropic.words import DIALECT, REQUEST_TIERS
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import options_for, unsupported
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest, bound_of
from gateway_dialects.kit.fields import Reader, array, integer, mapping, number
from gateway_dialects.kit.json import Json, inverse, object_at, request_bytes

API_VERSION = "2023-06-01"
"""What 2026-10-21 changes is that it refuses more: sampling settings on every model, and some content. Answers are the same.
A configured header anthropic-version wins over it."""
GATEWAY_FIELDS = frozenset({"model", "messages", "stream"})
"""Never taken from the caller's options: the model was chosen by the route, and may be all that the caller's key allows."""
SAMPLING = ("temperature", "top_p", "top_k")
HARMLESS: Mapping[str, tuple[object, ...]] = {
    "seed": (),
    "frequency_penalty": (0.0,),
    "presence_penalty": (0.0,),
    "logit_bias": (),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "verbosity": (),
}
"""Contract fields that this dialect does not have, and values that ask for nothing."""
EXTRA_FIELDS = frozenset(
    {
        *("anthropic_beta", "cache_control", "container", "context_management", "inference_geo", "mcp_servers"),
        *("output_config", "speed", "thinking"),
    }
)
"""Fields of this API that are taken from extra_body_json."""
OPTION_TYPES: Mapping[str, Reader] = {
    "max_tokens": integer,
    "temperature": number,
    "top_p": number,
    "tools": array,
    **dict.fromkeys(("tool_choice", "thinking", "output_config"), mapping),
}
"""Options that the encoder looks into, once they are in the body."""
TIER_WORDS: Mapping[str, str] = {**dict(zip(REQUEST_TIERS, REQUEST_TIERS, strict=True)), **inverse(REQUEST_TIERS)}
COUNTED_FIELDS = (
    *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "billing_policy"),
    *("cache_control", "compaction", "context_management", "mcp_servers", "speed"),
)
"""The fields of a request that the count of tokens takes; it refuses max_tokens and all that shapes the answer only."""
VERSION_SEGMENTS = ("/v1", "/v1beta")


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """POST /v1/messages."""
    if request.candidate_count > 1:
        raise unsupported("n", "this provider gives one answer for each request")
    capabilities = endpoint.capabilities_of(model)
    diagnostics = RequestDiagnostics(takes_unsigned=takes_unsigned(endpoint, capabilities))
    body = encode_body(request, model, capabilities, diagnostics)
    if stream:
        body["stream"] = True
    return post("/messages", body, endpoint, diagnostics), diagnostics.from_provider(endpoint.provider)


def encode_count(request: ChatRequest, model: str, endpoint: Endpoint) -> UpstreamRequest:
    """POST /v1/messages/count_tokens."""
    capabilities = endpoint.capabilities_of(model)
    diagnostics = RequestDiagnostics(takes_unsigned=takes_unsigned(endpoint, capabilities))
    body = encode_body(with_lone_calls(request), model, capabilities, diagnostics)
    counted = {name: body[name] for name in COUNTED_FIELDS if name in body}
    return post("/messages/count_tokens", counted, endpoint, diagnostics)


def takes_unsigned(endpoint: Endpoint, model: Capabilities) -> bool:
    """Whether reasoning that is not signed can go back. DeepSeek's and Kimi's API of this dialect sign with nothing, and
    refuse a tool turn without it: "The `content[].thinking` in the thinking mode must be passed back to the API"."""
    return not (endpoint.quirks.signed_reasoning or model.signed_reasoning)


def with_lone_calls(request: ChatRequest) -> ChatRequest:
    """A request to be counted, in which each result has its call: clients also count results alone, which the provider
    refuses. The request itself where nothing is missing."""
    changed, calls = ChatRequest(), set[str]()
    for message in request.messages:
        results = [part.tool_result for part in message.parts if part.HasField("tool_result")]
        if lone := [result for result in results if result.tool_call_id not in calls]:
            called = [ToolCall(id=result.tool_call_id, name=result.name or "tool") for result in lone]
            changed.messages.add(role=ROLE_ASSISTANT, parts=[Part(tool_call=call) for call in called])
        if message.role == ROLE_ASSISTANT:
            calls = {part.tool_call.id for part in message.parts if part.HasField("tool_call")}
        changed.messages.append(message)
    if len(changed.messages) == len(request.messages):
        return request
    counted = ChatRequest()
    counted.CopyFrom(request)
    del counted.messages[:]
    counted.messages.extend(changed.messages)
    return counted


def post(path: str, body: Json, endpoint: Endpoint, diagnostics: RequestDiagnostics) -> UpstreamRequest:
    return UpstreamRequest("POST", base_url(endpoint) + path, headers(endpoint, diagnostics.betas), request_bytes(body))


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """GET /v1/models. A thousand is the most that one page holds."""
    return UpstreamRequest("GET", base_url(endpoint) + "/models?limit=1000", headers(endpoint))


def base_url(endpoint: Endpoint) -> str:
    """With the version segment, which Anthropic's own clients leave out of their base URL."""
    return endpoint.url if endpoint.url.endswith(VERSION_SEGMENTS) else f"{endpoint.url}/v1"


def headers(endpoint: Endpoint, betas: Sequence[str] = ()) -> dict[str, str]:
    """What a request to this endpoint carries."""
    found = {"content-type": "application/json", "anthropic-version": API_VERSION}
    found.update((name.lower(), value) for name, value in endpoint.headers.items())
    if betas:
        configured = [name.strip() for name in found.get("anthropic-beta", "").split(",") if name.strip()]
        found["anthropic-beta"] = ",".join(dict.fromkeys([*configured, *betas]))
    if endpoint.keys:
        found["x-api-key"] = endpoint.keys[0].reveal()
    return found


def encode_body(request: ChatRequest, name: str, model: Capabilities, diagnostics: RequestDiagnostics) -> Json:
    """The request's JSON body without its stream flag."""
    body: Json = {"model": name, "max_tokens": bound_of(request) or model.default_output or MOST_OUTPUT}
    conversation = encode_conversation(request.messages, diagnostics)
    if conversation.system:
        body["system"] = conversation.system
    body["messages"] = [turn.encode() for turn in conversation.turns]
    if request.tools or request.HasField("tool_choice"):
        encode_tools(body, request, model, diagnostics)
    encode_settings(body, request, diagnostics)
    if request.HasField("reasoning"):
        encode_reasoning(body, request, model, diagnostics)
    if request.provider_options_json or request.extra_body_json:
        encode_options(body, request, model, diagnostics)
    apply_rules(body, model, diagnostics)
    if request.HasField("response_format"):
        encode_response_format(body, request.response_format, model, diagnostics)
    diagnostics.drop_foreign_settings(request, DIALECT)
    return body


def encode_settings(body: Json, request: ChatRequest, diagnostics: RequestDiagnostics) -> None:
    """Everything that is one value."""
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in SAMPLING:
            body[name] = value
        elif name in HARMLESS and value not in HARMLESS[name]:
            diagnostics.drop(name)
    if request.stop:
        encode_stop(body, request.stop, diagnostics)
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier in TIER_WORDS:
        body["service_tier"] = TIER_WORDS[request.service_tier]
    elif request.service_tier:
        diagnostics.drop("service_tier", f"this provider has no class of service {request.service_tier!r}")
    if any(modality != "text" for modality in request.modalities):
        diagnostics.drop("modalities", "this provider answers in text only")


def encode_stop(body: Json, stop: Sequence[str], diagnostics: RequestDiagnostics) -> None:
    """White space alone is refused as a stop text."""
    sent = [text for text in stop if text and not text.isspace()]
    if sent:
        body["stop_sequences"] = sent
    if len(sent) < len(stop):
        diagnostics.drop("stop", "this provider takes no stop text that is white space")


def encode_options(body: Json, request: ChatRequest, model: Capabilities, diagnostics: RequestDiagnostics) -> None:
    """Adds the options of this dialect, and the extra fields of the request's body that this API has."""
    own, extra = options_for(request, DIALECT, EXTRA_FIELDS, diagnostics)
    merge_options(body, own, diagnostics)
    merge_options(body, extra, diagnostics)
    if type(budget := object_at(extra, "thinking").get("budget_tokens")) is int:
        make_room(body, budget, model)


def merge_options(body: Json, options: Json, diagnostics: RequestDiagnostics) -> None:
    """Objects are merged with what the body has; anything else replaces it. Null says nothing."""
    for name, value in options.items():
        if value is None or name in GATEWAY_FIELDS:
            continue
        if name == "anthropic_beta":
            add_betas(value, diagnostics)
            continue
        if check := OPTION_TYPES.get(name):
            check(value, name)
        elif name == "system" and not isinstance(value, (str, list)):
            raise invalid(name, "system must be a string or an array of text blocks")
        known = body.get(name)
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value


def add_betas(value: Any, diagnostics: RequestDiagnostics) -> None:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and is_header_safe(name) for name in names):
        raise invalid("anthropic_beta", "anthropic_beta must be a list of names")
    for name in names:
        if name.strip():
            diagnostics.need_beta(name.strip())


def is_header_safe(name: str) -> bool:
    return name.isascii() and (name.isprintable() or not name)
