"""A client's request to create a response, in the contract's terms.

Nothing a client sends is lost: what the contract does not name is in provider_options_json["openai-responses"]; what the
gateway itself honours at any provider is in the RequestForm.

Source: https://platform.openai.com/docs/api-reference/responses/create and recorded requests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_JSON_SCHEMA, ChatRequest, ResponseFormat
from dragoman.v1.content_pb2 import ROLE_SYSTEM, ROLE_USER
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.fields import Fields, Reader, missing, required_mapping, required_string, set_fields
from gateway_dialects.kit.json import Json, json_text, unknown_fields
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.openai.words import PLAIN_FIELDS as CHAT_FIELDS
from gateway_dialects.openai.words import REASONING_FIELDS, RESPONSE_FORMATS
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.parse_items import as_written, listed, parse_items
from gateway_dialects.openai_responses.parse_tools import parse_item_tools, parse_tool_choice, parse_tools
from gateway_dialects.openai_responses.words import DIALECT, MessageForm, RequestForm, set_details, set_form

NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ParsedCreate:
    """What the client asked for, and how it wants the answer."""

    chat: ChatRequest
    stream: bool
    store: bool
    """Whether the answer is to be stored, to be read or continued later."""
    previous_response_id: str
    """The response that this one continues. Empty: none."""
    items: Sequence[Json]
    """The input of this request alone, as it is stored and listed: items in their long form, without ids."""
    echo: Json
    """The request's fields that a Response repeats."""


@dataclass(slots=True)
class Options:
    """The fields of a request that the contract does not name."""

    own: Json = field(default_factory=dict)
    """provider_options_json["openai-responses"]."""
    served: Json = field(default_factory=dict)
    """RequestForm.served."""


def previous_response_id(fields: Json) -> str:
    """Empty: the request continues none. Raises GatewayError 400."""
    value = fields.get("previous_response_id")
    return "" if value is None else read.string(value, "previous_response_id")


def references_in(items: Sequence[Json]) -> list[str]:
    """The ids of the items that the input only refers to: clients that count on stored responses send those."""
    return [item["id"] for item in items if refers(item)]


def refers(item: Json) -> bool:
    kind = item.get("type")
    is_bare = kind is None and "role" not in item
    return (kind == "item_reference" or is_bare) and isinstance(item.get("id"), str)


def parse_create(fields: Json, *, earlier: Sequence[Json] = (), known: Mapping[str, Json] = NOTHING) -> ParsedCreate:
    """fields: the request body (kit.fields.parse_object). earlier: the input and output items of the responses that this one
    continues, oldest first; where there are none, the provider is to know previous_response_id. known: items by id, for
    references. Raises GatewayError naming the field at fault."""
    read.require(fields, ("model",))
    request, options, given = ChatRequest(), Options(), fields.get("input")
    previous = previous_response_id(fields)
    parse_instructions(request, fields.get("instructions"))
    items = listed(given)
    holders = parse_items(request.messages, earlier, "previous_response_id")
    written = [known.get(item["id"], item) if refers(item) else item for item in as_written(given)]
    holders += parse_items(request.messages, written, before=len(earlier))
    if given is None and not any(fields.get(name) for name in words.REFERENCE_FIELDS):
        raise missing("input")
    if not request.messages:
        if given is not None:
            raise invalid("input", "'input' is empty: send at least one item.", "empty_array")
        request.messages.add().role = ROLE_USER
    if previous and not earlier:
        options.own["previous_response_id"] = previous
    for name, value in fields.items():
        if value is not None and name not in READ_APART:
            parse_field(request, name, value, options)
    for holder in holders:
        parse_item_tools(request, holder)
    request.provider_options_json[DIALECT] = json_text(options.own)
    words.set_request_form(
        request,
        RequestForm(
            text_input=isinstance(given, str),
            no_input=given is None,
            empty_instructions=fields.get("instructions") == "",
            served=options.served,
        ),
    )
    return ParsedCreate(
        request, read.flag(fields, "stream"), read.flag(fields, "store", True), previous, items, echo_of(fields)
    )


def parse_field(request: ChatRequest, name: str, value: Any, options: Options) -> None:
    if setter := PLAIN_FIELDS.get(name):
        setattr(request, name, setter(value, name))
    elif parser := FIELD_PARSERS.get(name):
        parser(request, value, options)
    elif name in SERVED:
        options.served[name] = value
    else:
        options.own[name] = value


