"""A ChatRequest as a request to create a response of OpenAI's Responses API.

provider_options_json["openai-responses"] holds the request's fields that the contract does not name. Where it is absent the
client uses another API: then nothing is stored at the provider, and reasoning comes encrypted, so that the client can carry
it.

Source: https://platform.openai.com/docs/api-reference/responses/create, https://platform.openai.com/docs/guides/
migrate-to-responses (functions are strict by default, unlike those of chat completions) and recorded requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest, bound_of
from gateway_dialects.kit.json import Json, object_of, options_of, raw_json, request_bytes, set_if_present
from gateway_dialects.kit.reasoning import effort_for
from gateway_dialects.openai.encode_messages import short_user
from gateway_dialects.openai.encode_request import headers, implied_effort
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import RESPONSE_FORMAT_WORDS
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.encode_input import encode_input
from gateway_dialects.openai_responses.encode_tools import encode_tool_choice, encode_tools
from gateway_dialects.openai_responses.words import DIALECT, RequestForm, details_of, request_form

PLAIN_FIELDS = ("parallel_tool_calls", "temperature", "top_p", "top_logprobs", "service_tier")
"""Contract fields that have the same name and form in this dialect."""
NEUTRAL: Mapping[str, float | None] = {
    **dict.fromkeys(("frequency_penalty", "presence_penalty"), 0.0),
    **dict.fromkeys(("top_k", "seed", "logit_bias", "stop")),
}
"""Contract fields that this dialect does not have, and the value that asks for nothing."""
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
"""Fields of this API that are sent from ChatRequest.extra_body_json too."""
GATEWAY_FIELDS = frozenset({"model", "input", "stream"})
"""Never taken from the caller's options."""
NESTED = frozenset({"text", "reasoning"})
LONGEST_USER = 64
NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
SCHEMA_NAME = "answer"
NO_INPUT = {"role": "user", "content": ""}
"""The item of an empty message of the user."""


