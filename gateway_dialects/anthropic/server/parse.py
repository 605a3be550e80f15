"""A client's Messages request in the contract's terms.

Nothing a client sends is lost: what the contract does not name travels in provider_options_json["anthropic"].

Source: https://platform.claude.com/docs/en/api/messages and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.anthropic.server.details import DIALECT
from gateway_dialects.anthropic.server.messages import parse_messages, parse_system
from gateway_dialects.anthropic.server.tools import (
    parse_format,
    parse_output_config,
    parse_thinking,
    parse_tool,
    parse_tool_choice,
)
from gateway_dialects.kit.fields import array, boolean, integer, mapping, missing, number, parse_object, rest_of, string
from gateway_dialects.kit.json import Json, json_text


@dataclass(frozen=True, slots=True)
class ParsedMessages:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes, anthropic_beta: str = "") -> ParsedMessages:
    """The request of POST /v1/messages. anthropic_beta: the header of that name. Raises GatewayError naming the field at
    fault."""
    fields = parse_object(body)
    request = parse_fields(fields, ("model", "max_tokens", "messages"), anthropic_beta)
    stream = fields.get("stream")
    return ParsedMessages(request, stream is not None and boolean(stream, "stream"))


def parse_count(body: bytes, anthropic_beta: str = "") -> ChatRequest:
    """The request of POST /v1/messages/count_tokens: a conversation that is not to be answered. Raises like parse_chat."""
    return parse_fields(parse_object(body), ("model", "messages"), anthropic_beta)


def parse_fields(fields: Json, required: tuple[str, ...], anthropic_beta: str) -> ChatRequest:
    for name in required:
        if fields.get(name) is None:
            raise missing(name, ADVICE.get(name, ""))
    try:
        return fill(ChatRequest(), fields, anthropic_beta)
    except RecursionError:
        # What was just shallow enough to be read is too deep to be written here.
        raise invalid("", "The request body is nested too deeply.", "invalid_json") from None


def fill(request: ChatRequest, fields: Json, anthropic_beta: str) -> ChatRequest:
    options: Json = {}
    if fields.get("system") is not None:
        parse_system(request, fields["system"])
    for name, value in fields.items():
        if value is None or name in ("stream", "system"):
            continue
        if setter := PLAIN_FIELDS.get(name):
            setattr(request, name, setter(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        else:
            options[name] = value
    if betas := [name.strip() for name in anthropic_beta.split(",") if name.strip()]:
        options["anthropic_beta"] = betas
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    return request


def parse_turns(request: ChatRequest, value: Any, options: Json) -> None:
    parse_messages(request, value)


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools.{index}")


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    parse_tool_choice(request, value)


def parse_reasoning(request: ChatRequest, value: Any, options: Json) -> None:
    parse_thinking(request.reasoning, value)


def parse_output(request: ChatRequest, value: Any, options: Json) -> None:
    if rest := parse_output_config(request, value):
        options["output_config"] = rest


def parse_old_format(request: ChatRequest, value: Any, options: Json) -> None:
    """The name that output_config.format had while it was in beta."""
    if not parse_format(request.response_format, value, "output_format"):
        request.ClearField("response_format")
        options["output_format"] = value


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    request.stop.extend(string(item, f"stop_sequences.{index}") for index, item in enumerate(array(value, "stop_sequences")))


def parse_metadata(request: ChatRequest, value: Any, options: Json) -> None:
    fields = mapping(value, "metadata")
    if (user := fields.get("user_id")) is not None:
        request.user = string(user, "metadata.user_id")
    if rest := rest_of(fields, {"user_id"}):
        options["metadata"] = rest


def parse_service_tier(request: ChatRequest, value: Any, options: Json) -> None:
    tier = string(value, "service_tier")
    request.service_tier = "default" if tier == "standard_only" else tier


ADVICE = {"model": "Name one as provider/model, for example demo/echo."}
PLAIN_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "model": string,
    "max_tokens": integer,
    "temperature": number,
    "top_p": number,
    "top_k": integer,
}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_turns,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "thinking": parse_reasoning,
    "output_config": parse_output,
    "output_format": parse_old_format,
    "stop_sequences": parse_stop,
    "metadata": parse_metadata,
    "service_tier": parse_service_tier,
}
