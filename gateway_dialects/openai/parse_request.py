"""A client's chat completion request in the contract's terms.

Nothing a client sends is lost: what the contract does not name goes to extra_body_json.

Source: https://platform.openai.com/docs/api-reference/chat/create, and OpenRouter's additions to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.chat_pb2 import TOOL_CHOICE_MODE_TOOL, ChatRequest, ResponseFormat, Tool, ToolChoice
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.fields import missing, required_mapping, required_string, set_fields, wrong_type
from gateway_dialects.kit.json import Json, form_of, json_text, object_at, set_form, set_options_form, unknown_fields
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.kit.tool_forms import set_hosted
from gateway_dialects.openai import words
from gateway_dialects.openai.legacy_functions import is_legacy, modernised
from gateway_dialects.openai.parse_messages import nested, parse_message, unnamed_fields

STREAM_FIELDS = frozenset({"stream", "stream_options"})
RENAMED_FIELDS: read.Fields = {
    "model": ("model", read.string),
    "user": ("user", read.string),
    "max_completion_tokens": ("max_output_tokens", read.integer),
    "max_tokens": ("max_tokens", read.integer),
    "n": ("candidate_count", read.small_integer),
}
"""Fields that each vendor writes in its own way, with their names in the contract and how they are read."""


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool
    include_usage: bool
    """Whether a usage chunk was asked for."""
    legacy_functions: bool = False
    """Whether tool calls are wanted as function_call."""


def parse_chat(body: bytes, model: str = "") -> ParsedChat:
    """model: the one in the path, which replaces that of the body. Raises GatewayError naming the field at fault."""
    fields = read.parse_object(body)
    if model:
        fields["model"] = model
    return parse_fields(fields)


def parse_fields(fields: Json) -> ParsedChat:
    """The same for a body that has been decoded."""
    read.require(fields, ("model", "messages"))
    legacy, fields = is_legacy(fields), modernised(fields)
    request = ChatRequest()
    extra: Json = {}
    for name, value in fields.items():
        if value is None or name in STREAM_FIELDS:
            continue
        if name in words.PLAIN_FIELDS:
            setattr(request, name, words.PLAIN_FIELDS[name](value, name))
        elif name in RENAMED_FIELDS:
            field, reader = RENAMED_FIELDS[name]
            setattr(request, field, reader(value, name))
        elif (parse := FIELD_PARSERS.get(name)) is None or parse(request, value) is False:
            extra[name] = value
    stream, include_usage = parse_stream_fields(fields, extra)
    if extra:
        request.extra_body_json = json_text(extra)
    for tool in request.tools if legacy else ():
        set_form(tool, words.DIALECT, words.ToolForm(legacy=True))
    return ParsedChat(request, stream, include_usage, legacy)


def parse_stream_fields(fields: Json, extra: Json) -> tuple[bool, bool]:
    """Whether to stream, and whether usage is wanted there; other stream options are extra fields."""
    stream = read.flag(fields, "stream")
    if fields.get("stream_options") is None:
        return stream, False
    wanted = read.mapping(fields["stream_options"], "stream_options")
    if rest := unknown_fields(wanted, {"include_usage"}):
        extra["stream_options"] = rest
    include_usage = wanted.get("include_usage")
    return stream, include_usage is not None and read.boolean(include_usage, "stream_options.include_usage")


def parse_messages(request: ChatRequest, value: Any) -> None:
    for index, item in enumerate(read.messages_of(value)):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_tools(request: ChatRequest, value: Any) -> None:
    for index, item in enumerate(read.array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_stop(request: ChatRequest, value: Any) -> None:
    if isinstance(value, str):
        request.stop.append(value)
        set_options_form(request.provider_options_json, words.DIALECT, words.RequestForm(one_stop=True))
    else:
        request.stop.extend(read.texts(value, "stop"))


def parse_logit_bias(request: ChatRequest, value: Any) -> None:
    for token, bias in read.mapping(value, "logit_bias").items():
        request.logit_bias[token] = read.number(bias, f"logit_bias.{token}")


def parse_effort(request: ChatRequest, value: Any) -> None:
    effort = read.string(value, "reasoning_effort")
    if request.reasoning.effort and request.reasoning.effort != effort:
        raise differing_efforts()
    request.reasoning.effort = effort
    if form_of(request.reasoning, words.DIALECT, words.ReasoningForm).fields == "object":
        set_form(request.reasoning, words.DIALECT, words.ReasoningForm(fields="both"))


def parse_reasoning(request: ChatRequest, value: Any) -> None:
    """OpenRouter's reasoning object (https://openrouter.ai/docs, reasoning tokens)."""
    fields, reasoning = read.mapping(value, "reasoning"), request.reasoning
    before = reasoning.effort
    set_fields(reasoning, fields, words.REASONING_FIELDS, "reasoning.")
    if before and reasoning.effort != before:
        raise differing_efforts()
    set_form(reasoning, words.DIALECT, words.ReasoningForm(fields="both" if before else "object"))
    words.set_details(reasoning, unknown_fields(fields, words.REASONING_FIELDS.keys()))


