"""Clients' requests: the body as a ChatRequest.

Nothing that a client sends is lost: what the contract does not name goes to provider_options_json["anthropic"].

Source: https://platform.claude.com/docs/en/api/messages and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ReasoningSettings,
    ResponseFormat,
    Tool,
)
from gateway_dialects.anthropic.parse_messages import parse_messages, parse_system, take_cache_hint
from gateway_dialects.anthropic.words import DIALECT, REQUEST_TIERS, THINKING_OFF, TOOL_CHOICES
from gateway_dialects.kit.fields import (
    array,
    boolean,
    integer,
    mapping,
    missing,
    number,
    parse_object,
    required_string,
    string,
)
from gateway_dialects.kit.json import Json, details_of, json_text, set_details, unknown_fields
from gateway_dialects.kit.reasoning import effort_for

TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema", "strict"})
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""


@dataclass(frozen=True, slots=True)
class ParsedMessages:
    """A request, and whether its answer is to be streamed."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes, anthropic_beta: str = "") -> ParsedMessages:
    """The request of POST /v1/messages. anthropic_beta: the header of that name. Raises GatewayError naming the field at
    fault."""
    fields = parse_object(body)
    request = parse_fields(fields, ("model", "max_tokens", "messages"), anthropic_beta)
    stream = fields.get("stream")
    return ParsedMessages(request, stream is not None and boolean(stream, "stream"))


def parse_count(body: bytes, anthropic_beta: str = "") -> ChatRequest:
    """The request of POST /v1/messages/count_tokens: a conversation that is not to be answered. Raises like parse_chat."""
    return parse_fields(parse_object(body), ("model", "messages"), anthropic_beta)


def parse_fields(fields: Json, required: tuple[str, ...], anthropic_beta: str) -> ChatRequest:
    for name in required:
        if fields.get(name) is None:
            raise missing(name, ADVICE.get(name, ""))
    try:
        return fill(ChatRequest(), fields, anthropic_beta)
    except RecursionError:
        # What could just be read is too deep to be written as details.
        raise invalid("", "The request body is nested too deeply.", "invalid_json") from None


