"""Chat requests of Cohere's clients.

Source: https://docs.cohere.com/reference/chat and recorded requests. Nothing a client sends is lost: what the contract does
not name goes to provider_options_json["cohere"].
"""

from collections.abc import Mapping
from typing import Any

from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, Tool
from gateway_dialects.cohere.parse_messages import parse_messages
from gateway_dialects.cohere.words import DIALECT, PLAIN_FIELDS, TOOL_CHOICES, ResponseFormatForm
from gateway_dialects.kit import fields
from gateway_dialects.kit.json import Json, WrittenForm, json_text, set_details, set_form, text_of, unknown_fields
from gateway_dialects.kit.reasoning import effort_for
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.kit.server import FieldParser, ParsedChat, parse_fields
from gateway_dialects.kit.tool_forms import set_hosted

FUNCTION_FIELDS: fields.Fields = {
    "description": ("description", fields.string),
    "parameters": ("parameters_json", fields.object_text),
}
"""Optional ones, which the contract names."""
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""
SCHEMA_FIELDS = ("json_schema", "schema")
"""The second is the older name."""


def parse_chat(body: bytes) -> ParsedChat:
    """The request of POST /v2/chat. Raises GatewayError naming the field at fault."""
    body_fields = fields.parse_object(body)
    fields.require(body_fields, ("model", "messages"))
    if "strict_tools" in body_fields:
        # Last: it says something of the tools.
        body_fields["strict_tools"] = body_fields.pop("strict_tools")
    return parse_fields(body_fields, PLAIN_FIELDS, FIELD_PARSERS, DIALECT)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(fields.array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools of an unknown type become opaque."""
    details = fields.mapping(value, path)
    if details.get("type", "function") != "function":
        set_hosted(tool, DIALECT, json_text(value), text_of(details["type"]), searches=False)
        return
    function = fields.required_mapping(details, "function", f"{path}.")
    tool.function.name = fields.required_string(function, "name", f"{path}.function.")
    fields.set_fields(tool.function, function, FUNCTION_FIELDS, f"{path}.function.")
    details = unknown_fields(details, {"type", "function"})
    if extra := unknown_fields(function, {"name", *FUNCTION_FIELDS}):
        details["function"] = extra
    set_details(tool, details, DIALECT)


def parse_strict(request: ChatRequest, value: Any, options: Json) -> None:
    """One for all tools here; other dialects have it on each."""
    strict = fields.boolean(value, "strict_tools")
    functions = [tool.function for tool in request.tools if tool.WhichOneof("kind") == "function"]
    for function in functions:
        function.strict = strict
    if not functions:
        options["strict_tools"] = strict


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    choice = fields.string(value, "tool_choice")
    if choice in TOOL_CHOICES:
        request.tool_choice.mode = TOOL_CHOICES[choice]
    else:
        options["tool_choice"] = choice


def parse_format(request: ChatRequest, value: Any, options: Json) -> None:
    """A type that the contract does not name is passed on as it is."""
    given, wanted = fields.mapping(value, "response_format"), request.response_format
    kind = fields.required_string(given, "type", "response_format.")
    name = next((name for name in SCHEMA_FIELDS if given.get(name) is not None), "")
    match kind:
        case "text":
            wanted.type = chat_pb2.RESPONSE_FORMAT_TYPE_TEXT
        case "json_object" if name:
            wanted.type, wanted.name, wanted.strict = chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, True
            wanted.schema_json = fields.object_text(given[name], f"response_format.{name}")
        case "json_object":
            wanted.type = chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT
        case _:
            options["response_format"] = value
            return
    set_form(wanted, DIALECT, ResponseFormatForm(native=True, schema_field=name or "json_schema"))
    set_details(wanted, unknown_fields(given, {"type", name}), DIALECT)


def parse_thinking(request: ChatRequest, value: Any, options: Json) -> None:
    """As the client wrote it for Cohere, and what it comes to for others."""
    reasoning, given = request.reasoning, fields.mapping(value, "thinking")
    match fields.required_string(given, "type", "thinking."):
        case "disabled":
            reasoning.enabled = False
        case "enabled" if given.get("token_budget") is not None:
            budget = reasoning.max_tokens = fields.integer(given["token_budget"], "thinking.token_budget")
            reasoning.effort = effort_for(budget)
        case "enabled":
            reasoning.enabled = True
    set_form(reasoning, DIALECT, WrittenForm(written={"thinking": value}))
    set_details(reasoning, {"thinking": rest} if (rest := unknown_fields(given, THINKING_FIELDS)) else {}, DIALECT)


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    request.stop.extend(fields.texts(value, "stop_sequences"))


THINKING_FIELDS = frozenset({"type", "token_budget"})
FIELD_PARSERS: Mapping[str, FieldParser] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_format,
    "thinking": parse_thinking,
    "stop_sequences": parse_stop,
    "strict_tools": parse_strict,
    **ROUTING_PARSERS,
}
