"""The tools, the tool choice and the answer's form of a request.

Sources: https://ai.google.dev/api/caching#Tool, #ToolConfig, #FunctionDeclaration and recorded requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    FunctionTool,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from gateway_dialects.gemini.client.details import DIALECT, details_of
from gateway_dialects.gemini.client.parts import Scope
from gateway_dialects.gemini.client.schema import SchemaConverter
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_json, raw_json
from gateway_dialects.kit.legacy import fields_of

MODES = {
    TOOL_CHOICE_MODE_AUTO: "AUTO",
    TOOL_CHOICE_MODE_NONE: "NONE",
    TOOL_CHOICE_MODE_REQUIRED: "ANY",
    TOOL_CHOICE_MODE_TOOL: "ANY",
}
JSON_TYPE = "application/json"
ASKED_FOR_JSON = "Unless you call a tool, answer with one JSON object only, without Markdown."


def encode_tools(tools: Sequence[Tool], choice: ToolChoice, scope: Scope) -> list[Json]:
    """All functions in one Tool, where the first of them stood; each of the provider's own tools in one of its own."""
    is_plain_auto = choice.mode == TOOL_CHOICE_MODE_AUTO and "$mode" not in details_of(choice)
    allowed = set(choice.allowed_tool_names) if is_plain_auto else set()
    encoded: list[Json] = []
    declarations: list[Json] = []
    for index, tool in enumerate(tools):
        place = f"tools[{index}]"
        match tool.WhichOneof("kind"):
            case "function":
                if not declarations:
                    encoded.append({"functionDeclarations": declarations})
                declarations.append(encode_function(tool, place, scope))
            case "opaque" if tool.opaque.dialect == DIALECT:
                encoded.append(decode_json(tool.opaque.json))
            case "opaque":
                raise unsupported(place, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
            case "custom":
                raise unsupported(place, "this provider takes no custom tools with free-form input")
            case _:
                raise invalid(place, f"{place} has no kind: set function, custom or opaque")
    if allowed and declarations:
        # In the mode AUTO Gemini refuses a list of allowed names, so only they are declared.
        declarations[:] = [item for item in declarations if item["name"] in allowed]
    return encoded


def encode_function(tool: Tool, place: str, scope: Scope) -> Json:
    function: FunctionTool = tool.function
    details = details_of(tool)
    declaration: Json = {"name": function.name}
    if function.HasField("description"):
        declaration["description"] = function.description
    if function.parameters_json and "parameters" not in details:
        declaration.update(encode_parameters(function.parameters_json, details.get("$parameters"), place, scope))
    return {**declaration, **fields_of(details)}


def encode_parameters(schema_json: str, written: str | None, place: str, scope: Scope) -> Json:
    if scope.family.json_schema or written == "parametersJsonSchema":
        return {"parametersJsonSchema": raw_json(schema_json, f"{place}.function.parameters_json")}
    converted = convert(decode_json(schema_json), place, scope)
    # An object without properties is refused; a function without parameters is not.
    return {"parameters": converted} if converted.get("properties") else {}


def convert(schema: Any, place: str, scope: Scope) -> Json:
    converter = SchemaConverter(schema if isinstance(schema, dict) else {})
    converted = converter.convert()
    if converter.lost:
        scope.warn(place, f"this model's schemas know no {', '.join(sorted(converter.lost))}; left out")
    return converted


def encode_choice(choice: ToolChoice, tools: Sequence[Tool], scope: Scope) -> Json:
    """functionCallingConfig; empty where the default says the same."""
    details = details_of(choice)
    mode = MODES.get(choice.mode)
    strict = [index for index, tool in enumerate(tools) if tool.WhichOneof("kind") == "function" and tool.function.strict]
    if strict and mode in (None, "AUTO") and scope.family.json_schema:
        mode = "VALIDATED"
    elif strict and not scope.family.json_schema:
        for index in strict:
            scope.warn(f"tools[{index}].function.strict", "this model does not check arguments strictly")
    config: Json = {"mode": details.get("$mode", mode)} if mode else {}
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        config["allowedFunctionNames"] = [choice.tool_name]
    elif choice.allowed_tool_names and (choice.mode == TOOL_CHOICE_MODE_REQUIRED or "$mode" in details):
        config["allowedFunctionNames"] = list(choice.allowed_tool_names)
    return {**config, **fields_of(details)}


def encode_format(form: ResponseFormat, tools: Sequence[Tool], scope: Scope) -> tuple[Json, str]:
    """The answer's form as fields of generationConfig, and what must be said in words where a model takes none."""
    details = details_of(form)
    if form.type == RESPONSE_FORMAT_TYPE_TEXT:
        return ({"responseMimeType": "text/plain"} if "$mime" in details else {}), ""
    if form.type not in (RESPONSE_FORMAT_TYPE_JSON_OBJECT, RESPONSE_FORMAT_TYPE_JSON_SCHEMA):
        return {}, ""
    functions = any(tool.WhichOneof("kind") == "function" for tool in tools)
    if functions and not scope.family.json_with_tools:
        message = "this model gives no JSON by schema while it has tools; it was asked for in words instead"
        scope.warn("response_format", message)
        return {}, in_words(form)
    encoded: Json = {} if details.get("$mime") is False else {"responseMimeType": JSON_TYPE}
    if form.schema_json and "responseSchema" not in details:
        encoded.update(encode_schema(form.schema_json, details.get("$schema"), scope))
    return {**encoded, **fields_of(details)}, ""


def encode_schema(schema_json: str, written: str | None, scope: Scope) -> Json:
    if scope.family.json_schema or written == "responseJsonSchema":
        return {"responseJsonSchema": raw_json(schema_json, "response_format.schema_json")}
    return {"responseSchema": convert(decode_json(schema_json), "response_format.json_schema.schema", scope)}


def in_words(form: ResponseFormat) -> str:
    if form.schema_json:
        return f"{ASKED_FOR_JSON} It must follow this JSON Schema: {form.schema_json}"
    return ASKED_FOR_JSON
