"""A ChatRequest in the words of OpenAI's chat completions API, as OpenAI and its compatible vendors take it.

Source: https://platform.openai.com/docs/api-reference/chat/create and recorded requests. provider_details_json["openai"]
holds fields that the contract does not name; its "$" notes record the form that the client used (see content.proto).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ReasoningSettings,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from dragoman.v1.content_pb2 import ROLE_TOOL
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_object, encode_json, raw_json, set_if_present
from gateway_dialects.kit.legacy import SHAPE_ERRORS, fields_of
from gateway_dialects.openai.encode_messages import (
    ToolResults,
    encode_message,
    encode_plain_message,
    short_user,
    without_foreign,
)
from gateway_dialects.openai.words import DIALECT, details_of, known_effort

PLAIN_FIELDS = (
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "logprobs",
    "top_logprobs",
    "verbosity",
    "service_tier",
)
"""Contract fields that have the same name and form in this dialect."""

GATEWAY_FIELDS = frozenset({"model", "messages", "stream"})
"""Never taken from the caller's options."""
RESPONSE_FORMATS = {
    RESPONSE_FORMAT_TYPE_TEXT: "text",
    RESPONSE_FORMAT_TYPE_JSON_OBJECT: "json_object",
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA: "json_schema",
}
TOOL_CHOICES = {
    TOOL_CHOICE_MODE_AUTO: "auto",
    TOOL_CHOICE_MODE_NONE: "none",
    TOOL_CHOICE_MODE_REQUIRED: "required",
}


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    warnings: list[Warning] = []
    try:
        body = encode_body(request, model, endpoint.quirks, warnings)
        if stream:
            ask_for_stream(body, endpoint.quirks)
        if request.provider_options_json:
            warn_of_foreign_options(request.provider_options_json, endpoint.quirks.own_options, warnings)
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        # Only a gRPC caller can do this: a face writes these fields itself.
        message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
        raise invalid("", message) from error
    for warning in warnings:
        warning.provider = endpoint.provider
    url = endpoint.url + endpoint.quirks.chat_path
    return UpstreamRequest("POST", url, headers(endpoint), content), warnings


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        name, key = endpoint.quirks.key_header, endpoint.keys[0].reveal()
        found[name] = "Bearer " + key if name == "authorization" else key
    return found


def encode_body(request: ChatRequest, model: str, quirks: Quirks, warnings: list[Warning]) -> Json:
    """The request's JSON body without its streaming flags."""
    body: Json = {"model": model}
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in PLAIN_FIELDS:
            body[name] = value
        elif encode_field := FIELD_ENCODERS.get(name):
            encode_field(body, value, quirks, warnings)
    for name in quirks.unsupported:
        if body.pop(name, None) is not None:
            warnings.append(Warning(field=name, message=f"{name} is not supported by this provider and was left out"))
    if quirks.reasoning_in_tool_turns and thinks(request):
        complete_tool_turns(body["messages"], quirks.reasoning_field)
    for name in (DIALECT, quirks.own_options):
        if options := request.provider_options_json.get(name):
            merge_options(body, decode_object(options))
    return body


def merge_options(body: Json, options: Json) -> None:
    """Add the fields that only this dialect knows, and put back the form the client used. What the contract names is not
    overridden: the model was chosen by the route, and may be all that the caller's key allows."""
    for name, value in options.items():
        if not name.startswith("$") and name not in GATEWAY_FIELDS:
            body.setdefault(name, value)
    if options.get("$stop") == "string" and len(body.get("stop", ())) == 1:
        body["stop"] = body["stop"][0]


def ask_for_stream(body: Json, quirks: Quirks) -> None:
    """Usage is always asked for: an answer whose tokens nobody counted cannot be accounted."""
    body["stream"] = True
    if quirks.stream_usage:
        body["stream_options"] = {**body.get("stream_options", {}), "include_usage": True}


def warn_of_foreign_options(options: Mapping[str, str], own: str, warnings: list[Warning]) -> None:
    for dialect, text in options.items():
        if dialect not in (DIALECT, own):
            warnings.extend(
                Warning(field=name, message=f"{name} is known to {dialect} only and was left out")
                for name in decode_object(text)
                if not name.startswith("$")
            )


