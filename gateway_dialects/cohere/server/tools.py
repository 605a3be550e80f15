"""The tools, the tool choice, the answer's form and the thinking of a client's request."""

from __future__ import annotations

from typing import Any

from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    ReasoningSettings,
    ResponseFormat,
    Tool,
)
from gateway_dialects.cohere.server.details import DIALECT, set_details
from gateway_dialects.kit.fields import integer, mapping, missing, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text

FUNCTION_FIELDS = frozenset({"name", "description", "parameters"})
CHOICES = {"NONE": TOOL_CHOICE_MODE_NONE, "REQUIRED": TOOL_CHOICE_MODE_REQUIRED}
EFFORT_BY_BUDGET = ((2000, "low"), (8000, "medium"), (24_000, "high"))
"""The effort that a budget stands for at providers that know no budgets, up to so many tokens; above, xhigh."""
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""
SCHEMA_FIELDS = ("json_schema", "schema")
"""The second is the older name."""


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools of a type that is not known here are carried as they are."""
    fields = mapping(value, path)
    kind = fields.get("type", "function")
    if kind != "function":
        tool.opaque.dialect, tool.opaque.json = DIALECT, json_text(value)
        return
    if fields.get("function") is None:
        raise missing(f"{path}.function")
    function = mapping(fields["function"], f"{path}.function")
    tool.function.name = required_string(function, "name", f"{path}.function.")
    if (description := function.get("description")) is not None:
        tool.function.description = string(description, f"{path}.function.description")
    if (parameters := function.get("parameters")) is not None:
        tool.function.parameters_json = json_text(mapping(parameters, f"{path}.function.parameters"))
    details = rest_of(fields, {"type", "function"})
    if extra := rest_of(function, FUNCTION_FIELDS):
        details["function"] = extra
    set_details(tool, details)


def parse_thinking(reasoning: ReasoningSettings, value: Any) -> None:
    """As the client wrote it for Cohere, and what it comes to for others."""
    fields = mapping(value, "thinking")
    match required_string(fields, "type", "thinking."):
        case "disabled":
            reasoning.enabled = False
        case "enabled" if fields.get("token_budget") is not None:
            reasoning.max_tokens = integer(fields["token_budget"], "thinking.token_budget")
            reasoning.effort = effort_for(reasoning.max_tokens)
        case "enabled":
            reasoning.enabled = True
    set_details(reasoning, {"thinking": value})


def effort_for(budget: int) -> str:
    return next((effort for bound, effort in EFFORT_BY_BUDGET if budget < bound), "xhigh")


def parse_response_format(form: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name, to be carried as it is."""
    fields = mapping(value, "response_format")
    kind = required_string(fields, "type", "response_format.")
    name = next((name for name in SCHEMA_FIELDS if fields.get(name) is not None), "")
    match kind:
        case "text":
            form.type = RESPONSE_FORMAT_TYPE_TEXT
        case "json_object" if name:
            form.type, form.name, form.strict = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, True
            form.schema_json = json_text(mapping(fields[name], f"response_format.{name}"))
        case "json_object":
            form.type = RESPONSE_FORMAT_TYPE_JSON_OBJECT
        case _:
            return False
    notes: Json = {"$schema": name} if name else {"$type": kind}
    set_details(form, {**notes, **rest_of(fields, {"type", name})})
    return True
