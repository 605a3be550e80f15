"""A ChatRequest in the words of Cohere's chat API.

Source: https://docs.cohere.com/reference/chat and recorded requests. provider_options_json["cohere"] holds the request's
fields that the contract does not name: documents, citation_options, safety_mode, priority ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.cohere.client.details import DIALECT, object_of
from gateway_dialects.cohere.client.messages import encode_messages
from gateway_dialects.cohere.client.output import encode_response_format
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.cohere.client.thinking import encode_reasoning
from gateway_dialects.cohere.client.tools import encode_tools
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS

SAME = {"temperature": "temperature", "seed": "seed", "top_k": "k", "logprobs": "logprobs"}
"""Contract fields that only need this dialect's names."""
RANGES = {
    "top_p": ("p", 0.01, 0.99),
    "frequency_penalty": ("frequency_penalty", 0.0, 1.0),
    "presence_penalty": ("presence_penalty", 0.0, 1.0),
}
"""Contract fields whose range is narrower here, with this dialect's names."""
HARMLESS: Mapping[str, tuple[object, ...]] = {
    "logit_bias": (),
    "top_logprobs": (0,),
    "verbosity": (),
    "user": (),
    "service_tier": ("auto", "default"),
}
"""Contract fields that this dialect does not have, and values that ask for nothing."""
ADOPTED = frozenset(
    {"citation_options", "documents", "k", "p", "priority", "raw_prompting", "safety_mode", "strict_tools", "thinking"}
)
"""This dialect's fields that clients of OpenAI's form send as extra fields of their body."""
GATEWAY_FIELDS = frozenset({"model", "messages", "stream"})
"""Never taken from the caller's options."""
VERSIONS = ("/v1", "/v2")


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    if request.candidate_count > 1:
        raise GatewayError(Reason.UNSUPPORTED, "n: this provider gives one answer for each request", field="n")
    remarks = Remarks()
    try:
        body = encode_body(request, model, remarks)
        body["stream"] = stream
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        # Only a gRPC caller can do this: a face writes these fields itself.
        message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
        raise invalid("", message) from error
    for warning in remarks.warnings:
        warning.provider = endpoint.provider
    return UpstreamRequest("POST", base_url(endpoint) + "/v2/chat", headers(endpoint), content), remarks.warnings


def base_url(endpoint: Endpoint) -> str:
    """Without a version: chat is in the second, the list of models in the first."""
    return endpoint.url[:-3] if endpoint.url.endswith(VERSIONS) else endpoint.url


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        found["authorization"] = "Bearer " + endpoint.keys[0].reveal()
    return found


def encode_body(request: ChatRequest, model: str, remarks: Remarks) -> Json:
    """The request's JSON body without its stream flag."""
    body: Json = {"model": model, "messages": encode_messages(request.messages, model, remarks)}
    if request.tools or request.HasField("tool_choice") or request.HasField("parallel_tool_calls"):
        encode_tools(body, request, remarks)
    encode_settings(body, request, remarks)
    if request.HasField("reasoning"):
        encode_reasoning(body, request.reasoning, model, remarks)
    if remarks.documents:
        body["documents"] = list(remarks.documents)
    if request.provider_options_json:
        encode_options(body, request, remarks)
    if request.HasField("response_format"):
        encode_response_format(body, request.response_format, remarks)
    return body


def encode_settings(body: Json, request: ChatRequest, remarks: Remarks) -> None:
    """Everything that is one value."""
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in SAME:
            body[SAME[name]] = value
        elif name in RANGES:
            set_in_range(body, name, value, remarks)
        elif name in HARMLESS and value not in HARMLESS[name]:
            remarks.leave_out(name, "this provider does not have it")
    if request.HasField("max_output_tokens"):
        body["max_tokens"] = request.max_output_tokens
    elif request.HasField("max_tokens"):
        body["max_tokens"] = request.max_tokens
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if any(modality != "text" for modality in request.modalities):
        remarks.leave_out("modalities", "this provider answers in text only")


def set_in_range(body: Json, field: str, value: float, remarks: Remarks) -> None:
    name, least, most = RANGES[field]
    body[name] = min(max(value, least), most)
    if body[name] != value:
        remarks.warn(field, f"this provider's {field} is {least} to {most}; {value} was sent as {body[name]}")


def encode_options(body: Json, request: ChatRequest, remarks: Remarks) -> None:
    """Add the fields that only this dialect knows; others become warnings."""
    for dialect, text in request.provider_options_json.items():
        options = object_of(text, f"provider_options_json.{dialect}")
        for name, value in options.items():
            if name.startswith("$") or name in GATEWAY_FIELDS:
                continue
            if dialect == DIALECT or (dialect == CHAT_FORM and name in ADOPTED):
                body[name] = [*value, *body[name]] if name == "documents" and name in body else value
            else:
                remarks.leave_out(name, f"it is known to the {dialect} dialect only")
