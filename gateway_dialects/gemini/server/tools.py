"""The tools and the tool choice of a client's request.

Source: https://ai.google.dev/api/caching#Tool, #ToolConfig, #FunctionDeclaration and recorded requests.
"""

from __future__ import annotations

from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ToolChoice,
)
from gateway_dialects.gemini.server.details import DIALECT, set_details
from gateway_dialects.gemini.server.proto_json import fields_in, listed
from gateway_dialects.gemini.server.schema import json_schema_of
from gateway_dialects.kit.fields import mapping, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text

MODES = {
    "AUTO": TOOL_CHOICE_MODE_AUTO,
    "VALIDATED": TOOL_CHOICE_MODE_AUTO,
    "ANY": TOOL_CHOICE_MODE_REQUIRED,
    "NONE": TOOL_CHOICE_MODE_NONE,
}
UNSPECIFIED = "MODE_UNSPECIFIED"
DECLARATION_FIELDS = frozenset({"name", "description", "parameters", "parametersJsonSchema"})


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    """Functions, each a tool of its own in the contract, and the tools that Google runs, which are carried as they are."""
    for index, item in enumerate(listed(value, "tools")):
        path = f"tools[{index}]"
        fields = fields_in(item, path)
        declarations = fields.pop("functionDeclarations", [])
        for place, declaration in enumerate(listed(declarations, f"{path}.functionDeclarations")):
            parse_function(request, declaration, f"{path}.functionDeclarations[{place}]")
        for name, rest in fields.items():
            tool = request.tools.add()
            tool.opaque.dialect, tool.opaque.json = DIALECT, json_text({name: rest})


def parse_function(request: ChatRequest, value: Any, path: str) -> None:
    fields = fields_in(value, path)
    tool = request.tools.add()
    tool.function.name = required_string(fields, "name", f"{path}.")
    if "description" in fields:
        tool.function.description = string(fields["description"], f"{path}.description")
    details = rest_of(fields, DECLARATION_FIELDS)
    if "parametersJsonSchema" in fields:
        schema = fields["parametersJsonSchema"]
        tool.function.parameters_json = json_text(mapping(schema, f"{path}.parametersJsonSchema"))
        details["$parameters"] = "parametersJsonSchema"
    elif "parameters" in fields:
        details["parameters"] = mapping(fields["parameters"], f"{path}.parameters")
        tool.function.parameters_json = json_text(json_schema_of(fields["parameters"]))
    set_details(tool, details)


def parse_tool_config(request: ChatRequest, value: Any, options: Json) -> None:
    fields = fields_in(value, "toolConfig")
    if "functionCallingConfig" in fields:
        parse_choice(request.tool_choice, fields.pop("functionCallingConfig"))
    if fields:
        options["toolConfig"] = fields


def parse_choice(choice: ToolChoice, value: Any) -> None:
    path = "toolConfig.functionCallingConfig"
    fields = fields_in(value, path)
    details = rest_of(fields, {"mode", "allowedFunctionNames"})
    word = string(fields.get("mode", UNSPECIFIED), f"{path}.mode").upper()
    names = listed(fields.get("allowedFunctionNames", []), f"{path}.allowedFunctionNames")
    allowed = [string(name, f"{path}.allowedFunctionNames[{index}]") for index, name in enumerate(names)]
    if word == UNSPECIFIED:
        details.update({name: fields[name] for name in ("mode", "allowedFunctionNames") if name in fields})
    elif word not in MODES:
        known = ", ".join(MODES)
        raise invalid(f"{path}.mode", f"Invalid value for '{path}.mode': {word!r}. Supported values are {known}.")
    else:
        choice.mode = MODES[word]
        if word == "ANY" and len(allowed) == 1:
            choice.mode, choice.tool_name = TOOL_CHOICE_MODE_TOOL, allowed[0]
        else:
            choice.allowed_tool_names.extend(allowed)
        if word == "VALIDATED":
            details["$mode"] = word
    set_details(choice, details)
