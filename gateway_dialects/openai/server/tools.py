"""The tools, the tool choice and the answer's form of a client's request."""

from __future__ import annotations

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
    ResponseFormat,
    Tool,
    ToolChoice,
)
from gateway_dialects.kit.fields import (
    array,
    boolean,
    mapping,
    missing,
    required_mapping,
    required_string,
    rest_of,
    string,
    wrong_type,
)
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.server.messages import DIALECT

FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})
CUSTOM_FIELDS = frozenset({"name", "description", "format"})
SCHEMA_FIELDS = frozenset({"name", "description", "schema", "strict"})
CHOICES = {
    "auto": TOOL_CHOICE_MODE_AUTO,
    "none": TOOL_CHOICE_MODE_NONE,
    "required": TOOL_CHOICE_MODE_REQUIRED,
    # Mistral's word for required.
    "any": TOOL_CHOICE_MODE_REQUIRED,
}
FORMATS = {
    "text": RESPONSE_FORMAT_TYPE_TEXT,
    "json_object": RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    "json_schema": RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
}


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
    details.update(rest_of(fields, {"type", "function", "custom"}))
    if details:
        tool.provider_details_json[DIALECT] = json_text(details)


def parse_function(tool: Tool, fields: Json, path: str) -> Json:
    function = required_mapping(fields, "function", f"{path}.")
    tool.function.name = required_string(function, "name", f"{path}.function.")
    if (description := function.get("description")) is not None:
        tool.function.description = string(description, f"{path}.function.description")
    if (parameters := function.get("parameters")) is not None:
        tool.function.parameters_json = json_text(mapping(parameters, f"{path}.function.parameters"))
    if (strict := function.get("strict")) is not None:
        tool.function.strict = boolean(strict, f"{path}.function.strict")
    rest = rest_of(function, FUNCTION_FIELDS)
    return {"function": rest} if rest else {}


def parse_custom(tool: Tool, fields: Json, path: str) -> Json:
    custom = required_mapping(fields, "custom", f"{path}.")
    tool.custom.name = required_string(custom, "name", f"{path}.custom.")
    if (description := custom.get("description")) is not None:
        tool.custom.description = string(description, f"{path}.custom.description")
    if (form := custom.get("format")) is not None:
        tool.custom.format_json = json_text(mapping(form, f"{path}.custom.format"))
    rest = rest_of(custom, CUSTOM_FIELDS)
    return {"custom": rest} if rest else {}


def parse_tool_choice(choice: ToolChoice, value: Any) -> None:
    match value:
        case str():
            if value not in CHOICES:
                raise invalid("tool_choice", f"'tool_choice' is {value!r}: use auto, none, required or an object.")
            choice.mode = CHOICES[value]
            if value == "any":
                choice.provider_details_json[DIALECT] = json_text({"$word": value})
        case {"type": "allowed_tools"}:
            parse_allowed_tools(choice, value)
        case {"type": "function" | "custom" as kind}:
            named = required_mapping(value, kind, "tool_choice.")
            choice.mode = TOOL_CHOICE_MODE_TOOL
            choice.tool_name = required_string(named, "name", f"tool_choice.{kind}.")
            note_choice(choice, {} if kind == "function" else {"$type": kind}, value, kind, {"name"})
        case dict():
            kind = required_string(value, "type", "tool_choice.")
            raise invalid("tool_choice.type", f"'tool_choice.type' is {kind!r}: use function, custom or allowed_tools.")
        case _:
            raise wrong_type("tool_choice", "string or object", value)


def note_choice(choice: ToolChoice, notes: Json, value: Json, kind: str, known: set[str]) -> None:
    """Carry what the contract does not name, beside and inside the object that is named like the choice's type."""
    details = {**notes, **rest_of(value, {"type", kind})}
    if rest := rest_of(value[kind], known):
        details[kind] = rest
    if details:
        choice.provider_details_json[DIALECT] = json_text(details)


def parse_allowed_tools(choice: ToolChoice, value: Json) -> None:
    allowed = required_mapping(value, "allowed_tools", "tool_choice.")
    mode = required_string(allowed, "mode", "tool_choice.allowed_tools.")
    if mode not in ("auto", "required"):
        raise invalid("tool_choice.allowed_tools.mode", "'tool_choice.allowed_tools.mode' must be auto or required.")
    choice.mode = CHOICES[mode]
    if (tools := allowed.get("tools")) is None:
        raise missing("tool_choice.allowed_tools.tools")
    for index, item in enumerate(array(tools, "tool_choice.allowed_tools.tools")):
        path = f"tool_choice.allowed_tools.tools[{index}]"
        tool = mapping(item, path)
        kind = required_string(tool, "type", f"{path}.")
        named = required_mapping(tool, kind, f"{path}.")
        choice.allowed_tool_names.append(required_string(named, "name", f"{path}.{kind}."))
    note_choice(choice, {"tools": tools}, value, "allowed_tools", {"mode", "tools"})


def parse_response_format(form: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name, to be carried as it is."""
    fields = mapping(value, "response_format")
    kind = required_string(fields, "type", "response_format.")
    if kind not in FORMATS:
        return False
    form.type = FORMATS[kind]
    details = rest_of(fields, {"type", "json_schema"})
    if kind == "json_schema" and (rest := parse_schema(form, required_mapping(fields, "json_schema", "response_format."))):
        details["json_schema"] = rest
    if details:
        form.provider_details_json[DIALECT] = json_text(details)
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
    return rest_of(schema, SCHEMA_FIELDS)
