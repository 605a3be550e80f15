"""Tools and the choice among them in the words of this dialect.

Source: https://platform.claude.com/docs (tool use, strict tool use, parallel tool use) and recorded requests.
"""

from __future__ import annotations

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    TOOL_CHOICE_MODE_UNSPECIFIED,
    ChatRequest,
    FunctionTool,
    Tool,
)
from gateway_dialects.anthropic.client.details import DIALECT, block_fields, details_of
from gateway_dialects.anthropic.client.families import Family
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.anthropic.client.schema import fitted
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import fields_of

CHOICES = {
    TOOL_CHOICE_MODE_AUTO: "auto",
    TOOL_CHOICE_MODE_NONE: "none",
    TOOL_CHOICE_MODE_REQUIRED: "any",
    TOOL_CHOICE_MODE_TOOL: "tool",
}
FORCED = frozenset({"any", "tool"})


def encode_tools(body: Json, request: ChatRequest, family: Family, remarks: Remarks) -> None:
    """Sets tools and tool_choice."""
    allowed = set(request.tool_choice.allowed_tool_names)
    tools = [
        encode_tool(tool, f"tools[{index}]", family, remarks)
        for index, tool in enumerate(request.tools)
        if not allowed or name_of(tool) in allowed
    ]
    if tools:
        body["tools"] = tools
        if choice := encode_tool_choice(request):
            body["tool_choice"] = choice
    elif request.tool_choice.mode in (TOOL_CHOICE_MODE_REQUIRED, TOOL_CHOICE_MODE_TOOL):
        remarks.leave_out("tool_choice", "there are no tools to choose from")


def name_of(tool: Tool) -> str:
    return tool.function.name or tool.custom.name


def encode_tool(tool: Tool, field: str, family: Family, remarks: Remarks) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            return {**encode_function(tool.function, field, family, remarks), **tool_fields(tool)}
        case "custom":
            raise unsupported(field, "this provider has no tools with free-form input")
        case "opaque" if tool.opaque.dialect == DIALECT:
            opaque: Json = decode_json(tool.opaque.json)
            return opaque
        case "opaque":
            raise unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
        case _:
            raise invalid(field, f"{field} has no kind: set function, custom or opaque")


def tool_fields(tool: Tool) -> Json:
    """cache_control and the like; the type that the client spelled out."""
    if not tool.provider_details_json:
        return {}
    kind = details_of(tool).get("$type")
    return {**({"type": kind} if kind else {}), **block_fields(tool)}


def encode_function(function: FunctionTool, field: str, family: Family, remarks: Remarks) -> Json:
    encoded: Json = {"name": function.name}
    if function.HasField("description"):
        encoded["description"] = function.description
    schema = schema_of(function.parameters_json, f"{field}.function.parameters")
    encoded["input_schema"] = schema
    if function.strict:
        encode_strict(encoded, function.parameters_json, field, family, remarks)
    return encoded


def schema_of(parameters_json: str, field: str) -> Json | msgspec.Raw:
    """An object's schema: what this dialect wants, and what a tool without parameters leaves out."""
    if not parameters_json:
        return {"type": "object", "properties": {}}
    parameters = object_of(parameters_json, field)
    if "type" in parameters:
        # Key for key as the client wrote it: prompt caches hit only then.
        return msgspec.Raw(parameters_json.encode())
    return {"type": "object", **parameters}


def object_of(text: str, field: str) -> Json:
    try:
        value = decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid(field, f"{field} is not a JSON object")
    return value


def encode_strict(encoded: Json, parameters_json: str, field: str, family: Family, remarks: Remarks) -> None:
    if not family.native_schema:
        remarks.leave_out(f"{field}.strict", "this model has no strict tools")
        return
    original = decode_json(parameters_json) if parameters_json else {"type": "object", "properties": {}}
    schema = fitted({"type": "object", **original})
    if schema is None:
        remarks.leave_out(f"{field}.strict", "this provider has no strict tools with such a schema")
        return
    if schema != original:
        encoded["input_schema"] = schema
    encoded["strict"] = True


def encode_tool_choice(request: ChatRequest) -> Json | None:
    """None: the provider's default. A ban on parallel calls needs a choice to stand on."""
    choice = request.tool_choice
    alone = request.HasField("parallel_tool_calls") and not request.parallel_tool_calls
    if choice.mode == TOOL_CHOICE_MODE_UNSPECIFIED and not alone:
        return None
    if choice.mode and choice.mode not in CHOICES:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    encoded: Json = {"type": CHOICES.get(choice.mode, "auto")}
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        encoded["name"] = choice.tool_name
    if alone and encoded["type"] != "none":
        encoded["disable_parallel_tool_use"] = True
    return {**encoded, **fields_of(details_of(choice))} if choice.provider_details_json else encoded
