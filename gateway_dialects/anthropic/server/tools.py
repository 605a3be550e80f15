"""The tools, the tool choice, the answer's form and the thinking of a client's request."""

from __future__ import annotations

from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ReasoningSettings,
    ResponseFormat,
    Tool,
)
from gateway_dialects.anthropic.server.details import DIALECT, details_of, set_details
from gateway_dialects.kit.fields import boolean, integer, mapping, missing, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.kit.reasoning import effort_for

TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema", "strict"})
CHOICES = {
    "auto": TOOL_CHOICE_MODE_AUTO,
    "any": TOOL_CHOICE_MODE_REQUIRED,
    "tool": TOOL_CHOICE_MODE_TOOL,
    "none": TOOL_CHOICE_MODE_NONE,
}
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools that Anthropic runs, or whose schema it knows itself, have a type and are carried as they are."""
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
    details = rest_of(fields, TOOL_FIELDS)
    set_details(tool, {"$type": kind, **details} if kind else details)


def parse_tool_choice(request: ChatRequest, value: Any) -> None:
    fields = mapping(value, "tool_choice")
    kind = required_string(fields, "type", "tool_choice.")
    if kind not in CHOICES:
        known = ", ".join(CHOICES)
        raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use one of {known}.")
    choice = request.tool_choice
    choice.mode = CHOICES[kind]
    if kind == "tool":
        choice.tool_name = required_string(fields, "name", "tool_choice.")
    if (alone := fields.get("disable_parallel_tool_use")) is not None:
        request.parallel_tool_calls = not boolean(alone, "tool_choice.disable_parallel_tool_use")
    set_details(choice, rest_of(fields, {"type", "name", "disable_parallel_tool_use"}))


def parse_thinking(reasoning: ReasoningSettings, value: Any) -> None:
    """As the client wrote it for Anthropic, and what it comes to for others."""
    fields = mapping(value, "thinking")
    match required_string(fields, "type", "thinking."):
        case "enabled":
            if fields.get("budget_tokens") is None:
                raise missing("thinking.budget_tokens")
            reasoning.max_tokens = integer(fields["budget_tokens"], "thinking.budget_tokens")
            reasoning.effort = reasoning.effort or effort_for(reasoning.max_tokens)
        case "adaptive" if not reasoning.effort:
            reasoning.enabled = True
        case "disabled" | "between_tools":
            # The latter is how newer models are told not to think beforehand.
            reasoning.enabled = False
            reasoning.ClearField("effort")
    if fields.get("display") == "omitted":
        reasoning.exclude = True
    note_reasoning(reasoning, "thinking", value)


def parse_effort(reasoning: ReasoningSettings, value: Any) -> None:
    effort = string(value, "output_config.effort")
    if not (reasoning.HasField("enabled") and not reasoning.enabled):
        reasoning.effort = effort
        reasoning.ClearField("enabled")
    note_reasoning(reasoning, "effort", effort)


def note_reasoning(reasoning: ReasoningSettings, name: str, value: Any) -> None:
    set_details(reasoning, {**details_of(reasoning.provider_details_json), name: value})


def parse_output_config(request: ChatRequest, value: Any) -> Json:
    """Gives the fields that the contract does not name."""
    fields = mapping(value, "output_config")
    rest = rest_of(fields, {"effort", "format"})
    if fields.get("effort") is not None:
        parse_effort(request.reasoning, fields["effort"])
    if (form := fields.get("format")) is not None and not parse_format(
        request.response_format, form, "output_config.format"
    ):
        request.ClearField("response_format")
        rest["format"] = form
    return rest


def parse_format(form: ResponseFormat, value: Any, path: str) -> bool:
    """False: a form that the contract does not name, to be carried as it is."""
    fields = mapping(value, path)
    if required_string(fields, "type", f"{path}.") != "json_schema":
        return False
    if fields.get("schema") is None:
        raise missing(f"{path}.schema")
    schema = mapping(fields["schema"], f"{path}.schema")
    form.type, form.name, form.schema_json = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, json_text(schema)
    if leaves_nothing_open(schema):
        form.strict = True
    set_details(form, rest_of(fields, {"type", "schema"}))
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
