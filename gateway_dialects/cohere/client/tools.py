"""Tools and the choice among them in the words of this dialect.

Source: https://docs.cohere.com/docs/tool-use, https://docs.cohere.com/docs/structured-outputs (strict_tools) and recorded
requests. There is no choice of one tool: only that tool is offered, and a call required.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from gateway_dialects.cohere.client.details import DIALECT, details_of, object_of
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

CHOICES = {
    TOOL_CHOICE_MODE_UNSPECIFIED: "",
    TOOL_CHOICE_MODE_AUTO: "",
    TOOL_CHOICE_MODE_NONE: "NONE",
    TOOL_CHOICE_MODE_REQUIRED: "REQUIRED",
    TOOL_CHOICE_MODE_TOOL: "REQUIRED",
}
"""Empty: the provider's default, which leaves it to the model."""


def encode_tools(body: Json, request: ChatRequest, remarks: Remarks) -> None:
    """Sets tools, strict_tools and tool_choice."""
    choice = request.tool_choice
    if choice.mode not in CHOICES:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    word = CHOICES[choice.mode]
    offered = offered_tools(request)
    if offered:
        body["tools"] = [encode_tool(tool, f"tools[{index}]") for index, tool in offered]
        set_strict(body, [tool for _, tool in offered], remarks)
        if word:
            body["tool_choice"] = word
    elif choice.mode == TOOL_CHOICE_MODE_TOOL and request.tools:
        raise invalid("tool_choice", f"tool_choice names the tool {choice.tool_name!r}, which is not among the tools")
    elif word == "REQUIRED":
        remarks.leave_out("tool_choice", "there are no tools to choose from")
    if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls:
        remarks.leave_out("parallel_tool_calls", "this provider's models may always call several tools at once")


def offered_tools(request: ChatRequest) -> list[tuple[int, Tool]]:
    """The tools that the choice allows, with their places in the request."""
    choice = request.tool_choice
    allowed = set(choice.allowed_tool_names)
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        allowed = {choice.tool_name}
    return [(index, tool) for index, tool in enumerate(request.tools) if not allowed or name_of(tool) in allowed]


def name_of(tool: Tool) -> str:
    return tool.function.name or tool.custom.name


def encode_tool(tool: Tool, field: str) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            extra = fields_of(details_of(tool)) if tool.provider_details_json else {}
            function = {**encode_function(tool.function, field), **extra.pop("function", {})}
            return {"type": "function", **extra, "function": function}
        case "custom":
            raise unsupported(field, "this provider has no tools with free-form input")
        case "opaque" if tool.opaque.dialect == DIALECT:
            return object_of(tool.opaque.json, field)
        case "opaque":
            raise unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
        case _:
            raise invalid(field, f"{field} has no kind: set function, custom or opaque")


def encode_function(function: FunctionTool, field: str) -> Json:
    encoded: Json = {"name": function.name}
    if function.HasField("description"):
        encoded["description"] = function.description
    encoded["parameters"] = schema_of(function.parameters_json, f"{field}.function.parameters")
    return encoded


def schema_of(parameters_json: str, field: str) -> Json | msgspec.Raw:
    """An object's schema: this dialect reads no other, and a tool without parameters leaves it out."""
    if not parameters_json:
        return {"type": "object", "properties": {}}
    parameters = object_of(parameters_json, field)
    if "type" in parameters:
        # Key for key as the client wrote it: prompt caches hit only then.
        return msgspec.Raw(parameters_json.encode())
    return {"type": "object", "properties": {}, **parameters}


def set_strict(body: Json, tools: Sequence[Tool], remarks: Remarks) -> None:
    """Strictness is one for all tools here."""
    strict = [tool.function.strict for tool in tools if tool.WhichOneof("kind") == "function"]
    if strict and all(strict):
        body["strict_tools"] = True
    elif any(strict):
        remarks.leave_out("tools.function.strict", "this provider holds all tools to their schemas or none")
