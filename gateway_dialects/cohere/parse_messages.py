"""The messages of a client's request. Source: https://docs.cohere.com/reference/chat and recorded requests."""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Message, Part
from gateway_dialects.cohere.words import (
    DIALECT,
    PLAN_FORM,
    ROLES,
    SIGNED_DETAILS,
    SIGNED_FIELDS,
    MessageForm,
    PartForm,
    place_citations,
)
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.fields import messages_of, missing, required_mapping, required_string, set_fields
from gateway_dialects.kit.json import Json, json_text, set_details, set_form, unknown_fields

MESSAGE_FIELDS = frozenset({"role", "content"})
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"tool_plan", "tool_calls", "citations"}
CARRIED_FIELDS = (*SIGNED_FIELDS, SIGNED_DETAILS)
SIGNED = {name: (name, read.boolean if name == "summary" else read.string) for name in SIGNED_FIELDS}
LIST_FORM, STRING_FORM = MessageForm(content="list"), MessageForm(content="string")


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(messages_of(value)):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_message(message: Message, value: Any, path: str) -> None:
    fields = read.mapping(value, path)
    role = required_string(fields, "role", f"{path}.").lower()
    message.role = read.one_of(role, ROLES, f"{path}.role")
    if role == "assistant":
        parse_assistant(message, fields, path)
        return
    if fields.get("content") is None:
        raise missing(f"{path}.content")
    parts, known_fields = message.parts, MESSAGE_FIELDS
    if role == "tool":
        result = message.parts.add().tool_result
        result.tool_call_id = required_string(fields, "tool_call_id", f"{path}.")
        parts, known_fields = result.parts, MESSAGE_FIELDS | {"tool_call_id"}
    read.text_or_list(parts, fields["content"], f"{path}.content", parse_block)
    if isinstance(fields["content"], list):
        set_form(message, DIALECT, LIST_FORM)
    set_details(message, unknown_fields(fields, known_fields), DIALECT)


def parse_assistant(message: Message, fields: Json, path: str) -> None:
    """Plan, content, calls; citations go to what they cite."""
    details, parts = unknown_fields(fields, ASSISTANT_FIELDS), message.parts
    plan = fields.get("tool_plan")
    if plan is not None and read.string(plan, f"{path}.tool_plan"):
        part = parts.add()
        part.reasoning.text, part.reasoning.provider = plan, DIALECT
        set_form(part, DIALECT, PLAN_FORM)
    elif plan is not None:
        details["tool_plan"] = plan
    first, content, calls = len(parts), fields.get("content"), fields.get("tool_calls")
    if content is not None:
        read.text_or_list(parts, content, f"{path}.content", parse_block)
        if isinstance(content, list):
            set_form(message, DIALECT, LIST_FORM)
        elif calls or not content:
            set_form(message, DIALECT, STRING_FORM)
    blocks = range(first, len(parts))
    if calls is not None:
        for index, call in enumerate(read.array(calls, f"{path}.tool_calls")):
            parse_tool_call(parts.add(), call, f"{path}.tool_calls[{index}]")
    citations = read.array(fields.get("citations") or [], f"{path}.citations")
    if unplaced := place_citations(parts, blocks, citations):
        details["citations"] = unplaced
    if not parts and content is None:
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")
    set_details(message, details, DIALECT)


def parse_block(part: Part, value: Any, path: str) -> None:
    fields = read.mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = BLOCK_PARSERS.get(kind)
    if parser is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
        return
    details = parser(part, fields, path)
    if len(fields) > 2:
        details.update(unknown_fields(fields, {"type", kind, *(CARRIED_FIELDS if kind == "thinking" else ())}))
    set_details(part, details, DIALECT)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return {}


def parse_thinking(part: Part, fields: Json, path: str) -> Json:
    part.reasoning.text = required_string(fields, "thinking", f"{path}.")
    set_fields(part.reasoning, fields, SIGNED, f"{path}.")
    place = f"{path}.{SIGNED_DETAILS}"
    for dialect, text in read.mapping(fields.get(SIGNED_DETAILS) or {}, place).items():
        part.provider_details_json[dialect] = read.string(text, f"{place}.{dialect}")
    return {}


def parse_image(part: Part, fields: Json, path: str) -> Json:
    image = required_mapping(fields, "image_url", f"{path}.")
    part.media.kind = MEDIA_KIND_IMAGE
    # Unchanged: decoding megabytes only to encode them again helps nobody.
    part.media.uri = uri = required_string(image, "url", f"{path}.image_url.")
    if uri.startswith("data:"):
        part.media.mime_type = uri[5:200].partition(",")[0].partition(";")[0]
    set_fields(part.media, image, {"detail": ("detail", read.string)}, f"{path}.image_url.")
    rest = unknown_fields(image, {"url", "detail"})
    return {"image_url": rest} if rest else {}


def parse_document(part: Part, fields: Json, path: str) -> Json:
    """A document that a tool found. It becomes text: other dialects have none, and to this one's models it is the same."""
    document = fields.get("document")
    if document is None:
        raise missing(f"{path}.document")
    if isinstance(document, dict):
        data = document.get("data", document)
        document = data if isinstance(data, str) else json_text(data)
    part.text = read.string(document, f"{path}.document")
    set_form(part, DIALECT, PartForm(block=fields))
    return {}


BLOCK_PARSERS: Mapping[str, Callable[[Part, Json, str], Json]] = {
    "text": parse_text,
    "thinking": parse_thinking,
    "image_url": parse_image,
    "document": parse_document,
}
"""A parser returns fields of the block's inner objects that the contract does not name."""


def parse_tool_call(part: Part, value: Any, path: str) -> None:
    call = read.mapping(value, path)
    function = required_mapping(call, "function", f"{path}.")
    part.tool_call.id = required_string(call, "id", f"{path}.")
    part.tool_call.name = required_string(function, "name", f"{path}.function.")
    arguments = function.get("arguments")
    part.tool_call.arguments_json = "{}" if arguments is None else read.string(arguments, f"{path}.function.arguments")
    details = unknown_fields(call, {"id", "type", "function"})
    if extra := unknown_fields(function, {"name", "arguments"}):
        details["function"] = extra
    set_details(part, details, DIALECT)