def parse_instructions(request: ChatRequest, value: Any) -> None:
    """The first message: instructions are not carried from one response to the next."""
    if value is None or not (text := read.string(value, "instructions")):
        return
    message = request.messages.add()
    message.role = ROLE_SYSTEM
    message.parts.add().text = text
    set_form(message, MessageForm(instructions=True))


def parse_reasoning(request: ChatRequest, value: Any, options: Options) -> None:
    fields, reasoning = read.mapping(value, "reasoning"), request.reasoning
    reasoning.SetInParent()
    set_fields(reasoning, fields, REASONING_FIELDS, "reasoning.")
    set_details(reasoning, unknown_fields(fields, REASONING_FIELDS.keys()))


def parse_include(request: ChatRequest, value: Any, options: Options) -> None:
    """Encrypted reasoning comes in every answer of ours, and log-probabilities are the contract's."""
    for wanted in read.texts(value, "include"):
        target = options.served if wanted in (words.ENCRYPTED, words.LOGPROBS) else options.own
        target.setdefault("include", []).append(wanted)
        if wanted == words.LOGPROBS:
            request.logprobs = True


def parse_truncation(request: ChatRequest, value: Any, options: Options) -> None:
    """To cut nothing is what every provider does."""
    target = options.served if value == "disabled" else options.own
    target["truncation"] = read.string(value, "truncation")


def parse_background(request: ChatRequest, value: Any, options: Options) -> None:
    """To answer while the client waits is what every provider does."""
    target = options.own if read.boolean(value, "background") else options.served
    target["background"] = value


def parse_stop(request: ChatRequest, value: Any, options: Options) -> None:
    request.stop.extend([value] if isinstance(value, str) else read.texts(value, "stop"))


def parse_metadata(request: ChatRequest, value: Any, options: Options) -> None:
    for name, item in read.mapping(value, "metadata").items():
        read.string(item, f"metadata.{name}")
    options.served["metadata"] = value


def echo_of(fields: Json) -> Json:
    return {name: fields[name] for name in words.ECHOED if fields.get(name) is not None}


def parse_text(request: ChatRequest, value: Any, options: Options) -> None:
    fields = read.mapping(value, "text")
    set_fields(request, fields, {"verbosity": ("verbosity", read.string)}, "text.")
    rest = unknown_fields(fields, {"format", "verbosity"})
    if (form := fields.get("format")) is not None and not parse_format(request.response_format, form):
        request.ClearField("response_format")
        rest["format"] = form
    if rest:
        options.own["text"] = rest


def parse_format(form: ResponseFormat, value: Any) -> bool:
    """False: a type that the contract does not name, to be carried as it is."""
    fields = read.mapping(value, "text.format")
    kind = required_string(fields, "type", "text.format.")
    if kind not in RESPONSE_FORMATS:
        return False
    form.type = RESPONSE_FORMATS[kind]
    if form.type == RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        form.name = required_string(fields, "name", "text.format.")
        form.schema_json = json_text(required_mapping(fields, "schema", "text.format."))
        set_fields(form, fields, FORMAT_FIELDS, "text.format.")
    set_details(form, unknown_fields(fields, {"type", "name", "schema", *FORMAT_FIELDS}))
    return True


FORMAT_FIELDS: Fields = {"description": ("description", read.string), "strict": ("strict", read.boolean)}

READ_APART = frozenset({"input", "instructions", "stream", "previous_response_id"})
SERVED = frozenset({"store", "stream_options"})
"""What the gateway honours itself at any provider."""
PLAIN_FIELDS: Mapping[str, Reader] = {
    **{name: reader for name, reader in CHAT_FIELDS.items() if name not in ("logprobs", "verbosity")},
    **dict.fromkeys(("model", "user"), read.string),
    "max_output_tokens": read.integer,
}
"""Fields with the same name in the contract, also those of other providers that are asked through this API."""
FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Options], None]] = {
    "tools": lambda request, value, options: parse_tools(request, value, "tools"),
    "tool_choice": lambda request, value, options: parse_tool_choice(request.tool_choice, value),
    "text": parse_text,
    "reasoning": parse_reasoning,
    "include": parse_include,
    "truncation": parse_truncation,
    "background": parse_background,
    "metadata": parse_metadata,
    "stop": parse_stop,
    **ROUTING_PARSERS,
}