def encode_messages(body: Json, messages: Any, quirks: Quirks, warnings: list[Warning]) -> None:
    encoded: list[Json] = []
    body["messages"] = encoded
    results = ToolResults(quirks, warnings)
    for index, message in enumerate(messages):
        if message.role == ROLE_TOOL:
            encoded += results.encode(message, f"messages[{index}]")
            continue
        if shown := results.take_shown():
            encoded.append(shown)
        encoded.append(encode_plain_message(message) or encode_message(message, quirks, f"messages[{index}]", warnings))
    if shown := results.take_shown():
        encoded.append(shown)


def encode_tools(body: Json, tools: Any, quirks: Quirks, warnings: list[Warning]) -> None:
    body["tools"] = [encode_tool(tool, f"tools[{index}]", quirks) for index, tool in enumerate(tools)]


def encode_tool(tool: Tool, field: str, quirks: Quirks) -> Json:
    details = without_foreign(fields_of(details_of(tool)), quirks)
    match tool.WhichOneof("kind"):
        case "function":
            function: Json = {"name": tool.function.name}
            set_if_present(function, tool.function, ("description", "strict"))
            if tool.function.parameters_json:
                function["parameters"] = raw_json(tool.function.parameters_json, f"{field}.function.parameters")
            return {"type": "function", **details, "function": {**function, **details.get("function", {})}}
        case "custom":
            custom: Json = {"name": tool.custom.name}
            set_if_present(custom, tool.custom, ("description",))
            if tool.custom.format_json:
                custom["format"] = raw_json(tool.custom.format_json, f"{field}.custom.format")
            return {"type": "custom", **details, "custom": {**custom, **details.get("custom", {})}}
        case "opaque" if tool.opaque.dialect == DIALECT:
            return decode_object(tool.opaque.json)
        case "opaque":
            raise unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
        case _:
            raise GatewayError(Reason.INVALID_REQUEST, f"{field} has no kind: set function, custom or opaque", field=field)


def encode_tool_choice(body: Json, choice: ToolChoice, quirks: Quirks, warnings: list[Warning]) -> None:
    details = details_of(choice)
    if choice.mode and choice.mode not in (*TOOL_CHOICES, TOOL_CHOICE_MODE_TOOL):
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        kind = details.get("$type", "function")
        fields = fields_of(details)
        body["tool_choice"] = {"type": kind, **fields, kind: {"name": choice.tool_name, **fields.get(kind, {})}}
    elif choice.allowed_tool_names:
        tools = details.get("tools") or [
            {"type": "function", "function": {"name": name}} for name in choice.allowed_tool_names
        ]
        allowed = {"mode": TOOL_CHOICES.get(choice.mode, "auto"), "tools": tools, **details.get("allowed_tools", {})}
        fields = {name: value for name, value in fields_of(details).items() if name != "tools"}
        body["tool_choice"] = {"type": "allowed_tools", **fields, "allowed_tools": allowed}
    elif word := TOOL_CHOICES.get(choice.mode):
        body["tool_choice"] = details.get("$word", word)


def encode_response_format(body: Json, form: ResponseFormat, quirks: Quirks, warnings: list[Warning]) -> None:
    if not form.type:
        return
    kind = RESPONSE_FORMATS.get(form.type)
    if kind is None:
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")
    details = fields_of(details_of(form))
    encoded: Json = {"type": kind}
    if form.type == RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        schema: Json = {"name": form.name} if form.name else {}
        set_if_present(schema, form, ("description", "strict"))
        if form.schema_json:
            schema["schema"] = raw_json(form.schema_json, "response_format.json_schema.schema")
        encoded["json_schema"] = {**schema, **details.pop("json_schema", {})}
    body["response_format"] = {**encoded, **details}


def encode_stop(body: Json, stop: Any, quirks: Quirks, warnings: list[Warning]) -> None:
    body["stop"] = list(stop)


def encode_max_output_tokens(body: Json, bound: int, quirks: Quirks, warnings: list[Warning]) -> None:
    body[quirks.max_tokens_field] = bound


