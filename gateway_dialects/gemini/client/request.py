"""A ChatRequest in the words of Gemini's generateContent and streamGenerateContent.

Source: https://ai.google.dev/api/generate-content and recorded requests. provider_details_json["gemini"] and
provider_options_json["gemini"] hold fields that the contract does not name; their "$" notes record the form that the client
used (see content.proto). The key travels in a header: what stands in a URL is logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.gemini.client.contents import encode_contents
from gateway_dialects.gemini.client.details import DIALECT
from gateway_dialects.gemini.client.families import family_of
from gateway_dialects.gemini.client.parts import Scope
from gateway_dialects.gemini.client.thinking import encode_thinking
from gateway_dialects.gemini.client.tools import encode_choice, encode_format, encode_tools
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_object, encode_json
from gateway_dialects.kit.legacy import SHAPE_ERRORS

CONFIG_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_output_tokens": "maxOutputTokens",
    "candidate_count": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
"""Contract fields that are fields of generationConfig. The newer spelling of the token bound stands last, and wins."""
LEFT_OUT = {
    "logit_bias": "this provider takes no bias by token; it was left out",
    "verbosity": "this provider takes no verbosity; it was left out",
    "user": "this provider takes no user id; it was left out",
}
TIERS = {"auto": "", "default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    scope = Scope(family_of(model), endpoint.url, [])
    try:
        body = encode_body(request, scope)
        if request.provider_options_json:
            add_options(body, request.provider_options_json, scope)
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        # Only a gRPC caller can do this: a face writes these fields itself.
        message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
        raise invalid("", message) from error
    for warning in scope.warnings:
        warning.provider = endpoint.provider
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    url = f"{endpoint.url}/{path_of(model)}:{method}"
    return UpstreamRequest("POST", url, headers(endpoint), content), scope.warnings


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        found["x-goog-api-key"] = endpoint.keys[0].reveal()
    return found


def path_of(model: str) -> str:
    """models/NAME, or what is named with a collection of its own: tunedModels/NAME."""
    name = quote(model, safe="/@:~")
    return name if model.startswith(("models/", "tunedModels/", "endpoints/", "publishers/")) else f"models/{name}"


def encode_body(request: ChatRequest, scope: Scope) -> Json:
    form, words = encode_format(request.response_format, request.tools, scope)
    body = encode_contents(request.messages, scope)
    if words:
        add_instruction(body, words, scope)
    if request.tools:
        body["tools"] = encode_tools(request.tools, request.tool_choice, scope)
    if choice := encode_choice(request.tool_choice, request.tools, scope):
        body["toolConfig"] = {"functionCallingConfig": choice}
    if config := encode_config(request, form, scope):
        body["generationConfig"] = config
    if request.service_tier:
        add_tier(body, request.service_tier, scope)
    if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls:
        scope.warn("parallel_tool_calls", "this provider cannot be kept from calling several tools at once")
    for name, message in LEFT_OUT.items():
        if getattr(request, name):
            scope.warn(name, message)
    return body


def encode_config(request: ChatRequest, form: Json, scope: Scope) -> Json:
    config: Json = {
        theirs: getattr(request, ours)
        for ours, theirs in CONFIG_FIELDS.items()
        if request.HasField(ours)  # type: ignore[arg-type]
    }
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if request.modalities:
        config["responseModalities"] = [modality.upper() for modality in request.modalities]
    config.update(form)
    if request.HasField("reasoning") and (thinking := encode_thinking(request.reasoning, scope.family, scope.warnings)):
        config["thinkingConfig"] = thinking
    return config


def add_instruction(body: Json, words: str, scope: Scope) -> None:
    part = {"text": words}
    if "systemInstruction" in body:
        body["systemInstruction"]["parts"].append(part)
    elif scope.family.system_instruction:
        body["systemInstruction"] = {"parts": [part]}
    else:
        body["contents"][-1]["parts"].append(part)


def add_tier(body: Json, wanted: str, scope: Scope) -> None:
    tier = TIERS.get(wanted)
    if tier:
        body["serviceTier"] = tier
    elif tier is None:
        scope.warn("service_tier", f"this provider has no service tier {wanted!r}; its default was used")


def add_options(body: Json, options_json: Mapping[str, str], scope: Scope) -> None:
    """Add the fields that only this dialect knows; those of other dialects become warnings."""
    for dialect, text in options_json.items():
        options = decode_object(text)
        if dialect == DIALECT:
            drop_streamed_arguments(options, scope)
            merge(body, options)
            continue
        for name in options:
            if not name.startswith("$"):
                scope.warn(name, f"{name} is known to the {dialect} dialect only and was left out")


def merge(body: Json, options: Json) -> None:
    for name, value in options.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif not name.startswith("$"):
            body[name] = value


def drop_streamed_arguments(options: Json, scope: Scope) -> None:
    """Arguments that come piece by piece under JSON paths are a form of Vertex AI's that no other face could give on."""
    config = options.get("toolConfig")
    calling = config.get("functionCallingConfig") if isinstance(config, dict) else None
    if isinstance(calling, dict) and calling.pop("streamFunctionCallArguments", None):
        place = "toolConfig.functionCallingConfig.streamFunctionCallArguments"
        scope.warn(place, "arguments are given whole; this was left out")
