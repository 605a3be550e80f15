"""A client's chat completion request in the contract's terms.

Nothing a client sends is lost: what the contract does not name travels in provider_options_json["openai"].

Source: https://platform.openai.com/docs/api-reference/chat/create, and OpenRouter's additions to it.
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
    mapping,
    missing,
    number,
    parse_object,
    refuse_note,
    rest_of,
    small_integer,
    string,
)
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.server.messages import DIALECT, parse_message
from gateway_dialects.openai.server.tools import parse_response_format, parse_tool, parse_tool_choice


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool
    include_usage: bool
    """Whether a usage chunk was asked for."""


def parse_chat(body: bytes, model: str = "") -> ParsedChat:
    """model: what the path names, whatever the body says. Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    if model:
        fields["model"] = model
    return parse_fields(fields)


def parse_fields(fields: Json) -> ParsedChat:
    """The same for a body that has been decoded."""
    if fields.get("model") is None:
        raise missing("model", "Name one as provider/model, for example demo/echo.")
    if fields.get("messages") is None:
        raise missing("messages")
    request = ChatRequest()
    options: Json = {}
    for name, value in fields.items():
        if value is None or name in STREAM_FIELDS:
            continue
        if setter := PLAIN_FIELDS.get(name):
            setattr(request, CONTRACT_NAMES.get(name, name), setter(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        else:
            refuse_note(name)
            options[name] = value
    stream, include_usage = parse_stream_fields(fields, options)
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    return ParsedChat(request, stream, include_usage)


def parse_stream_fields(fields: Json, options: Json) -> tuple[bool, bool]:
    """Whether to stream, and whether to tell usage there; other stream options are carried."""
    stream = boolean(fields["stream"], "stream") if fields.get("stream") is not None else False
    if fields.get("stream_options") is None:
        return stream, False
    wanted = mapping(fields["stream_options"], "stream_options")
    if rest := rest_of(wanted, {"include_usage"}):
        options["stream_options"] = rest
    include_usage = wanted.get("include_usage")
    return stream, include_usage is not None and boolean(include_usage, "stream_options.include_usage")


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    for index, item in enumerate(messages):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        parse_tool(request.tools.add(), item, f"tools[{index}]")


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    parse_tool_choice(request.tool_choice, value)


def parse_form(request: ChatRequest, value: Any, options: Json) -> None:
    if not parse_response_format(request.response_format, value):
        request.ClearField("response_format")
        options["response_format"] = value


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    if isinstance(value, str):
        request.stop.append(value)
        options["$stop"] = "string"
    else:
        request.stop.extend(string(item, f"stop[{index}]") for index, item in enumerate(array(value, "stop")))


def parse_logit_bias(request: ChatRequest, value: Any, options: Json) -> None:
    for token, bias in mapping(value, "logit_bias").items():
        request.logit_bias[token] = number(bias, f"logit_bias.{token}")


def parse_modalities(request: ChatRequest, value: Any, options: Json) -> None:
    request.modalities.extend(string(item, f"modalities[{index}]") for index, item in enumerate(array(value, "modalities")))


def parse_effort(request: ChatRequest, value: Any, options: Json) -> None:
    effort = string(value, "reasoning_effort")
    if request.reasoning.effort and request.reasoning.effort != effort:
        raise invalid("reasoning_effort", "'reasoning_effort' and 'reasoning.effort' differ: give one of them.")
    request.reasoning.effort = effort
    if DIALECT in request.reasoning.provider_details_json:
        note_reasoning_form(request, "both", {})


def parse_reasoning(request: ChatRequest, value: Any, options: Json) -> None:
    """OpenRouter's reasoning object (https://openrouter.ai/docs, reasoning tokens)."""
    fields, reasoning = mapping(value, "reasoning"), request.reasoning
    form = "both" if reasoning.effort else "object"
    for name, item in fields.items():
        if item is None or name not in REASONING_FIELDS:
            continue
        read = REASONING_FIELDS[name](item, f"reasoning.{name}")
        if name == "effort" and reasoning.effort and reasoning.effort != read:
            raise invalid("reasoning_effort", "'reasoning_effort' and 'reasoning.effort' differ: give one of them.")
        setattr(reasoning, name, read)
    note_reasoning_form(request, form, rest_of(fields, frozenset(REASONING_FIELDS)))


def note_reasoning_form(request: ChatRequest, form: str, rest: Json) -> None:
    request.reasoning.provider_details_json[DIALECT] = json_text({"$form": form, **rest})


Reader = Callable[[Any, str], Any]

STREAM_FIELDS = frozenset({"stream", "stream_options"})
CONTRACT_NAMES = {"n": "candidate_count", "max_completion_tokens": "max_output_tokens"}
PLAIN_FIELDS: Mapping[str, Reader] = {
    "model": string,
    "parallel_tool_calls": boolean,
    "temperature": number,
    "top_p": number,
    "top_k": integer,
    "frequency_penalty": number,
    "presence_penalty": number,
    "seed": integer,
    "max_completion_tokens": integer,
    "max_tokens": integer,
    "n": small_integer,
    "logprobs": boolean,
    "top_logprobs": small_integer,
    "verbosity": string,
    "service_tier": string,
    "user": string,
}
REASONING_FIELDS: Mapping[str, Reader] = {
    "effort": string,
    "max_tokens": integer,
    "summary": string,
    "exclude": boolean,
    "enabled": boolean,
}
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_form,
    "stop": parse_stop,
    "logit_bias": parse_logit_bias,
    "modalities": parse_modalities,
    "reasoning_effort": parse_effort,
    "reasoning": parse_reasoning,
}