def fill(request: ChatRequest, fields: Json, anthropic_beta: str) -> ChatRequest:
    options: Json = {}
    if fields.get("system") is not None:
        parse_system(request, fields["system"])
    for name, value in fields.items():
        if value is None or name in ("stream", "system"):
            continue
        if setter := PLAIN_FIELDS.get(name):
            setattr(request, name, setter(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        else:
            options[name] = value
    if betas := [name.strip() for name in anthropic_beta.split(",") if name.strip()]:
        options["anthropic_beta"] = betas
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    return request


def parse_turns(request: ChatRequest, value: Any, options: Json) -> None:
    parse_messages(request, value)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools.{index}")


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools that Anthropic runs, or whose schema it knows itself, have a type and become opaque."""
    fields = mapping(value, path)
    kind = fields.get("type")
    if kind not in (None, "custom"):
        tool.opaque.dialect, tool.opaque.json = DIALECT, json_text(value)
        return
    tool.function.name = required_string(fields, "name", f"{path}.")
    if (description := fields.get("description")) is not None:
        tool.function.description = string(description, f"{path}.description")
    if fields.get("input_schema") is None:
        raise missing(f"{path}.input_schema")
    tool.function.parameters_json = json_text(mapping(fields["input_schema"], f"{path}.input_schema"))
    if (strict := fields.get("strict")) is not None:
        tool.function.strict = boolean(strict, f"{path}.strict")
    rest = unknown_fields(fields, TOOL_FIELDS)
    take_cache_hint(tool, rest)
    set_details(tool, rest, DIALECT)


def parse_tool_choice(request: ChatRequest, value: Any, options: Json) -> None:
    fields = mapping(value, "tool_choice")
    kind = required_string(fields, "type", "tool_choice.")
    if kind not in TOOL_CHOICES:
        known = ", ".join(TOOL_CHOICES)
        raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use one of {known}.")
    choice = request.tool_choice
    choice.mode = TOOL_CHOICES[kind]
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        choice.tool_name = required_string(fields, "name", "tool_choice.")
    if (alone := fields.get("disable_parallel_tool_use")) is not None:
        request.parallel_tool_calls = not boolean(alone, "tool_choice.disable_parallel_tool_use")
    set_details(choice, unknown_fields(fields, {"type", "name", "disable_parallel_tool_use"}), DIALECT)


def parse_thinking(request: ChatRequest, value: Any, options: Json) -> None:
    """As the client wrote it, for Anthropic, and in the contract's terms, for others."""
    reasoning = request.reasoning
    fields = mapping(value, "thinking")
    match required_string(fields, "type", "thinking."):
        case kind if kind in THINKING_OFF:
            reasoning.enabled = False
            reasoning.ClearField("effort")
        case "enabled":
            if fields.get("budget_tokens") is None:
                raise missing("thinking.budget_tokens")
            reasoning.max_tokens = integer(fields["budget_tokens"], "thinking.budget_tokens")
            reasoning.effort = reasoning.effort or effort_for(reasoning.max_tokens)
        case "adaptive" if not reasoning.effort:
            reasoning.enabled = True
    if fields.get("display") == "omitted":
        reasoning.exclude = True
    add_detail(reasoning, "thinking", value)


def parse_effort(reasoning: ReasoningSettings, value: Any) -> None:
    effort = string(value, "output_config.effort")
    if not (reasoning.HasField("enabled") and not reasoning.enabled):
        reasoning.effort = effort
        reasoning.ClearField("enabled")
    add_detail(reasoning, "effort", effort)


def add_detail(reasoning: ReasoningSettings, name: str, value: Any) -> None:
    set_details(reasoning, {**details_of(reasoning, DIALECT), name: value}, DIALECT)


def parse_output_config(request: ChatRequest, value: Any, options: Json) -> None:
    fields = mapping(value, "output_config")
    rest = unknown_fields(fields, {"effort", "format"})
    if fields.get("effort") is not None:
        parse_effort(request.reasoning, fields["effort"])
    if (form := fields.get("format")) is not None and not parse_format(
        request.response_format, form, "output_config.format"
    ):
        request.ClearField("response_format")
        rest["format"] = form
    if rest:
        options["output_config"] = rest


def parse_old_format(request: ChatRequest, value: Any, options: Json) -> None:
    """The name that output_config.format had while it was in beta."""
    if not parse_format(request.response_format, value, "output_format"):
        request.ClearField("response_format")
        options["output_format"] = value


def parse_format(form: ResponseFormat, value: Any, path: str) -> bool:
    """False: a format that the contract does not name, to be carried as it is."""
    fields = mapping(value, path)
    if required_string(fields, "type", f"{path}.") != "json_schema":
        return False
    if fields.get("schema") is None:
        raise missing(f"{path}.schema")
    schema = mapping(fields["schema"], f"{path}.schema")
    form.type, form.name, form.schema_json = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, json_text(schema)
    if leaves_nothing_open(schema):
        form.strict = True
    set_details(form, unknown_fields(fields, {"type", "schema"}), DIALECT)
    return True


def leaves_nothing_open(schema: Any) -> bool:
    """Whether every object is closed and requires all its properties: only then do providers that can be strict without
    this dialect's freedom take it so. Where it is not, the schema is what guides the answer."""
    if isinstance(schema, list):
        return all(leaves_nothing_open(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names, required = schema.get("properties", {}), schema.get("required", [])
        if schema.get("additionalProperties") is not False or not isinstance(names, dict) or not isinstance(required, list):
            return False
        if not all(name in required for name in names):
            return False
    return all(leaves_nothing_open(value) for value in schema.values())


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    request.stop.extend(string(item, f"stop_sequences.{index}") for index, item in enumerate(array(value, "stop_sequences")))


def parse_metadata(request: ChatRequest, value: Any, options: Json) -> None:
    fields = mapping(value, "metadata")
    if (user := fields.get("user_id")) is not None:
        request.user = string(user, "metadata.user_id")
    if rest := unknown_fields(fields, {"user_id"}):
        options["metadata"] = rest


def parse_service_tier(request: ChatRequest, value: Any, options: Json) -> None:
    tier = string(value, "service_tier")
    request.service_tier = REQUEST_TIERS.get(tier, tier)


ADVICE = {"model": "Name one as provider/model, for example demo/echo."}
PLAIN_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "model": string,
    "max_tokens": integer,
    "temperature": number,
    "top_p": number,
    "top_k": integer,
}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_turns,
    "tools": parse_tools,
    "tool_choice": parse_tool_choice,
    "thinking": parse_thinking,
    "output_config": parse_output_config,
    "output_format": parse_old_format,
    "stop_sequences": parse_stop,
    "metadata": parse_metadata,
    "service_tier": parse_service_tier,
}
