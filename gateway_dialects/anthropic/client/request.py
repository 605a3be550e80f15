"""A ChatRequest in the words of Anthropic's Messages API.

Source: https://platform.claude.com/docs/en/api/messages and recorded requests. provider_details_json["anthropic"] holds
fields that the contract does not name; its "$" notes record the form that the client used (see content.proto).
provider_options_json["anthropic"] holds the request's other fields, and anthropic_beta: a list for the header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.anthropic.client.details import DIALECT
from gateway_dialects.anthropic.client.families import Family, family_of
from gateway_dialects.anthropic.client.output import encode_response_format
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.anthropic.client.thinking import bound_of, encode_reasoning, keep_rules, make_room
from gateway_dialects.anthropic.client.tools import encode_tools
from gateway_dialects.anthropic.client.turns import Conversation, encode_conversation
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_json, encode_json
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS

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
ADOPTED = frozenset(
    {
        "anthropic_beta",
        "cache_control",
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "speed",
        "thinking",
    }
)
"""This dialect's fields that clients of OpenAI's form send as extra fields of their body."""
SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
VERSION_SEGMENTS = ("/v1", "/v1beta")


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    if request.candidate_count > 1:
        raise GatewayError(Reason.UNSUPPORTED, "n: this provider gives one answer for each request", field="n")
    remarks = Remarks()
    try:
        body = encode_body(request, model, remarks)
        if stream:
            body["stream"] = True
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        # Only a gRPC caller can do this: a face writes these fields itself.
        message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
        raise invalid("", message) from error
    for warning in remarks.warnings:
        warning.provider = endpoint.provider
    url = base_url(endpoint) + "/messages"
    return UpstreamRequest("POST", url, headers(endpoint, remarks.betas), content), remarks.warnings


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


def encode_body(request: ChatRequest, model: str, remarks: Remarks) -> Json:
    """The request's JSON body without its stream flag."""
    family = family_of(model)
    body: Json = {"model": model, "max_tokens": bound_of(request) or family.default_output}
    conversation = encode_conversation(request.messages, remarks)
    if conversation.system:
        body["system"] = encode_system(conversation)
    body["messages"] = [turn.encode() for turn in conversation.turns]
    if request.tools or request.HasField("tool_choice"):
        encode_tools(body, request, family, remarks)
    encode_settings(body, request, remarks)
    if request.HasField("reasoning"):
        encode_reasoning(body, request, family, remarks)
    if request.provider_options_json:
        encode_options(body, request, family, remarks)
    keep_rules(body, family, remarks)
    if request.HasField("response_format"):
        encode_response_format(body, request.response_format, family, remarks)
    return body


def encode_system(conversation: Conversation) -> str | list[Json]:
    blocks = conversation.system
    if conversation.system_form == "string" and len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def encode_settings(body: Json, request: ChatRequest, remarks: Remarks) -> None:
    """Everything that is one value."""
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in SAMPLING:
            body[name] = value
        elif name in HARMLESS and value not in HARMLESS[name]:
            remarks.leave_out(name, "this provider does not have it")
    if request.stop:
        encode_stop(body, request.stop, remarks)
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier in SERVICE_TIERS:
        body["service_tier"] = SERVICE_TIERS[request.service_tier]
    elif request.service_tier:
        remarks.leave_out("service_tier", f"this provider has no class of service {request.service_tier!r}")
    if any(modality != "text" for modality in request.modalities):
        remarks.leave_out("modalities", "this provider answers in text only")


def encode_stop(body: Json, stop: Sequence[str], remarks: Remarks) -> None:
    """White space alone is refused as a stop text."""
    kept = [text for text in stop if text and not text.isspace()]
    if kept:
        body["stop_sequences"] = kept
    if len(kept) < len(stop):
        remarks.leave_out("stop", "this provider takes no stop text that is white space")


def encode_options(body: Json, request: ChatRequest, family: Family, remarks: Remarks) -> None:
    """Add the fields that only this dialect knows; others become warnings."""
    for dialect, text in request.provider_options_json.items():
        options = options_of(dialect, text)
        if dialect == DIALECT:
            merge_options(body, options, remarks)
            continue
        adopted = {name: value for name, value in options.items() if dialect == CHAT_FORM and name in ADOPTED}
        merge_options(body, adopted, remarks)
        for name in options:
            if name not in adopted and not name.startswith("$"):
                remarks.leave_out(name, f"it is known to the {dialect} dialect only")
        budget = adopted.get("thinking", {}).get("budget_tokens") if isinstance(adopted.get("thinking"), dict) else None
        if type(budget) is int:
            make_room(body, budget, family)


def options_of(dialect: str, text: str) -> Json:
    field = f"provider_options_json.{dialect}"
    try:
        options = decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise invalid(field, f"{field} is not a JSON object")
    return options


def merge_options(body: Json, options: Json, remarks: Remarks) -> None:
    for name, value in options.items():
        if name.startswith("$") or name in GATEWAY_FIELDS:
            continue
        if name == "anthropic_beta":
            add_betas(value, remarks)
        else:
            known = body.get(name)
            body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value


def add_betas(value: Any, remarks: Remarks) -> None:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and is_header_safe(name) for name in names):
        raise invalid("anthropic_beta", "anthropic_beta must be a list of names")
    for name in names:
        if name.strip():
            remarks.need_beta(name.strip())


def is_header_safe(name: str) -> bool:
    return name.isascii() and (name.isprintable() or not name)
