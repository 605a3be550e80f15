"""Chat requests, with their tools, response format and reasoning settings, and the request for the list of models.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/tool-use, .../structured-outputs and recorded
requests. provider_options_json["cohere"] holds the request's fields that the contract does not name: documents,
citation_options, safety_mode, priority ...
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ReasoningSettings, ResponseFormat, Tool
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.cohere import words
from gateway_dialects.cohere.encode_messages import RequestDiagnostics, encode_messages
from gateway_dialects.cohere.words import DIALECT, with_details
from gateway_dialects.kit.diagnostics import Diagnostics, options_for, unusable_tool
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.fields import array
from gateway_dialects.kit.json import (
    Json,
    details_of,
    form_of,
    object_of,
    object_schema,
    request_bytes,
    verbatim,
    written_details_of,
)

NAMES = {name: word for word, (name, _) in words.PLAIN_FIELDS.items() if name != "model"}
"""Contract fields that only need this dialect's names."""
RANGES = {"top_p": (0.01, 0.99), "frequency_penalty": (0.0, 1.0), "presence_penalty": (0.0, 1.0)}
"""Contract fields whose range is narrower here."""
HARMLESS: Mapping[str, tuple[object, ...]] = {
    "logit_bias": (),
    "top_logprobs": (0,),
    "verbosity": (),
    "user": (),
    "service_tier": ("auto", "default"),
}
"""Contract fields that this dialect does not have, and values that ask for nothing."""
GATEWAY_FIELDS = frozenset({"model", "messages", "stream"})
"""Never taken from the caller's options."""
VERSIONS = ("/v1", "/v2")


CHOICE_WORDS = {
    chat_pb2.TOOL_CHOICE_MODE_UNSPECIFIED: "",
    chat_pb2.TOOL_CHOICE_MODE_AUTO: "",
    chat_pb2.TOOL_CHOICE_MODE_TOOL: "REQUIRED",
    **{mode: word for word, mode in words.TOOL_CHOICES.items()},
}
"""Empty: the provider's default, which leaves it to the model."""
JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it and no code fence."
SCHEMA_INSTRUCTION = (
    "Answer with one JSON value that is valid against the following JSON Schema, and nothing else: no words around it and no"
    " code fence.\n\n"
)
SCHEMA_FIELD = "response_format.json_schema.schema"


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    if request.candidate_count > 1:
        raise GatewayError(Reason.UNSUPPORTED, "n: this provider gives one answer for each request", field="n")
    diagnostics = RequestDiagnostics()
    body = {**encode_body(request, model, endpoint, diagnostics), "stream": stream}
    upstream = UpstreamRequest("POST", base_url(endpoint) + "/v2/chat", headers(endpoint), request_bytes(body))
    return upstream, diagnostics.from_provider(endpoint.provider)


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.list_models. 1000 is the most that a page may hold."""
    url = base_url(endpoint) + "/v1/models?page_size=1000&endpoint=chat"
    return UpstreamRequest("GET", url, headers(endpoint))


def base_url(endpoint: Endpoint) -> str:
    """Without a version: chat is in the second, the list of models in the first."""
    return endpoint.url[:-3] if endpoint.url.endswith(VERSIONS) else endpoint.url


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        found["authorization"] = "Bearer " + endpoint.keys[0].reveal()
    return found


def encode_body(request: ChatRequest, model: str, endpoint: Endpoint, diagnostics: RequestDiagnostics) -> Json:
    """The request's JSON body without its stream flag."""
    reasons = endpoint.capabilities_of(model).reasoning is not False
    body: Json = {"model": model, "messages": encode_messages(request.messages, reasons, diagnostics)}
    if request.tools or request.HasField("tool_choice") or request.HasField("parallel_tool_calls"):
        encode_tools(body, request, diagnostics)
    encode_settings(body, request, diagnostics)
    if request.HasField("reasoning"):
        encode_reasoning(body, request.reasoning, diagnostics)
    if diagnostics.documents:
        body["documents"] = list(diagnostics.documents)
    encode_options(body, request, diagnostics)
    if request.HasField("response_format"):
        encode_response_format(body, request.response_format, diagnostics)
    diagnostics.drop_foreign_settings(request, DIALECT)
    return body


