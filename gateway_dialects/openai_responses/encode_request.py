"""A ChatRequest in the words of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses/create and recorded requests.
provider_options_json["openai-responses"] holds the request's other fields. Its note $fields holds those that the gateway
itself honours at any provider (store, metadata ...): they are sent to this one, and nobody is warned that others lack them.
Where these options are absent the client speaks another language: then nothing is stored at the provider, and reasoning
comes encrypted, so that the client can carry it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_object, encode_json
from gateway_dialects.kit.legacy import CHAT_FORM, SHAPE_ERRORS, fields_of, left_out
from gateway_dialects.openai.encode_messages import short_user
from gateway_dialects.openai.encode_request import headers, implied_effort
from gateway_dialects.openai.words import OPENAI_EFFORTS, known_effort
from gateway_dialects.openai_responses.encode_input import encode_conversation
from gateway_dialects.openai_responses.encode_tools import custom_names, encode_format, encode_tool_choice, encode_tools
from gateway_dialects.openai_responses.words import DIALECT, details_of

PLAIN_FIELDS = ("parallel_tool_calls", "temperature", "top_p", "top_logprobs", "service_tier")
"""Contract fields that have the same name and form in this dialect."""
HARMLESS: Mapping[str, tuple[object, ...]] = {
    "top_k": (),
    "frequency_penalty": (0.0,),
    "presence_penalty": (0.0,),
    "seed": (),
    "logit_bias": (),
    "stop": (),
}
"""Contract fields that this dialect does not have, and values that ask for nothing."""
ADOPTED = frozenset(
    {
        "context_management",
        "conversation",
        "include",
        "max_tool_calls",
        "metadata",
        "moderation",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "stream_options",
        "truncation",
    }
)
"""This dialect's fields that clients of OpenAI's chat form send too, or as extra fields of their body."""
GATEWAY_FIELDS = frozenset({"model", "input", "stream", "background"})
"""Never taken from the caller's options."""
LONGEST_USER = 64
NESTED = frozenset({"text", "reasoning"})
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
EFFORT_BY_BUDGET = ((2000, "low"), (8000, "medium"))
"""The effort that a budget of reasoning tokens stands for, up to so many; above, high."""
REASONING_MODELS = re.compile(r"(ft:)?(o\d|gpt-[5-9]|gpt-\d\d|codex-|computer-use-)(?!.*-chat)")
"""Those that take an include of encrypted reasoning; the others refuse the request that asks for it."""


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    warnings: list[Warning] = []
    try:
        body = encode_body(request, model, warnings)
        if stream:
            body["stream"] = True
        else:
            body.pop("stream_options", None)
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        # Only a gRPC caller can do this: a face writes these fields itself.
        message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
        raise invalid("", message) from error
    for warning in warnings:
        warning.provider = endpoint.provider
    return UpstreamRequest("POST", f"{endpoint.url}/responses", headers(endpoint), content), warnings


def encode_body(request: ChatRequest, model: str, warnings: list[Warning]) -> Json:
    """The request's JSON body without its stream flag."""
    options = {dialect: decode_object(text) for dialect, text in request.provider_options_json.items()}
    own = options.get(DIALECT)
    body: Json = {"model": model}
    for descriptor, value in request.ListFields():
        if descriptor.name in PLAIN_FIELDS:
            body[descriptor.name] = value
    if (bound := bound_of(request)) is not None:
        body["max_output_tokens"] = bound
    if request.user:
        body["user"] = short_user(request.user, LONGEST_USER, warnings)
    encode_text(body, request)
    if request.HasField("reasoning"):
        encode_reasoning(body, request.reasoning, warnings)
    if request.tools:
        body["tools"] = encode_tools(request)
    if request.HasField("tool_choice") and (choice := encode_tool_choice(request.tool_choice, custom_names(request))):
        body["tool_choice"] = choice
    conversation = encode_conversation(request.messages, warnings, by_reference=own is not None)
    encode_input(body, conversation.items, conversation.instructions, own or {})
    add_options(body, request, options, warnings)
    set_include(body, request, model, is_native=own is not None)
    warn_of_knobs(request, warnings)
    return body