def differing_efforts() -> GatewayError:
    return invalid("reasoning_effort", "'reasoning_effort' and 'reasoning.effort' differ: give one of them.")


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools of a type that the contract does not name are carried as they are."""
    fields = read.mapping(value, path)
    kind = fields.get("type")
    if kind is None and "function" in fields:
        kind = "function"
    match kind:
        case "function":
            details = parse_named(tool.function, fields, kind, path, words.FUNCTION_FIELDS)
        case "custom":
            details = parse_named(tool.custom, fields, kind, path, words.CUSTOM_FIELDS)
        case str():
            set_hosted(tool, words.DIALECT, json_text(value), kind, kind.startswith("web_search"))
            return
        case None:
            raise missing(f"{path}.type", "Use 'function', for example.")
        case _:
            raise wrong_type(f"{path}.type", "string", kind)
    details.update(unnamed_fields(fields, {"type", "function", "custom"}))
    if take_cache_hint(tool, details):
        set_form(tool, words.DIALECT, words.ToolForm(cache_control="tool"))
    elif take_cache_hint(tool, inner := object_at(details, kind)):
        # LiteLLM's clients write it there.
        set_form(tool, words.DIALECT, words.ToolForm(cache_control=kind))
        if not inner:
            del details[kind]
    words.set_details(tool, details)


def parse_named(target: Any, fields: Json, kind: str, path: str, readers: read.Fields) -> Json:
    """The function or custom tool in fields. Returns what the contract does not name of it."""
    inner = required_mapping(fields, kind, f"{path}.")
    target.name = required_string(inner, "name", f"{path}.{kind}.")
    set_fields(target, inner, readers, f"{path}.{kind}.")
    return nested(kind, unknown_fields(inner, {"name", *readers}))


def parse_tool_choice(choice: ToolChoice, value: Any) -> None:
    match value:
        case str():
            if value not in words.TOOL_CHOICES:
                raise invalid("tool_choice", f"'tool_choice' is {value!r}: use auto, none, required or an object.")
            choice.mode = words.TOOL_CHOICES[value]
        case {"type": "allowed_tools"}:
            parse_allowed_tools(choice, value)
        case {"type": "function" | "custom" as kind}:
            named = required_mapping(value, kind, "tool_choice.")
            choice.mode = TOOL_CHOICE_MODE_TOOL
            choice.tool_name = required_string(named, "name", f"tool_choice.{kind}.")
            set_form(choice, words.DIALECT, words.ToolChoiceForm(type="custom" if kind == "custom" else ""))
            set_choice_details(choice, value, kind, {"name"})
        case dict():
            kind = required_string(value, "type", "tool_choice.")
            raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use function, custom or allowed_tools.")
        case _:
            raise wrong_type("tool_choice", "string or object", value)


def set_choice_details(choice: ToolChoice, value: Json, kind: str, known: set[str]) -> None:
    """What the contract does not name, beside and inside the object that is named like the choice's type."""
    rest = unknown_fields(value[kind], known)
    words.set_details(choice, {**unknown_fields(value, {"type", kind}), **nested(kind, rest)})


def parse_allowed_tools(choice: ToolChoice, value: Json) -> None:
    allowed = required_mapping(value, "allowed_tools", "tool_choice.")
    mode = required_string(allowed, "mode", "tool_choice.allowed_tools.")
    if mode not in ("auto", "required"):
        raise invalid("tool_choice.allowed_tools.mode", "'tool_choice.allowed_tools.mode' must be auto or required.")
    choice.mode = words.TOOL_CHOICES[mode]
    if (tools := allowed.get("tools")) is None:
        raise missing("tool_choice.allowed_tools.tools")
    for index, item in enumerate(read.array(tools, "tool_choice.allowed_tools.tools")):
        path = f"tool_choice.allowed_tools.tools[{index}]"
        tool = read.mapping(item, path)
        kind = required_string(tool, "type", f"{path}.")
        named = required_mapping(tool, kind, f"{path}.")
        choice.allowed_tool_names.append(required_string(named, "name", f"{path}.{kind}."))
    set_form(choice, words.DIALECT, words.ToolChoiceForm(written={"tools": tools}))
    set_choice_details(choice, value, "allowed_tools", {"mode", "tools"})


def parse_response_format(request: ChatRequest, value: Any) -> bool:
    """False: a type that the contract does not name."""
    fields = read.mapping(value, "response_format")
    kind = required_string(fields, "type", "response_format.")
    if kind not in words.RESPONSE_FORMATS:
        return False
    form: ResponseFormat = request.response_format
    form.type = words.RESPONSE_FORMATS[kind]
    details = unknown_fields(fields, {"type", "json_schema"})
    if kind == "json_schema":
        schema = required_mapping(fields, "json_schema", "response_format.")
        set_fields(form, schema, words.SCHEMA_FIELDS, "response_format.json_schema.")
        details.update(nested("json_schema", unknown_fields(schema, words.SCHEMA_FIELDS.keys())))
    words.set_details(form, details)
    return True


FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any], bool | None]] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": lambda request, value: parse_tool_choice(request.tool_choice, value),
    "response_format": parse_response_format,
    "stop": parse_stop,
    "logit_bias": parse_logit_bias,
    "modalities": lambda request, value: request.modalities.extend(read.texts(value, "modalities")),
    "reasoning_effort": parse_effort,
    "reasoning": parse_reasoning,
    **ROUTING_PARSERS,
}
"""False: the value is of a kind that the contract does not name."""