def encode_settings(body: Json, request: ChatRequest, diagnostics: Diagnostics) -> None:
    """Everything that is one value."""
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in RANGES:
            set_in_range(body, name, value, diagnostics)
        elif name in NAMES:
            body[NAMES[name]] = value
        elif name in HARMLESS and value not in HARMLESS[name]:
            diagnostics.drop(name)
    if request.HasField("max_output_tokens"):
        body["max_tokens"] = request.max_output_tokens
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if any(modality != "text" for modality in request.modalities):
        diagnostics.drop("modalities", "this provider answers in text only")


def set_in_range(body: Json, field: str, value: float, diagnostics: Diagnostics) -> None:
    least, most = RANGES[field]
    sent = body[NAMES[field]] = min(max(value, least), most)
    if sent != value:
        diagnostics.warn(field, f"this provider's {field} is {least} to {most}; {value} was sent as {sent}")


def encode_tools(body: Json, request: ChatRequest, diagnostics: Diagnostics) -> None:
    """Sets tools, strict_tools and tool_choice. There is no choice of one tool: only that tool is offered, and a call
    required."""
    choice = request.tool_choice
    if choice.mode not in CHOICE_WORDS:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    word = CHOICE_WORDS[choice.mode]
    diagnostics.drop_details(choice, DIALECT, "tool_choice")
    offered = offered_tools(request)
    if offered:
        body["tools"] = [encode_tool(tool, f"tools[{index}]") for index, tool in offered]
        set_strict(body, [tool for _, tool in offered], diagnostics)
        if word:
            body["tool_choice"] = word
    elif choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL and request.tools:
        raise invalid("tool_choice", f"tool_choice names the tool {choice.tool_name!r}, which is not among the tools")
    elif word == "REQUIRED":
        diagnostics.drop("tool_choice", "there are no tools to choose from")
    if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls:
        diagnostics.drop("parallel_tool_calls", "this provider's models may always call several tools at once")


def offered_tools(request: ChatRequest) -> list[tuple[int, Tool]]:
    """The tools that the choice allows, with their places in the request."""
    choice = request.tool_choice
    allowed = {choice.tool_name} if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL else set(choice.allowed_tool_names)
    return [
        (index, tool)
        for index, tool in enumerate(request.tools)
        if not allowed or (tool.function.name or tool.custom.name) in allowed
    ]


def encode_tool(tool: Tool, field: str) -> Json:
    """The provider caches prompts by itself: a cache hint asks for nothing here."""
    match tool.WhichOneof("kind"):
        case "function":
            encoded: Json = {"type": "function", "function": encode_function(tool.function, field)}
            return with_details(encoded, tool)
        case "opaque" if tool.opaque.dialect == DIALECT:
            return object_of(tool.opaque.json, field)
        case _:
            raise unusable_tool(tool, field)


def encode_function(function: FunctionTool, field: str) -> Json:
    encoded: Json = {"name": function.name}
    if function.HasField("description"):
        encoded["description"] = function.description
    encoded["parameters"] = object_schema(
        function.parameters_json, f"{field}.function.parameters", {"type": "object", "properties": {}}
    )
    return encoded


def set_strict(body: Json, tools: Sequence[Tool], diagnostics: Diagnostics) -> None:
    """Strictness is one for all tools here."""
    strict = [tool.function.strict for tool in tools if tool.WhichOneof("kind") == "function"]
    if strict and all(strict):
        body["strict_tools"] = True
    elif any(strict):
        diagnostics.drop("tools.function.strict", "this provider holds all tools to their schemas or none")


