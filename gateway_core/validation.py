"""Validation of chat requests, for gRPC callers: the served APIs check their own JSON first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from google.protobuf.message import Message

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.chat_pb2 import ChatRequest, Tool
from dragoman.v1.content_pb2 import ROLE_UNSPECIFIED
from gateway_core.settings.server import RequestLimits
from gateway_dialects.kit.schema_texts import fault_in

LONGEST_MODEL_NAME = 512
MOST_FALLBACKS = 15
DEFAULT_LIMITS = RequestLimits()
_is_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_is_json = msgspec.json.Decoder(msgspec.Raw).decode
TEXT_DECODERS: Mapping[str, Callable[[str], object]] = {
    "parameters_json": _is_json,
    "schema_json": _is_json,
    "format_json": _is_object,
    "json": _is_object,
}
"""Fields that hold JSON. Not arguments_json: a model may have written malformed JSON, which is carried as it is."""


def check_chat(request: ChatRequest, limits: RequestLimits = DEFAULT_LIMITS) -> None:
    """Raises GatewayError INVALID_REQUEST naming the field."""
    model, messages = request.model, request.messages
    if not model:
        raise invalid("model", "model is missing: name a model as provider/model, for example demo/echo")
    if len(model) > LONGEST_MODEL_NAME:
        raise invalid("model", f"model is longer than {LONGEST_MODEL_NAME} characters")
    if request.fallback_models:
        check_fallbacks(request.fallback_models)
    if not messages:
        raise invalid("messages", "messages is empty: send at least one message")
    if len(messages) > limits.messages:
        raise too_many("messages", len(messages), limits.messages)
    if len(request.tools) > limits.tools:
        raise too_many("tools", len(request.tools), limits.tools)
    for index, message in enumerate(messages):
        if message.role == ROLE_UNSPECIFIED:
            raise invalid(f"messages[{index}].role", f"messages[{index}].role is not set: use ROLE_USER, for example")
    if request.tools:
        check_tool_names(request.tools)
        if request.HasField("tool_choice"):
            check_tool_choice(request)
    check_references(request)
    check_bounds(request, limits.candidates)


def check_references(request: ChatRequest) -> None:
    """A reference of a JSON Schema that leads nowhere, or in a circle, is a fault that providers tell late and badly."""
    texts = {
        f"tools[{index}].function.parameters": tool.function.parameters_json for index, tool in enumerate(request.tools)
    }
    texts["response_format.json_schema.schema"] = request.response_format.schema_json
    for place, text in texts.items():
        if (fault := fault_in(text)) is not None:
            raise invalid(f"{place}{fault[0]}", f"{place}{fault[0]} {fault[1]}")


def check_fallbacks(names: Sequence[str]) -> None:
    if len(names) > MOST_FALLBACKS:
        raise invalid("models", f"{len(names)} models to fall back on are named; {MOST_FALLBACKS} are the most")
    if not all(0 < len(name) <= LONGEST_MODEL_NAME for name in names):
        raise invalid("models", f"a model to fall back on has no name, or one longer than {LONGEST_MODEL_NAME} characters")


def check_tool_names(tools: Iterable[Tool]) -> None:
    """A call names its tool, so that no two of one group may have one name."""
    places: dict[tuple[str, str], int] = {}
    for index, tool in enumerate(tools):
        name = tool.custom.name if tool.HasField("custom") else tool.function.name
        if name and (first := places.setdefault((tool.namespace.name, name), index)) != index:
            raise invalid(f"tools[{index}]", f"tools[{index}] has the name of tools[{first}], {name!r}: each needs its own")


def check_tool_choice(request: ChatRequest) -> None:
    """What it names must be there. Tools of one dialect alone may have names inside, which only their provider knows."""
    choice = request.tool_choice
    named = [choice.tool_name, *choice.allowed_tool_names] if choice.tool_name else choice.allowed_tool_names
    if not named or any(tool.HasField("opaque") for tool in request.tools):
        return
    there = {tool.custom.name if tool.HasField("custom") else tool.function.name for tool in request.tools}
    if missing := next((name for name in named if name not in there), ""):
        raise invalid("tool_choice", f"tool_choice names {missing!r}, which is not among the tools")


def too_many(field: str, count: int, most: int) -> GatewayError:
    return invalid(field, f"{field} has {count} entries; this gateway takes {most} ([limits] {field})")


def check_bounds(request: ChatRequest, most_candidates: int) -> None:
    """Numbers that no provider takes, and what the operator bounds. Everything else is left to the provider."""
    count = request.candidate_count
    if not 1 <= count <= most_candidates and (count or request.HasField("candidate_count")):
        raise invalid("n", f"candidate_count (n) must be 1 to {most_candidates}, not {count}")
    # 0 asks Anthropic to fill its prompt cache and to answer nothing.
    if request.max_output_tokens < 0:
        raise invalid("max_completion_tokens", f"max_output_tokens must not be negative: {request.max_output_tokens}")
    if request.max_tokens < 0:
        raise invalid("max_tokens", f"max_tokens must not be negative: {request.max_tokens}")


def malformed_field(request: ChatRequest) -> str:
    """The first field whose JSON is malformed: messages[0].provider_details_json.openai. Empty: none is. Used once a dialect
    has rejected the request."""
    return next(_malformed_fields(request, ""), "")


def _malformed_fields(message: Message, place: str) -> Iterator[str]:
    for descriptor, value in message.ListFields():
        name = place + descriptor.name
        match value:
            case str() if decode := TEXT_DECODERS.get(descriptor.name):
                if not _decodes(decode, value):
                    yield name
            case Message():
                yield from _malformed_fields(value, f"{name}.")
            case Mapping() if descriptor.name.endswith("_json"):
                yield from (f"{name}.{key}" for key, text in value.items() if not _decodes(_is_object, text))
            case _ if descriptor.message_type is not None and not isinstance(value, Mapping):
                for index, one in enumerate(value):
                    yield from _malformed_fields(one, f"{name}[{index}].")


def _decodes(decode: Callable[[str], object], text: str) -> bool:
    try:
        decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
