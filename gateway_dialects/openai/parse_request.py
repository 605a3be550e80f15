"""A client's chat completion request in the contract's terms.

Nothing a client sends is lost: what the contract does not name goes to extra_body_json.

Source: https://platform.openai.com/docs/api-reference/chat/create, and OpenRouter's additions to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import TOOL_CHOICE_MODE_TOOL, ChatRequest, ResponseFormat, Tool, ToolChoice
from gateway_dialects.kit.fields import (
    array,
    boolean,
    integer,
    mapping,
    missing,
    number,
    parse_object,
    required_mapping,
    required_string,
    small_integer,
    string,
    wrong_type,
)
from gateway_dialects.kit.json import Json, form_of, json_text, object_at, set_form, set_options_form, unknown_fields
from gateway_dialects.openai.parse_messages import parse_message, take_cache_hint, unnamed_fields
from gateway_dialects.openai.words import (
    DIALECT,
    PLAIN_FIELDS,
    RESPONSE_FORMATS,
    TOOL_CHOICES,
    Reader,
    ReasoningForm,
    RequestForm,
    ToolChoiceForm,
    ToolForm,
    set_details,
)


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool
    include_usage: bool
    """Whether a usage chunk was asked for."""


def parse_chat(body: bytes, model: str = "") -> ParsedChat:
    """model: the one in the path, which replaces that of the body. Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    if model:
        fields["model"] = model
    return parse_fields(fields)


def parse_fields(fields: Json) -> ParsedChat:
    """The same for a body that has been decoded."""
    if fields.get("model") is None:
        raise missing("model", "Name one as provider/model, for example demo/echo.")
    if fields.get("messages") is None:
        raise missing("messages")
    request = ChatRequest()
    extra: Json = {}
    for name, value in fields.items():
        if value is None or name in STREAM_FIELDS:
            continue
        if read := PLAIN_FIELDS.get(name):
            setattr(request, name, read(value, name))
        elif renamed := RENAMED_FIELDS.get(name):
            setattr(request, renamed[0], renamed[1](value, name))
        elif (parse := FIELD_PARSERS.get(name)) is None or parse(request, value) is False:
            extra[name] = value
    stream, include_usage = parse_stream_fields(fields, extra)
    if extra:
        request.extra_body_json = json_text(extra)
    return ParsedChat(request, stream, include_usage)


def parse_stream_fields(fields: Json, extra: Json) -> tuple[bool, bool]:
    """Whether to stream, and whether usage is wanted there; other stream options are extra fields."""
    stream = boolean(fields["stream"], "stream") if fields.get("stream") is not None else False
    if fields.get("stream_options") is None:
        return stream, False
    wanted = mapping(fields["stream_options"], "stream_options")
    if rest := unknown_fields(wanted, {"include_usage"}):
        extra["stream_options"] = rest
    include_usage = wanted.get("include_usage")
    return stream, include_usage is not None and boolean(include_usage, "stream_options.include_usage")


def parse_messages(request: ChatRequest, value: Any) -> None:
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    for index, item in enumerate(messages):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_tools(request: ChatRequest, value: Any) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_choice(request: ChatRequest, value: Any) -> None:
    parse_tool_choice(request.tool_choice, value)


def parse_format(request: ChatRequest, value: Any) -> bool:
    if parse_response_format(request.response_format, value):
        return True
    request.ClearField("response_format")
    return False


def parse_stop(request: ChatRequest, value: Any) -> None:
    if isinstance(value, str):
        request.stop.append(value)
        set_options_form(request.provider_options_json, DIALECT, RequestForm(one_stop=True))
    else:
        request.stop.extend(string(item, f"stop[{index}]") for index, item in enumerate(array(value, "stop")))


def parse_logit_bias(request: ChatRequest, value: Any) -> None:
    for token, bias in mapping(value, "logit_bias").items():
        request.logit_bias[token] = number(bias, f"logit_bias.{token}")


def parse_modalities(request: ChatRequest, value: Any) -> None:
    request.modalities.extend(string(item, f"modalities[{index}]") for index, item in enumerate(array(value, "modalities")))