def encode_chat(
    request: chat_pb2.ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    diagnostics = Diagnostics()
    body = encode_body(request, model, endpoint, diagnostics)
    if stream:
        body["stream"] = True
    else:
        body.pop("stream_options", None)
    upstream = UpstreamRequest("POST", f"{endpoint.url}/responses", headers(endpoint), request_bytes(body))
    return upstream, diagnostics.from_provider(endpoint.provider)


def encode_body(request: chat_pb2.ChatRequest, model: str, endpoint: Endpoint, diagnostics: Diagnostics) -> Json:
    """The request's JSON body without its stream flag."""
    is_native = DIALECT in request.provider_options_json
    form, takes = request_form(request), endpoint.capabilities_of(model)
    body: Json = {"model": model}
    for descriptor, value in request.ListFields():
        if descriptor.name in PLAIN_FIELDS:
            body[descriptor.name] = value
    if (bound := bound_of(request)) is not None:
        body["max_output_tokens"] = bound
    if request.user:
        body["user"] = short_user(request.user, LONGEST_USER, diagnostics)
    encode_text(body, request)
    if request.HasField("reasoning"):
        encode_reasoning(body, request.reasoning, takes.efforts or (), diagnostics)
    tools = encode_tools(request.tools)
    if tools.own:
        body["tools"] = tools.own
    if request.HasField("tool_choice") and (choice := encode_tool_choice(request.tool_choice, tools.all)):
        body["tool_choice"] = choice
    set_input(body, request, form, diagnostics, by_reference=is_native)
    for place, item in tools.items:
        body["input"].insert(place, item)
    add_options(body, request, form, diagnostics)
    if not is_native:
        body.setdefault("store", False)
    set_include(body, request, encrypted=not is_native and takes.encrypted_reasoning)
    if takes.reasoning is False and words.ENCRYPTED in included(body):
        # "Encrypted content is not supported with this model"; there is none.
        body["include"] = [name for name in body["include"] if name != words.ENCRYPTED]
    warn_of_settings(request, diagnostics)
    diagnostics.drop_foreign_settings(request, DIALECT)
    return body


def encode_text(body: Json, request: chat_pb2.ChatRequest) -> None:
    text: Json = {}
    if form := encode_format(request.response_format):
        text["format"] = form
    if request.verbosity:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def encode_format(form: chat_pb2.ResponseFormat) -> Json | None:
    """text.format. None: the provider's default."""
    if not form.type:
        return None
    kind = RESPONSE_FORMAT_WORDS.get(form.type)
    if kind is None:
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")
    encoded: Json = {"type": kind}
    if form.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        encoded["name"] = form.name or SCHEMA_NAME
        set_if_present(encoded, form, ("description", "strict"))
        if form.schema_json:
            encoded["schema"] = raw_json(form.schema_json, "response_format.json_schema.schema")
    return {**encoded, **details_of(form)}


def encode_reasoning(
    body: Json, reasoning: chat_pb2.ReasoningSettings, efforts: Sequence[str], diagnostics: Diagnostics
) -> None:
    """efforts: that the model is known to take."""
    settings = details_of(reasoning)
    effort = reasoning.effort or implied_effort(reasoning.enabled if reasoning.HasField("enabled") else None)
    if reasoning.HasField("max_tokens"):
        effort = effort or effort_for(reasoning.max_tokens, most="high", known=efforts)
        message = f"this provider takes no budget of reasoning tokens; its effort was set to {effort}"
        diagnostics.warn("reasoning.max_tokens", message)
    if effort:
        settings["effort"] = effort
    if reasoning.summary and not reasoning.exclude:
        settings["summary"] = reasoning.summary
    if settings:
        body["reasoning"] = settings


def set_input(
    body: Json, request: chat_pb2.ChatRequest, form: RequestForm, diagnostics: Diagnostics, *, by_reference: bool
) -> None:
    items, instructions = encode_input(request.messages, diagnostics, by_reference=by_reference)
    if form.no_input and items == [NO_INPUT]:
        items = []
    if items or not form.no_input:
        body["input"] = items
    if form.text_input and len(items) == 1 and isinstance(text := items[0].get("content"), str):
        body["input"] = text
    if instructions is None and form.empty_instructions:
        instructions = ""
    if instructions is not None:
        body["instructions"] = instructions


def add_options(body: Json, request: chat_pb2.ChatRequest, form: RequestForm, diagnostics: Diagnostics) -> None:
    """Fields that the contract does not name. What it names is not overridden."""
    extra = object_of(request.extra_body_json, "extra_body_json") if request.extra_body_json else {}
    adopt(body, extra, ADOPTED, "this provider does not have it", diagnostics)
    for dialect in request.provider_options_json:
        if dialect != DIALECT and not dialect.endswith(".form"):
            fields, why = options_of(request.provider_options_json, dialect), f"it is known to the {dialect} dialect only"
            adopt(body, fields, ADOPTED if dialect == OPENAI else frozenset(), why, diagnostics)
    own = options_of(request.provider_options_json, DIALECT)
    for name, value in (*own.items(), *form.served.items()):
        if name in NESTED and isinstance(value, dict):
            body[name] = {**value, **body.get(name, {})}
        elif name == "include" and isinstance(value, list):
            body[name] = [*included(body), *value]
        elif name not in GATEWAY_FIELDS:
            body.setdefault(name, value)


def adopt(body: Json, fields: Json, known: frozenset[str], why: str, diagnostics: Diagnostics) -> None:
    for name, value in fields.items():
        if name in known:
            body.setdefault(name, value)
        else:
            diagnostics.drop(name, why)


def included(body: Json) -> list[Any]:
    found = body.get("include")
    return found if isinstance(found, list) else []


def set_include(body: Json, request: chat_pb2.ChatRequest, *, encrypted: bool) -> None:
    """Ask for log-probabilities where they are wanted, and for reasoning in a form that a client can carry.

    encrypted: whether it may be asked for encrypted."""
    wanted = list(dict.fromkeys(name for name in included(body) if isinstance(name, str)))
    if request.logprobs and words.LOGPROBS not in wanted:
        wanted.append(words.LOGPROBS)
    if encrypted and words.ENCRYPTED not in wanted:
        wanted.append(words.ENCRYPTED)
    if wanted:
        body["include"] = wanted


def warn_of_settings(request: chat_pb2.ChatRequest, diagnostics: Diagnostics) -> None:
    for descriptor, value in request.ListFields():
        if descriptor.name in NEUTRAL and value != NEUTRAL[descriptor.name]:
            diagnostics.drop(descriptor.name)
    if request.candidate_count > 1:
        diagnostics.warn("n", "this provider gives one answer for each request; n was left out")
    for modality in request.modalities:
        if modality != "text":
            diagnostics.drop("modalities", f"this provider answers in text, not in {modality}")