def encode_response_format(body: Json, wanted: ResponseFormat, diagnostics: Diagnostics) -> None:
    """Sets response_format, or adds an instruction where the provider does not take it. body has messages, tools and
    documents. Raises GatewayError INVALID_REQUEST for a schema that is no object."""
    form, details = form_of(wanted, DIALECT, words.ResponseFormatForm), details_of(wanted, DIALECT)
    native = form.native or bool(details)
    if wanted.type == chat_pb2.RESPONSE_FORMAT_TYPE_TEXT and native:
        body["response_format"] = {"type": "text", **details}
    if wanted.type in (chat_pb2.RESPONSE_FORMAT_TYPE_UNSPECIFIED, chat_pb2.RESPONSE_FORMAT_TYPE_TEXT):
        return
    if wanted.type not in (chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT, chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA):
        raise invalid("response_format.type", f"response_format.type {wanted.type} is not known to this gateway")
    schema = object_of(wanted.schema_json, SCHEMA_FIELD) if wanted.schema_json else None
    reason = "" if native else obstacle(body, schema)
    if reason:
        instruct(body, wanted)
        diagnostics.warn("response_format", f"the form of the answer was asked for in words, as {reason}: check the answer")
        return
    encoded: Json = {"type": "json_object"}
    if schema is not None:
        encoded[form.schema_field] = described(wanted, schema)
    body["response_format"] = {**encoded, **details}


def obstacle(body: Json, schema: Json | None) -> str:
    """Why the provider cannot hold the model to the format; empty: it can. It takes response_format neither beside tools nor
    beside documents, and schemas of objects only."""
    for name in ("tools", "documents"):
        if body.get(name):
            return f"this provider takes no response_format beside {name}"
    if schema is not None and schema.get("type", "object") != "object":
        return "this provider takes only schemas of objects"
    return ""


def described(wanted: ResponseFormat, schema: Json) -> Any:
    """The schema, with the description that other dialects have beside it."""
    if wanted.HasField("description") and "description" not in schema:
        return {**schema, "description": wanted.description}
    return verbatim(wanted.schema_json)


def instruct(body: Json, wanted: ResponseFormat) -> None:
    """Added after the application's own instructions, before the conversation: what comes before stays in the cache."""
    text = SCHEMA_INSTRUCTION + wanted.schema_json if wanted.schema_json else JSON_INSTRUCTION
    messages = body["messages"]
    place = next((index for index, message in enumerate(messages) if message["role"] != "system"), len(messages))
    messages.insert(place, {"role": "system", "content": text})


def encode_reasoning(body: Json, reasoning: ReasoningSettings, diagnostics: Diagnostics) -> None:
    """Sets thinking. Models that reason do so unless it is disabled. body has max_tokens, where it is bounded."""
    native = written_details_of(reasoning, DIALECT).get("thinking")
    diagnostics.drop_details(reasoning, DIALECT, "reasoning", ("thinking",))
    if native is not None:
        body["thinking"] = native
        return
    is_off = reasoning.effort == "none" or (reasoning.HasField("enabled") and not reasoning.enabled)
    if is_off:
        body["thinking"] = {"type": "disabled"}
        return
    encode_amount(body, reasoning, diagnostics)
    for name in ("summary", "exclude"):
        if getattr(reasoning, name):
            diagnostics.drop(f"reasoning.{name}", "this provider shows its reasoning whole")


def encode_amount(body: Json, reasoning: ReasoningSettings, diagnostics: Diagnostics) -> None:
    """There are no efforts: they are budgets here, and the highest have none."""
    effort = reasoning.effort
    if reasoning.HasField("max_tokens"):
        body["thinking"] = {"type": "enabled", "token_budget": reasoning.max_tokens}
    elif effort in words.BUDGETS:
        body["thinking"] = {"type": "enabled", "token_budget": within(words.BUDGETS[effort], body.get("max_tokens"))}
    elif effort or reasoning.enabled:
        body["thinking"] = {"type": "enabled"}
        if effort and effort not in words.UNBOUNDED_EFFORTS:
            diagnostics.drop("reasoning.effort", f"this provider does not know the effort {effort!r}")


def within(budget: int, bound: int | None) -> int:
    """Thinking counts against max_tokens: at least half of that is for the answer."""
    return budget if bound is None else max(1, min(budget, bound // 2))


def encode_options(body: Json, request: ChatRequest, diagnostics: Diagnostics) -> None:
    """Adds the fields that only this dialect knows; others become warnings."""
    for options in options_for(request, DIALECT, words.EXTRA_FIELDS | GATEWAY_FIELDS, diagnostics):
        add_options(body, options)


def add_options(body: Json, options: Json) -> None:
    for name, value in options.items():
        if name == "documents" and name in body:
            body[name] = [*array(value, name), *body[name]]
        elif name not in GATEWAY_FIELDS:
            body[name] = value
