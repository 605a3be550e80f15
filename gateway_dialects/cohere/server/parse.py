"""A client's chat request in the contract's terms.

Nothing a client sends is lost: what the contract does not name travels in provider_options_json["cohere"].

Source: https://docs.cohere.com/reference/chat and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.cohere.server.details import DIALECT
from gateway_dialects.cohere.server.messages import parse_messages
from gateway_dialects.cohere.server.tools import CHOICES, parse_response_format, parse_thinking, parse_tool
from gateway_dialects.kit.fields import array, boolean, integer, missing, number, parse_object, rest_of, string
from gateway_dialects.kit.json import Json, json_text


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes) -> ParsedChat:
    """The request of POST /v2/chat. Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    for name in ("model", "messages"):
        if fields.get(name) is None:
            raise missing(name, ADVICE.get(name, ""))
    request = ChatRequest()
    options = rest_of(fields, KNOWN_FIELDS)
    for name, value in fields.items():
        if value is None:
            continue
        if plain := PLAIN_FIELDS.get(name):
            contract_name, setter = plain
            setattr(request, contract_name, setter(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
    if fields.get("strict_tools") is not None:
        set_strict(request, boolean(fields["strict_tools"], "strict_tools"), options)
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    stream = fields.get("stream")
    return ParsedChat(request, stream is not None and boolean(stream, "stream"))


def parse_turns(request: ChatRequest, value: Any, options: Json) -> None:
    parse_messages(request, value)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    choice = string(value, "tool_choice")
    if choice in CHOICES:
        request.tool_choice.mode = CHOICES[choice]
    else:
        options["tool_choice"] = choice


def parse_form(request: ChatRequest, value: Any, options: Json) -> None:
    if not parse_response_format(request.response_format, value):
        request.ClearField("response_format")
        options["response_format"] = value


def parse_reasoning(request: ChatRequest, value: Any, options: Json) -> None:
    parse_thinking(request.reasoning, value)


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    sequences = array(value, "stop_sequences")
    request.stop.extend(string(item, f"stop_sequences[{index}]") for index, item in enumerate(sequences))


def set_strict(request: ChatRequest, strict: bool, options: Json) -> None:
    """One for all tools here; other dialects have it on each."""
    functions = [tool.function for tool in request.tools if tool.WhichOneof("kind") == "function"]
    for function in functions:
        function.strict = strict
    if not functions:
        options["strict_tools"] = strict


ADVICE = {"model": "Name one as provider/model, for example demo/echo."}
PLAIN_FIELDS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "model": ("model", string),
    "max_tokens": ("max_tokens", integer),
    "temperature": ("temperature", number),
    "p": ("top_p", number),
    "k": ("top_k", integer),
    "seed": ("seed", integer),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "logprobs": ("logprobs", boolean),
}
"""Fields that are one value: the contract's name, and what reads it."""
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_turns,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_form,
    "thinking": parse_reasoning,
    "stop_sequences": parse_stop,
}
KNOWN_FIELDS = frozenset({*PLAIN_FIELDS, *FIELD_PARSERS, "strict_tools", "stream"})