def bound_of(request: ChatRequest) -> int | None:
    if request.HasField("max_output_tokens"):
        return request.max_output_tokens
    return request.max_tokens if request.HasField("max_tokens") else None


def encode_text(body: Json, request: ChatRequest) -> None:
    text: Json = {}
    if form := encode_format(request.response_format):
        text["format"] = form
    if request.verbosity:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def encode_reasoning(body: Json, reasoning: ReasoningSettings, warnings: list[Warning]) -> None:
    settings = fields_of(details_of(reasoning))
    effort = reasoning.effort or implied_effort(reasoning.enabled if reasoning.HasField("enabled") else None)
    if reasoning.HasField("max_tokens"):
        if not effort:
            effort = next((word for most, word in EFFORT_BY_BUDGET if reasoning.max_tokens < most), "high")
        message = f"this provider takes no budget of reasoning tokens; its effort was set to {effort}"
        warnings.append(Warning(field="reasoning.max_tokens", message=message))
    if effort:
        settings["effort"] = known_effort(effort, body["model"], OPENAI_EFFORTS, warnings)
    if reasoning.summary and not reasoning.exclude:
        settings["summary"] = reasoning.summary
    if settings:
        body["reasoning"] = settings


def encode_input(body: Json, items: list[Json], instructions: str | None, own: Json) -> None:
    body["input"] = items
    if own.get("$input") == "string" and len(items) == 1 and isinstance(items[0]["content"], str):
        body["input"] = items[0]["content"]
    if instructions is None and isinstance(own.get("$instructions"), str):
        instructions = own["$instructions"]
    if instructions is not None:
        body["instructions"] = instructions


def add_options(body: Json, request: ChatRequest, options: Mapping[str, Json], warnings: list[Warning]) -> None:
    """Fields that the contract does not name. What it names is not overridden."""
    own = options.get(DIALECT)
    chat = fields_of(options.get(CHAT_FORM, {}))
    for name, value in chat.items():
        if name in ADOPTED:
            body.setdefault(name, value)
    for name, value in (*fields_of(own or {}).items(), *(own or {}).get("$fields", {}).items()):
        if name in NESTED and isinstance(value, dict):
            body[name] = {**value, **body.get(name, {})}
        elif name == "include" and isinstance(value, list):
            body[name] = list(dict.fromkeys([*body.get(name, ()), *value]))
        elif name not in GATEWAY_FIELDS:
            body.setdefault(name, value)
    if own is None:
        body.setdefault("store", False)
    elif own.get("background"):
        warnings.append(left_out("background", "the gateway answers while the client waits"))
    for dialect, fields in options.items():
        warnings.extend(
            left_out(name, f"it is known to the {dialect} dialect only")
            for name in fields_of(fields)
            if dialect != DIALECT and not (dialect == CHAT_FORM and name in ADOPTED)
        )


def set_include(body: Json, request: ChatRequest, model: str, *, is_native: bool) -> None:
    """Ask for log-probabilities where they are wanted, and for reasoning in a form that a client can carry."""
    given: Any = body.get("include", [])
    wanted = list(given) if isinstance(given, list) else []
    if request.logprobs and LOGPROBS not in wanted:
        wanted.append(LOGPROBS)
    if not is_native and ENCRYPTED not in wanted and REASONING_MODELS.match(model):
        wanted.append(ENCRYPTED)
    if wanted:
        body["include"] = wanted


def warn_of_knobs(request: ChatRequest, warnings: list[Warning]) -> None:
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in HARMLESS and value not in HARMLESS[name]:
            warnings.append(left_out(name, "this provider does not have it"))
    if request.candidate_count > 1:
        warnings.append(Warning(field="n", message="this provider gives one answer for each request; n was left out"))
    for modality in request.modalities:
        if modality != "text":
            warnings.append(left_out("modalities", f"this provider answers in text, not in {modality}"))
