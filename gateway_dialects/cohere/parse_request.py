"""Chat requests of Cohere's clients.

Source: https://docs.cohere.com/reference/chat and recorded requests. Nothing a client sends is lost: what the contract does
not name goes to provider_options_json["cohere"].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    ChatRequest,
    ResponseFormat,
    Tool,
)
from gateway_dialects.cohere.parse_messages import parse_messages
from gateway_dialects.cohere.words import DIALECT, PLAIN_FIELDS, TOOL_CHOICES, ResponseFormatForm
from gateway_dialects.kit.fields import (
    array,
    boolean,
    integer,
    mapping,
    missing,
    parse_object,
    required_mapping,
    required_string,
    string,
)
from gateway_dialects.kit.json import Json, json_text, set_details, set_form, unknown_fields
from gateway_dialects.kit.reasoning import effort_for

FUNCTION_FIELDS = frozenset({"name", "description", "parameters"})
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""
SCHEMA_FIELDS = ("json_schema", "schema")
"""The second is the older name."""


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """A client's request, and whether it wants a stream."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes) -> ParsedChat:
    """The request of POST /v2/chat. Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    for name in ("model", "messages"):
        if fields.get(name) is None:
            raise missing(name, ADVICE.get(name, ""))
    request = ChatRequest()
    options = unknown_fields(fields, KNOWN_FIELDS)
    for name, value in fields.items():
        if value is None:
            continue
        if plain := PLAIN_FIELDS.get(name):
            contract_name, reader = plain
            setattr(request, contract_name, reader(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
    if fields.get("strict_tools") is not None:
        set_strict(request, boolean(fields["strict_tools"], "strict_tools"), options)
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    stream = fields.get("stream")
    return ParsedChat(request, stream is not None and boolean(stream, "stream"))


def parse_conversation(request: ChatRequest, value: Any, options: Json) -> None:
    parse_messages(request, value)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_tool(tool: Tool, value: Any, path: str) -> None:
    """Tools of an unknown type become opaque."""
    fields = mapping(value, path)
    if fields.get("type", "function") != "function":
        tool.opaque.dialect, tool.opaque.json = DIALECT, json_text(value)
        return
    function = required_mapping(fields, "function", f"{path}.")
    tool.function.name = required_string(function, "name", f"{path}.function.")
    if (description := function.get("description")) is not None:
        tool.function.description = string(description, f"{path}.function.description")
    if (parameters := function.get("parameters")) is not None:
        tool.function.parameters_json = json_text(mapping(parameters, f"{path}.function.parameters"))
    details = unknown_fields(fields, {"type", "function"})
    if extra := unknown_fields(function, FUNCTION_FIELDS):
        details["function"] = extra
    set_details(tool, details, DIALECT)


def set_strict(request: ChatRequest, strict: bool, options: Json) -> None:
    """One for all tools here; other dialects have it on each."""
    functions = [tool.function for tool in request.tools if tool.WhichOneof("kind") == "function"]
    for function in functions:
        function.strict = strict
    if not functions:
        options["strict_tools"] = strict


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    choice = string(value, "tool_choice")
    if choice in TOOL_CHOICES:
        request.tool_choice.mode = TOOL_CHOICES[choice]
    else:
        options["tool_choice"] = choice


def parse_format(request: ChatRequest, value: Any, options: Json) -> None:
    if not parse_response_format(request.response_format, value):
        request.ClearField("response_format")
        options["response_format"] = value


def parse_response_format(wanted: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name, to be passed on as it is."""
    fields = mapping(value, "response_format")
    kind = required_string(fields, "type", "response_format.")
    name = next((name for name in SCHEMA_FIELDS if fields.get(name) is not None), "")
    match kind:
        case "text":
            wanted.type = RESPONSE_FORMAT_TYPE_TEXT
        case "json_object" if name:
            wanted.type, wanted.name, wanted.strict = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME, True
            wanted.schema_json = json_text(mapping(fields[name], f"response_format.{name}"))
        case "json_object":
            wanted.type = RESPONSE_FORMAT_TYPE_JSON_OBJECT
        case _:
            return False
    set_form(wanted, DIALECT, ResponseFormatForm(native=True, schema_field=name or "json_schema"))
    set_details(wanted, unknown_fields(fields, {"type", name}), DIALECT)
    return True


def parse_thinking(request: ChatRequest, value: Any, options: Json) -> None:
    """As the client wrote it for Cohere, and what it comes to for others."""
    reasoning, fields = request.reasoning, mapping(value, "thinking")
    match required_string(fields, "type", "thinking."):
        case "disabled":
            reasoning.enabled = False
        case "enabled" if fields.get("token_budget") is not None:
            budget = reasoning.max_tokens = integer(fields["token_budget"], "thinking.token_budget")
            reasoning.effort = effort_for(budget)
        case "enabled":
            reasoning.enabled = True
    set_details(reasoning, {"thinking": value}, DIALECT)


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    sequences = array(value, "stop_sequences")
    request.stop.extend(string(item, f"stop_sequences[{index}]") for index, item in enumerate(sequences))


ADVICE = {"model": "Name one as provider/model, for example demo/echo."}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_conversation,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_format,
    "thinking": parse_thinking,
    "stop_sequences": parse_stop,
}
KNOWN_FIELDS = frozenset({*PLAIN_FIELDS, *FIELD_PARSERS, "strict_tools", "stream"})
