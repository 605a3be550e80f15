"""The messages of a client's request in the contract's terms.

Source: https://docs.cohere.com/reference/chat and recorded requests. The note "$content" says how content was written where
that could be told in another way (see content.proto).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_IMAGE,
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
)
from gateway_dialects.cohere.server.details import DIALECT, details_of, set_details
from gateway_dialects.kit.fields import array, mapping, missing, required_string, rest_of, string, wrong_type
from gateway_dialects.kit.json import Json, json_text

ROLES = {"system": ROLE_SYSTEM, "user": ROLE_USER, "assistant": ROLE_ASSISTANT, "tool": ROLE_TOOL}
MESSAGE_FIELDS = frozenset({"role", "content"})
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"tool_plan", "tool_calls", "citations"}
SEAL_FIELDS = ("signature", "encrypted", "provider")
"""Of a thinking block of another provider, as render.py shows them."""


def parse_messages(request: ChatRequest, value: Any) -> None:
    """Raises GatewayError naming the field at fault."""
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    for index, item in enumerate(messages):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_message(message: Message, value: Any, path: str) -> None:
    fields = mapping(value, path)
    role = required_string(fields, "role", f"{path}.").lower()
    if role not in ROLES:
        known = ", ".join(ROLES)
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are {known}.")
    message.role = ROLES[role]
    if role == "assistant":
        details = parse_assistant(message, fields, path)
    else:
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        known_fields = MESSAGE_FIELDS
        parts = message.parts
        if role == "tool":
            result = message.parts.add().tool_result
            result.tool_call_id = required_string(fields, "tool_call_id", f"{path}.")
            parts, known_fields = result.parts, MESSAGE_FIELDS | {"tool_call_id"}
        details = {**parse_content(parts, fields["content"], f"{path}.content"), **rest_of(fields, known_fields)}
    set_details(message, details)


def parse_content(parts: Any, content: Any, path: str) -> Json:
    """Text, or a list of blocks, appended to parts (a repeated Part field). Gives the note of its form."""
    match content:
        case str():
            if content:
                parts.add().text = content
            return {}
        case list():
            for index, item in enumerate(content):
                parse_block(parts.add(), item, f"{path}[{index}]")
            return {"$content": "list"}
        case _:
            raise wrong_type(path, "string or array", content)


def parse_assistant(message: Message, fields: Json, path: str) -> Json:
    """Plan, content, calls; citations go to what they cite. Gives the details."""
    details = rest_of(fields, ASSISTANT_FIELDS)
    plan = fields.get("tool_plan")
    if plan is not None and string(plan, f"{path}.tool_plan"):
        message.parts.add().reasoning.text = plan
        message.parts[0].reasoning.provider = DIALECT
        set_details(message.parts[0], {"$field": "tool_plan"})
    elif plan is not None:
        details["tool_plan"] = plan
    first, content = len(message.parts), fields.get("content")
    if content is not None:
        details.update(parse_content(message.parts, content, f"{path}.content"))
        if isinstance(content, str) and (fields.get("tool_calls") or not content):
            details["$content"] = "string"
    blocks = range(first, len(message.parts))
    if (calls := fields.get("tool_calls")) is not None:
        for index, call in enumerate(array(calls, f"{path}.tool_calls")):
            parse_tool_call(message.parts.add(), call, f"{path}.tool_calls[{index}]")
    if (citations := fields.get("citations")) is not None:
        unplaced = place_citations(message, array(citations, f"{path}.citations"), blocks)
        if unplaced:
            details["citations"] = unplaced
    if not message.parts and content is None:
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")
    return details


def place_citations(message: Message, citations: list[Any], blocks: range) -> list[Any]:
    """Put each citation onto the part that it cites, for there it stays when the content is written in another way. Gives
    them all back where one cites nothing here, or goes back to an earlier part: then they are carried as they are."""
    placed: dict[int, list[Any]] = {}
    for citation in citations:
        index = cited_part(citation, message, blocks)
        if index is None or index < max(placed, default=0):
            return citations
        placed.setdefault(index, []).append(citation)
    for index, found in placed.items():
        part = message.parts[index]
        set_details(part, {**details_of(part.provider_details_json), "citations": found})
    return []


def cited_part(citation: Any, message: Message, blocks: range) -> int | None:
    if not isinstance(citation, dict):
        return None
    if citation.get("type") == "PLAN":
        return 0 if blocks.start else None
    named = citation.get("content_index")
    if type(named) is int:
        index = blocks.start + named
        return index if index in blocks and message.parts[index].WhichOneof("kind") in ("text", "reasoning") else None
    return next((index for index in blocks if message.parts[index].WhichOneof("kind") == "text"), None)


def parse_block(part: Part, value: Any, path: str) -> None:
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = BLOCK_PARSERS.get(kind)
    if parser is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
        return
    details = parser(part, fields, path)
    if len(fields) > 2:
        details.update(rest_of(fields, {"type", kind, *SEAL_FIELDS}))
    set_details(part, details)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return {}


def parse_thinking(part: Part, fields: Json, path: str) -> Json:
    part.reasoning.text = required_string(fields, "thinking", f"{path}.")
    for name in SEAL_FIELDS:
        if (value := fields.get(name)) is not None:
            setattr(part.reasoning, name, string(value, f"{path}.{name}"))
    return {}


def parse_image(part: Part, fields: Json, path: str) -> Json:
    if fields.get("image_url") is None:
        raise missing(f"{path}.image_url")
    image = mapping(fields["image_url"], f"{path}.image_url")
    part.media.kind = MEDIA_KIND_IMAGE
    # Kept as it came: decoding megabytes only to encode them again helps nobody.
    part.media.uri = uri = required_string(image, "url", f"{path}.image_url.")
    if uri.startswith("data:"):
        part.media.mime_type = uri[5:200].partition(",")[0].partition(";")[0]
    if (detail := image.get("detail")) is not None:
        part.media.detail = string(detail, f"{path}.image_url.detail")
    rest = rest_of(image, {"url", "detail"})
    return {"image_url": rest} if rest else {}


def parse_document(part: Part, fields: Json, path: str) -> Json:
    """A document that a tool found: in words for other dialects, as it is for this one."""
    if fields.get("document") is None:
        raise missing(f"{path}.document")
    document = fields["document"]
    if isinstance(document, dict):
        data = document.get("data", document)
        document = data if isinstance(data, str) else json_text(data)
    part.text = string(document, f"{path}.document")
    return {"$block": fields}


BLOCK_PARSERS: Mapping[str, Callable[[Part, Json, str], Json]] = {
    "text": parse_text,
    "thinking": parse_thinking,
    "image_url": parse_image,
    "document": parse_document,
}
"""A parser gives the fields that the contract does not name."""


def parse_tool_call(part: Part, value: Any, path: str) -> None:
    call = mapping(value, path)
    if call.get("function") is None:
        raise missing(f"{path}.function")
    function = mapping(call["function"], f"{path}.function")
    part.tool_call.id = required_string(call, "id", f"{path}.")
    part.tool_call.name = required_string(function, "name", f"{path}.function.")
    arguments = function.get("arguments")
    part.tool_call.arguments_json = "{}" if arguments is None else string(arguments, f"{path}.function.arguments")
    details = rest_of(call, {"id", "type", "function"})
    if extra := rest_of(function, {"name", "arguments"}):
        details["function"] = extra
    set_details(part, details)
