"""The tools of a client's request, the choice among them and the form of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_JSON_SCHEMA, TOOL_CHOICE_MODE_TOOL, ChatRequest, ResponseFormat, Tool
from gateway_dialects.kit.fields import array, boolean, mapping, missing, required_string, string, wrong_type
from gateway_dialects.kit.json import Json, json_text, unknown_fields
from gateway_dialects.openai.words import RESPONSE_FORMATS, TOOL_CHOICE_WORDS
from gateway_dialects.openai_responses.parse_items import set_rest
from gateway_dialects.openai_responses.words import DIALECT, ToolForm, set_details, set_form

MODES = {word: mode for mode, word in TOOL_CHOICE_WORDS.items()}
FUNCTION_FIELDS = frozenset({"type", "name", "description", "parameters", "strict"})
CUSTOM_FIELDS = frozenset({"type", "name", "description", "format"})
FORMAT_FIELDS = frozenset({"type", "name", "description", "schema", "strict"})
GRAMMAR_FIELDS = ("syntax", "definition")
NAMED = frozenset({"function", "custom"})
"""Types of the tools that have names; any other is named by its type."""


@dataclass(slots=True)
class Options:
    """The fields of a request that the contract does not name."""

    own: Json = field(default_factory=dict)
    """provider_options_json["openai-responses"]."""
    served: Json = field(default_factory=dict)
    """RequestForm.served."""


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools that the provider runs are carried as they are."""
    fields = mapping(value, path)
    match required_string(fields, "type", f"{path}."):
        case "function":
            parse_function(tool, fields, path)
        case "custom":
            parse_custom(tool, fields, path)
        case _:
            tool.opaque.dialect, tool.opaque.json = DIALECT, json_text(value)


def parse_function(tool: Tool, fields: Json, path: str) -> None:
    tool.function.name = required_string(fields, "name", f"{path}.")
    if (description := fields.get("description")) is not None:
        tool.function.description = string(description, f"{path}.description")
    if (parameters := fields.get("parameters")) is not None:
        tool.function.parameters_json = json_text(mapping(parameters, f"{path}.parameters"))
    if (strict := fields.get("strict")) is not None:
        tool.function.strict = boolean(strict, f"{path}.strict")
    set_rest(tool, unknown_fields(fields, FUNCTION_FIELDS))
    set_form(tool, ToolForm(strict_unset=strict is None))


def parse_custom(tool: Tool, fields: Json, path: str) -> None:
    tool.custom.name = required_string(fields, "name", f"{path}.")
    if (description := fields.get("description")) is not None:
        tool.custom.description = string(description, f"{path}.description")
    if (form := fields.get("format")) is not None:
        tool.custom.format_json = json_text(nested_grammar(mapping(form, f"{path}.format")))
    set_rest(tool, unknown_fields(fields, CUSTOM_FIELDS))


def nested_grammar(form: Json) -> Json:
    """As the contract holds it: chat completions put a grammar into an object of its own."""
    grammar = {name: form[name] for name in GRAMMAR_FIELDS if name in form}
    if form.get("type") != "grammar" or not grammar:
        return form
    return {**{name: value for name, value in form.items() if name not in GRAMMAR_FIELDS}, "grammar": grammar}


def parse_tool_choice(request: ChatRequest, value: Any, options: Options) -> None:
    """A choice of a tool that the provider runs is carried as it is."""
    choice = request.tool_choice
    match value:
        case str():
            if value not in MODES:
                raise invalid("tool_choice", f"'tool_choice' is {value!r}: use auto, none, required or an object.")
            choice.mode = MODES[value]
        case {"type": "allowed_tools"}:
            parse_allowed_tools(request, value)
        case {"type": "function" | "custom"}:
            choice.mode = TOOL_CHOICE_MODE_TOOL
            choice.tool_name = required_string(value, "name", "tool_choice.")
            set_details(choice, unknown_fields(value, {"type", "name"}))
        case {"type": str()}:
            request.ClearField("tool_choice")
            options.own["tool_choice"] = value
        case dict():
            raise missing("tool_choice.type", "Use 'function', for example.")
        case _:
            raise wrong_type("tool_choice", "string or object", value)


def parse_allowed_tools(request: ChatRequest, value: Json) -> None:
    choice = request.tool_choice
    mode = required_string(value, "mode", "tool_choice.")
    if mode not in ("auto", "required"):
        raise invalid("tool_choice.mode", "'tool_choice.mode' must be auto or required.")
    choice.mode = MODES[mode]
    tools = array(value.get("tools"), "tool_choice.tools")
    for index, item in enumerate(tools):
        path = f"tool_choice.tools[{index}]"
        tool = mapping(item, path)
        kind = required_string(tool, "type", f"{path}.")
        choice.allowed_tool_names.append(required_string(tool, "name", f"{path}.") if kind in NAMED else kind)
    set_details(choice, {"tools": tools, **unknown_fields(value, {"type", "mode", "tools"})})


def parse_text(request: ChatRequest, value: Any, options: Options) -> None:
    fields = mapping(value, "text")
    if (verbosity := fields.get("verbosity")) is not None:
        request.verbosity = string(verbosity, "text.verbosity")
    rest = unknown_fields(fields, {"format", "verbosity"})
    if (form := fields.get("format")) is not None and not parse_format(request.response_format, form):
        request.ClearField("response_format")
        rest["format"] = form
    if rest:
        options.own["text"] = rest


def parse_format(form: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name, to be carried as it is."""
    fields = mapping(value, "text.format")
    kind = required_string(fields, "type", "text.format.")
    if kind not in RESPONSE_FORMATS:
        return False
    form.type = RESPONSE_FORMATS[kind]
    if form.type == RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        form.name = required_string(fields, "name", "text.format.")
        if fields.get("schema") is None:
            raise missing("text.format.schema")
        form.schema_json = json_text(mapping(fields["schema"], "text.format.schema"))
        if (description := fields.get("description")) is not None:
            form.description = string(description, "text.format.description")
        if (strict := fields.get("strict")) is not None:
            form.strict = boolean(strict, "text.format.strict")
    set_details(form, unknown_fields(fields, FORMAT_FIELDS))
    return True
