"""Tools, the choice among them, and the form of the answer, flat as this API writes them.

Source: https://platform.openai.com/docs/guides/migrate-to-responses: tools are strict unless said otherwise, unlike those of
chat completions.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_object, raw_json, set_if_present
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of
from gateway_dialects.openai.encode_request import RESPONSE_FORMATS, TOOL_CHOICES
from gateway_dialects.openai_responses.words import DIALECT, details_of

NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
SCHEMA_NAME = "answer"


def encode_tools(request: ChatRequest) -> list[Json]:
    return [encode_tool(tool, f"tools[{index}]") for index, tool in enumerate(request.tools)]


def encode_tool(tool: Tool, field: str) -> Json:
    details = details_of(tool) if tool.provider_details_json else {}
    match tool.WhichOneof("kind"):
        case "function":
            return encode_function(tool, details, field)
        case "custom":
            custom: Json = {"type": "custom", "name": tool.custom.name}
            set_if_present(custom, tool.custom, ("description",))
            if tool.custom.format_json:
                custom["format"] = encode_grammar(tool.custom.format_json, f"{field}.custom.format")
            return {**custom, **fields_of(details)}
        case "opaque" if tool.opaque.dialect in (DIALECT, CHAT_FORM):
            # Chat completions know only functions and custom tools: any other is meant for this API.
            return decode_object(tool.opaque.json)
        case "opaque":
            raise unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
        case _:
            raise invalid(field, f"{field} has no kind: set function, custom or opaque")


def encode_function(tool: Tool, details: Json, field: str) -> Json:
    function: Json = {"type": "function", "name": tool.function.name}
    set_if_present(function, tool.function, ("description",))
    if tool.function.parameters_json:
        function["parameters"] = raw_json(tool.function.parameters_json, f"{field}.function.parameters")
    elif "$strict" not in details:
        function["parameters"] = NO_ARGUMENTS
    if tool.function.HasField("strict"):
        function["strict"] = tool.function.strict
    elif "$strict" not in details:
        function["strict"] = False
    return {**function, **fields_of(details)}


def encode_grammar(text: str, field: str) -> Json:
    """{type: grammar, syntax, definition}, of which chat completions put the last two into an object of their own."""
    form = decode_object(raw_json(text, field))
    grammar = form.get("grammar")
    if not isinstance(grammar, dict):
        return form
    return {**{name: value for name, value in form.items() if name != "grammar"}, **grammar}


def encode_tool_choice(choice: ToolChoice, custom_tools: frozenset[str]) -> Any:
    """None: nothing is said."""
    details = details_of(choice)
    if choice.mode and choice.mode not in (*TOOL_CHOICES, TOOL_CHOICE_MODE_TOOL):
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        return {"type": kind_of(choice.tool_name, custom_tools), "name": choice.tool_name, **fields_of(details)}
    if choice.allowed_tool_names:
        tools = details.get("tools") or [
            {"type": kind_of(name, custom_tools), "name": name} for name in choice.allowed_tool_names
        ]
        mode = TOOL_CHOICES.get(choice.mode, "auto")
        return {"type": "allowed_tools", "mode": mode, **fields_of(details), "tools": tools}
    return TOOL_CHOICES.get(choice.mode)


def kind_of(name: str, custom_tools: frozenset[str]) -> str:
    return "custom" if name in custom_tools else "function"


def custom_names(request: ChatRequest) -> frozenset[str]:
    return frozenset(tool.custom.name for tool in request.tools if tool.WhichOneof("kind") == "custom")


def encode_format(form: ResponseFormat) -> Json | None:
    """text.format. None: nothing is said."""
    if not form.type:
        return None
    kind = RESPONSE_FORMATS.get(form.type)
    if kind is None:
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")
    encoded: Json = {"type": kind}
    if form.type == RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        encoded["name"] = form.name or SCHEMA_NAME
        set_if_present(encoded, form, ("description", "strict"))
        if form.schema_json:
            encoded["schema"] = raw_json(form.schema_json, "response_format.json_schema.schema")
    return {**encoded, **fields_of(details_of(form))}