def parse_effort(request: ChatRequest, value: Any) -> None:
    effort = string(value, "reasoning_effort")
    if request.reasoning.effort and request.reasoning.effort != effort:
        raise invalid("reasoning_effort", "'reasoning_effort' and 'reasoning.effort' differ: give one of them.")
    request.reasoning.effort = effort
    if form_of(request.reasoning, DIALECT, ReasoningForm).fields == "object":
        set_form(request.reasoning, DIALECT, ReasoningForm(fields="both"))


def parse_reasoning(request: ChatRequest, value: Any) -> None:
    """OpenRouter's reasoning object (https://openrouter.ai/docs, reasoning tokens)."""
    fields, reasoning = mapping(value, "reasoning"), request.reasoning
    form = ReasoningForm(fields="both" if reasoning.effort else "object")
    for name, item in fields.items():
        if item is None or name not in REASONING_FIELDS:
            continue
        read = REASONING_FIELDS[name](item, f"reasoning.{name}")
        if name == "effort" and reasoning.effort and reasoning.effort != read:
            raise invalid("reasoning_effort", "'reasoning_effort' and 'reasoning.effort' differ: give one of them.")
        setattr(reasoning, name, read)
    set_form(reasoning, DIALECT, form)
    set_details(reasoning, unknown_fields(fields, frozenset(REASONING_FIELDS)))


STREAM_FIELDS = frozenset({"stream", "stream_options"})
RENAMED_FIELDS: Mapping[str, tuple[str, Reader]] = {
    "model": ("model", string),
    "user": ("user", string),
    "max_completion_tokens": ("max_output_tokens", integer),
    "max_tokens": ("max_tokens", integer),
    "n": ("candidate_count", small_integer),
}
"""Fields that each vendor writes in its own way, with their names in the contract."""
REASONING_FIELDS: Mapping[str, Reader] = {
    "effort": string,
    "max_tokens": integer,
    "summary": string,
    "exclude": boolean,
    "enabled": boolean,
}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any], bool | None]] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_format,
    "stop": parse_stop,
    "logit_bias": parse_logit_bias,
    "modalities": parse_modalities,
    "reasoning_effort": parse_effort,
    "reasoning": parse_reasoning,
}
"""False: the value is of a kind that the contract does not name."""


FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})
CUSTOM_FIELDS = frozenset({"name", "description", "format"})
SCHEMA_FIELDS = frozenset({"name", "description", "schema", "strict"})


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools of a type that the contract does not name are carried as they are."""
    fields = mapping(value, path)
    kind = fields.get("type")
    if kind is None and "function" in fields:
        kind = "function"
    match kind:
        case "function":
            details = parse_function(tool, fields, path)
        case "custom":
            details = parse_custom(tool, fields, path)
        case str():
            tool.opaque.dialect, tool.opaque.json = DIALECT, json_text(value)
            return
        case None:
            raise missing(f"{path}.type", "Use 'function', for example.")
        case _:
            raise wrong_type(f"{path}.type", "string", kind)
    rest = unnamed_fields(fields, {"type", "function", "custom"})
    details.update(rest)
    if take_cache_hint(tool, details):
        set_form(tool, DIALECT, ToolForm(cache_control="tool"))
    elif take_cache_hint(tool, inner := object_at(details, kind)):
        # LiteLLM's clients write it there.
        set_form(tool, DIALECT, ToolForm(cache_control=kind))
        if not inner:
            del details[kind]
    set_details(tool, details)


def parse_function(tool: Tool, fields: Json, path: str) -> Json:
    function = required_mapping(fields, "function", f"{path}.")
    tool.function.name = required_string(function, "name", f"{path}.function.")
    if (description := function.get("description")) is not None:
        tool.function.description = string(description, f"{path}.function.description")
    if (parameters := function.get("parameters")) is not None:
        tool.function.parameters_json = json_text(mapping(parameters, f"{path}.function.parameters"))
    if (strict := function.get("strict")) is not None:
        tool.function.strict = boolean(strict, f"{path}.function.strict")
    rest = unknown_fields(function, FUNCTION_FIELDS)
    return {"function": rest} if rest else {}


def parse_custom(tool: Tool, fields: Json, path: str) -> Json:
    custom = required_mapping(fields, "custom", f"{path}.")
    tool.custom.name = required_string(custom, "name", f"{path}.custom.")
    if (description := custom.get("description")) is not None:
        tool.custom.description = string(description, f"{path}.custom.description")
    if (form := custom.get("format")) is not None:
        tool.custom.format_json = json_text(mapping(form, f"{path}.custom.format"))
    rest = unknown_fields(custom, CUSTOM_FIELDS)
    return {"custom": rest} if rest else {}


def parse_tool_choice(choice: ToolChoice, value: Any) -> None:
    match value:
        case str():
            if value not in TOOL_CHOICES:
                raise invalid("tool_choice", f"'tool_choice' is {value!r}: use auto, none, required or an object.")
            choice.mode = TOOL_CHOICES[value]
        case {"type": "allowed_tools"}:
            parse_allowed_tools(choice, value)
        case {"type": "function" | "custom" as kind}:
            named = required_mapping(value, kind, "tool_choice.")
            choice.mode = TOOL_CHOICE_MODE_TOOL
            choice.tool_name = required_string(named, "name", f"tool_choice.{kind}.")
            set_form(choice, DIALECT, ToolChoiceForm(type="custom" if kind == "custom" else ""))
            set_choice_details(choice, {}, value, kind, {"name"})
        case dict():
            kind = required_string(value, "type", "tool_choice.")
            raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use function, custom or allowed_tools.")
        case _:
            raise wrong_type("tool_choice", "string or object", value)


def set_choice_details(choice: ToolChoice, details: Json, value: Json, kind: str, known: set[str]) -> None:
    """What the contract does not name, beside and inside the object that is named like the choice's type."""
    rest = unknown_fields(value[kind], known)
    set_details(choice, {**details, **unknown_fields(value, {"type", kind}), **({kind: rest} if rest else {})})


def parse_allowed_tools(choice: ToolChoice, value: Json) -> None:
    allowed = required_mapping(value, "allowed_tools", "tool_choice.")
    mode = required_string(allowed, "mode", "tool_choice.allowed_tools.")
    if mode not in ("auto", "required"):
        raise invalid("tool_choice.allowed_tools.mode", "'tool_choice.allowed_tools.mode' must be auto or required.")
    choice.mode = TOOL_CHOICES[mode]
    if (tools := allowed.get("tools")) is None:
        raise missing("tool_choice.allowed_tools.tools")
    for index, item in enumerate(array(tools, "tool_choice.allowed_tools.tools")):
        path = f"tool_choice.allowed_tools.tools[{index}]"
        tool = mapping(item, path)
        kind = required_string(tool, "type", f"{path}.")
        named = required_mapping(tool, kind, f"{path}.")
        choice.allowed_tool_names.append(required_string(named, "name", f"{path}.{kind}."))
    set_choice_details(choice, {"tools": tools}, value, "allowed_tools", {"mode", "tools"})


def parse_response_format(form: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name."""
    fields = mapping(value, "response_format")
    kind = required_string(fields, "type", "response_format.")
    if kind not in RESPONSE_FORMATS:
        return False
    form.type = RESPONSE_FORMATS[kind]
    details = unknown_fields(fields, {"type", "json_schema"})
    if kind == "json_schema" and (rest := parse_schema(form, required_mapping(fields, "json_schema", "response_format."))):
        details["json_schema"] = rest
    set_details(form, details)
    return True


def parse_schema(form: ResponseFormat, schema: Json) -> Json:
    path = "response_format.json_schema"
    if (name := schema.get("name")) is not None:
        form.name = string(name, f"{path}.name")
    if (description := schema.get("description")) is not None:
        form.description = string(description, f"{path}.description")
    if (body := schema.get("schema")) is not None:
        form.schema_json = json_text(mapping(body, f"{path}.schema"))
    if (strict := schema.get("strict")) is not None:
        form.strict = boolean(strict, f"{path}.strict")
    return unknown_fields(schema, SCHEMA_FIELDS)
