"""Clients' requests: the body as a ChatRequest.

Nothing that a client sends is lost: what the contract does not name goes to provider_options_json["anthropic"].

Source: https://platform.claude.com/docs/en/api/messages and recorded requests.
"""

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ReasoningSettings,
    Tool,
)
from gateway_dialects.anthropic.parse_messages import parse_messages, parse_system
from gateway_dialects.anthropic.words import DIALECT, PLAIN_FIELDS, REQUEST_TIERS, THINKING_OFF, TOOL_CHOICES, AnswerForm
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.fields import Fields, missing, parse_object, require, required_mapping, required_string, set_fields
from gateway_dialects.kit.json import Json, WrittenForm, form_of, json_text, set_details, set_form, text_of, unknown_fields
from gateway_dialects.kit.reasoning import effort_for
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.kit.server import FieldParser, ParsedChat, parse_fields
from gateway_dialects.kit.tool_forms import set_hosted

FUNCTION_FIELDS: Fields = {
    "description": ("description", read.string),
    "input_schema": ("parameters_json", read.object_text),
    "strict": ("strict", read.boolean),
}
THINKING_FIELDS = frozenset({"type", "budget_tokens", "display"})
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""


def parse_chat(body: bytes, anthropic_beta: str = "") -> ParsedChat:
    """The request of POST /v1/messages. anthropic_beta: the header of that name. Raises GatewayError naming the field at
    fault."""
    return parse_body(body, ("model", "max_tokens", "messages"), anthropic_beta)


def parse_count(body: bytes, anthropic_beta: str = "") -> ChatRequest:
    """The request of POST /v1/messages/count_tokens: a conversation that is not to be answered. Raises like parse_chat."""
    return parse_body(body, ("model", "messages"), anthropic_beta).chat


def parse_body(body: bytes, required: tuple[str, ...], anthropic_beta: str) -> ParsedChat:
    fields = parse_object(body)
    require(fields, required)
    if betas := [name.strip() for name in anthropic_beta.split(",") if name.strip()]:
        fields["anthropic_beta"] = betas
    # The system message is before all others.
    return parse_fields({"system": None, **fields}, PLAIN_FIELDS, FIELD_PARSERS, DIALECT)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(read.array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools.{index}")


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools that Anthropic runs, or whose schema it knows itself, have a type and become opaque."""
    fields = read.mapping(value, path)
    if fields.get("type") not in (None, "custom"):
        kind = read.string(fields["type"], f"{path}.type")
        name = text_of(fields.get("name")) or text_of(fields.get("mcp_server_name")) or kind
        set_hosted(tool, DIALECT, json_text(value), name, kind.startswith("web_search"))
        return
    tool.function.name = required_string(fields, "name", f"{path}.")
    if fields.get("input_schema") is None:
        raise missing(f"{path}.input_schema")
    set_fields(tool.function, fields, FUNCTION_FIELDS, f"{path}.")
    rest = unknown_fields(fields, {"type", "name", *FUNCTION_FIELDS})
    take_cache_hint(tool, rest)
    set_details(tool, rest, DIALECT)


def parse_tool_choice(request: ChatRequest, value: Any, options: Json) -> None:
    fields, choice = read.mapping(value, "tool_choice"), request.tool_choice
    kind = required_string(fields, "type", "tool_choice.")
    if kind not in TOOL_CHOICES:
        known = ", ".join(TOOL_CHOICES)
        raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use one of {known}.")
    choice.mode = TOOL_CHOICES[kind]
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        choice.tool_name = required_string(fields, "name", "tool_choice.")
    if (alone := fields.get("disable_parallel_tool_use")) is not None:
        request.parallel_tool_calls = not read.boolean(alone, "tool_choice.disable_parallel_tool_use")
    set_details(choice, unknown_fields(fields, {"type", "name", "disable_parallel_tool_use"}), DIALECT)


def parse_thinking(request: ChatRequest, value: Any, options: Json) -> None:
    """As the client wrote it, for Anthropic, and in the contract's terms, for others."""
    reasoning = request.reasoning
    fields = read.mapping(value, "thinking")
    match required_string(fields, "type", "thinking."):
        case kind if kind in THINKING_OFF:
            reasoning.enabled = False
            reasoning.ClearField("effort")
        case "enabled":
            if fields.get("budget_tokens") is None:
                raise missing("thinking.budget_tokens")
            reasoning.max_tokens = read.integer(fields["budget_tokens"], "thinking.budget_tokens")
            reasoning.effort = reasoning.effort or effort_for(reasoning.max_tokens)
        case "adaptive" if not reasoning.effort:
            reasoning.enabled = True
    if fields.get("display") == "omitted":
        reasoning.exclude = True
    add_written(reasoning, "thinking", value)
    set_details(reasoning, {"thinking": rest} if (rest := unknown_fields(fields, THINKING_FIELDS)) else {}, DIALECT)


def parse_effort(reasoning: ReasoningSettings, value: Any) -> None:
    effort = read.string(value, "output_config.effort")
    if not (reasoning.HasField("enabled") and not reasoning.enabled):
        reasoning.effort = effort
        reasoning.ClearField("enabled")
    add_written(reasoning, "effort", effort)


def add_written(reasoning: ReasoningSettings, name: str, value: Any) -> None:
    written = form_of(reasoning, DIALECT, WrittenForm).written
    set_form(reasoning, DIALECT, WrittenForm(written={**written, name: value}))


def parse_output_config(request: ChatRequest, value: Any, options: Json) -> None:
    fields = read.mapping(value, "output_config")
    rest = unknown_fields(fields, {"effort", "format"})
    if fields.get("effort") is not None:
        parse_effort(request.reasoning, fields["effort"])
    if (form := fields.get("format")) is not None and not parse_format(request, form, "output_config.format"):
        rest["format"] = form
    if rest:
        options["output_config"] = rest


def parse_old_format(request: ChatRequest, value: Any, options: Json) -> None:
    """The name that output_config.format had while it was in beta."""
    if not parse_format(request, value, "output_format"):
        options["output_format"] = value


def parse_format(request: ChatRequest, value: Any, path: str) -> bool:
    """False: a format that the contract does not name, to be carried as it is."""
    fields = read.mapping(value, path)
    if required_string(fields, "type", f"{path}.") != "json_schema":
        return False
    schema, form = required_mapping(fields, "schema", f"{path}."), request.response_format
    form.type, form.name, form.schema_json = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, json_text(schema)
    if leaves_nothing_open(schema):
        form.strict = True
    set_details(form, unknown_fields(fields, {"type", "schema"}), DIALECT)
    set_form(form, DIALECT, AnswerForm(native=True))
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
    request.stop.extend(
        read.string(item, f"stop_sequences.{index}") for index, item in enumerate(read.array(value, "stop_sequences"))
    )


def parse_metadata(request: ChatRequest, value: Any, options: Json) -> None:
    fields = read.mapping(value, "metadata")
    set_fields(request, fields, {"user_id": ("user", read.string)}, "metadata.")
    if rest := unknown_fields(fields, {"user_id"}):
        options["metadata"] = rest


def parse_service_tier(request: ChatRequest, value: Any, options: Json) -> None:
    tier = read.string(value, "service_tier")
    request.service_tier = REQUEST_TIERS.get(tier, tier)


FIELD_PARSERS: Mapping[str, FieldParser] = {
    "system": parse_system,
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_tool_choice,
    "thinking": parse_thinking,
    "output_config": parse_output_config,
    "output_format": parse_old_format,
    "stop_sequences": parse_stop,
    "metadata": parse_metadata,
    "service_tier": parse_service_tier,
    **ROUTING_PARSERS,
}
