"""A chat completion request of Mistral's form in the contract's terms.

Nothing a client sends is lost: what the contract does not name travels in provider_options_json["mistral"].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.kit.fields import (
    array,
    boolean,
    integer,
    missing,
    number,
    parse_object,
    required_string,
    small_integer,
    string,
)
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.mistral.server.messages import DIALECT, claim, parse_message
from gateway_dialects.openai.parse_request import parse_response_format, parse_stop, parse_tool, parse_tool_choice


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """What the client asked for, and whether it wants a stream."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    return parse_fields(parse_object(body))


def parse_fim(body: bytes) -> ParsedChat:
    """A completion around a gap, as one chunk that only Mistral understands. Raises like parse_chat."""
    fields = parse_object(body)
    if fields.pop("messages", None) is not None:
        raise invalid("messages", "A completion around a gap takes 'prompt' and 'suffix', no 'messages'.")
    gap: Json = {"type": "fim", "prompt": required_string(fields, "prompt")}
    if (suffix := fields.get("suffix")) is not None:
        gap["suffix"] = string(suffix, "suffix")
    rest = {name: value for name, value in fields.items() if name not in ("prompt", "suffix")}
    return parse_fields({**rest, "messages": [{"role": "user", "content": [gap]}]})


def parse_fields(fields: Json) -> ParsedChat:
    if fields.get("model") is None:
        raise missing("model", "Name one as provider/model, for example demo/echo.")
    if fields.get("messages") is None:
        raise missing("messages")
    request = ChatRequest()
    options: Json = {}
    for name, value in fields.items():
        if value is None or name == "stream":
            continue
        if reader := PLAIN_FIELDS.get(name):
            setattr(request, CONTRACT_NAMES.get(name, name), reader(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        else:
            options[name] = value
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    stream = fields.get("stream")
    return ParsedChat(request, stream is not None and boolean(stream, "stream"))


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    for index, item in enumerate(messages):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        tool = request.tools.add()
        parse_tool(tool, item, f"tools[{index}]")
        if tool.HasField("opaque"):
            tool.opaque.dialect = DIALECT
        claim(tool)


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    choice = request.tool_choice
    if isinstance(value, dict):
        value = {"type": "function", **value}
    parse_tool_choice(choice, value)
    claim(choice)
    if value == "required":
        choice.provider_details_json[DIALECT] = json_text({"$word": value})


def parse_form(request: ChatRequest, value: Any, options: Json) -> None:
    if parse_response_format(request.response_format, value):
        claim(request.response_format)
    else:
        request.ClearField("response_format")
        options["response_format"] = value


def parse_effort(request: ChatRequest, value: Any, options: Json) -> None:
    request.reasoning.effort = string(value, "reasoning_effort")


CONTRACT_NAMES = {"n": "candidate_count", "random_seed": "seed"}
PLAIN_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("model", "service_tier"), string),
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), number),
    **dict.fromkeys(("max_tokens", "random_seed", "top_k"), integer),
    **dict.fromkeys(("n", "top_logprobs"), small_integer),
    **dict.fromkeys(("parallel_tool_calls", "logprobs"), boolean),
}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_form,
    "stop": parse_stop,
    "reasoning_effort": parse_effort,
}