def encode_max_tokens(body: Json, bound: int, quirks: Quirks, warnings: list[Warning]) -> None:
    body.setdefault(quirks.max_tokens_field, bound)


def encode_user(body: Json, user: str, quirks: Quirks, warnings: list[Warning]) -> None:
    body["user"] = short_user(user, quirks.longest_user, warnings)


def encode_candidate_count(body: Json, count: int, quirks: Quirks, warnings: list[Warning]) -> None:
    body["n"] = count


def encode_logit_bias(body: Json, bias: Mapping[str, float], quirks: Quirks, warnings: list[Warning]) -> None:
    body["logit_bias"] = dict(bias)


def encode_modalities(body: Json, modalities: Any, quirks: Quirks, warnings: list[Warning]) -> None:
    body["modalities"] = list(modalities)


def encode_reasoning(body: Json, reasoning: ReasoningSettings, quirks: Quirks, warnings: list[Warning]) -> None:
    details = details_of(reasoning)
    form = details.pop("$form", "effort")
    if quirks.reasoning_object and form != "effort":
        body["reasoning"] = {**settings_of(reasoning), **details}
        if form == "both":
            body["reasoning_effort"] = reasoning.effort
        return
    settings = settings_of(reasoning)
    if quirks.shown_field and "exclude" in settings:
        body[quirks.shown_field] = not settings.pop("exclude")
    if quirks.thinking_object and (switch := thinking_switch(settings)):
        body["thinking"] = switch
        effort = None
    elif effort := settings.pop("effort", None) or implied_effort(settings.pop("enabled", None)):
        body["reasoning_effort"] = known_effort(effort, body["model"], quirks.efforts, warnings)
    if quirks.reasoning_object and settings:
        body["reasoning"] = {**settings, "effort": body.pop("reasoning_effort")} if effort else settings
        return
    warnings.extend(
        Warning(field=f"reasoning.{name}", message=f"this provider takes no reasoning {name}; it was left out")
        for name in (*settings, *details)
    )


def settings_of(reasoning: ReasoningSettings) -> Json:
    return {
        descriptor.name: value for descriptor, value in reasoning.ListFields() if descriptor.name != "provider_details_json"
    }


def implied_effort(enabled: bool | None) -> str | None:
    """The effort that a bare on or off stands for; https://openrouter.ai/docs names medium for on."""
    return None if enabled is None else "medium" if enabled else "none"


def thinking_switch(settings: Json) -> Json | None:
    """The thinking object for a bare on or off, taken out of the settings. An effort is said in reasoning_effort alone:
    Moonshot refuses both together."""
    effort, enabled = settings.get("effort"), settings.get("enabled")
    if effort == "none" or (enabled is False and not effort):
        kind = "disabled"
    elif enabled and not effort:
        kind = "enabled"
    else:
        return None
    settings.pop("effort", None)
    settings.pop("enabled", None)
    return {"type": kind}


def thinks(request: ChatRequest) -> bool:
    """Whether thinking is asked for, or was going on earlier in the conversation."""
    wanted = request.reasoning
    if wanted.effort == "none" or (wanted.HasField("enabled") and not wanted.enabled):
        return False
    return bool(wanted.effort or wanted.enabled) or any(
        part.HasField("reasoning") for message in request.messages for part in message.parts
    )


def complete_tool_turns(messages: list[Json], field: str) -> None:
    """Give every turn with tool calls its reasoning, if an empty one."""
    for message in messages:
        if message.get("tool_calls") and field not in message:
            message[field] = ""


FIELD_ENCODERS: Mapping[str, Callable[[Json, Any, Quirks, list[Warning]], None]] = {
    "messages": encode_messages,
    "tools": encode_tools,
    "tool_choice": encode_tool_choice,
    "response_format": encode_response_format,
    "reasoning": encode_reasoning,
    "stop": encode_stop,
    "max_output_tokens": encode_max_output_tokens,
    "max_tokens": encode_max_tokens,
    "user": encode_user,
    "candidate_count": encode_candidate_count,
    "logit_bias": encode_logit_bias,
    "modalities": encode_modalities,
}
