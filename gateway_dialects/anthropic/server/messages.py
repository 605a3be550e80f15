"""The messages of a client's request in the contract's terms.

Source: https://platform.claude.com/docs/en/api/messages and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
)
from gateway_dialects.anthropic.server.details import DIALECT, set_details
from gateway_dialects.anthropic.server.seals import restore
from gateway_dialects.kit.fields import array, boolean, mapping, missing, required_string, rest_of, string, wrong_type
from gateway_dialects.kit.json import Json, json_text

ROLES = {"user": ROLE_USER, "assistant": ROLE_ASSISTANT, "system": ROLE_SYSTEM}
MESSAGE_FIELDS = frozenset({"role", "content"})


def parse_system(request: ChatRequest, value: Any) -> None:
    """A string, or a list of text blocks: one system message before all others."""
    if value in ("", []):
        return
    message = request.messages.add(role=ROLE_SYSTEM)
    if isinstance(value, str):
        message.parts.add().text = value
        set_details(message, {"$content": "string"})
        return
    if not isinstance(value, list):
        raise wrong_type("system", "string or array", value)
    for index, item in enumerate(value):
        path = f"system.{index}"
        if mapping(item, path).get("type") != "text":
            raise invalid(f"{path}.type", f"'{path}.type' must be text.")
        parse_block(message.parts.add(), item, path)


def parse_messages(request: ChatRequest, value: Any) -> None:
    """Raises GatewayError naming the field at fault."""
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    before = ""
    for index, item in enumerate(messages):
        path = f"messages.{index}"
        fields = mapping(item, path)
        role = required_string(fields, "role", f"{path}.")
        if role not in ROLES:
            known = ", ".join(ROLES)
            raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are {known}.")
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        notes: Json = {"$turn": "new"} if role == before else {}
        if role == "system":
            notes["$role"] = "system"
        first = parse_message(request, role, fields["content"], f"{path}.content", notes)
        set_details(first, {**notes, **(rest_of(fields, MESSAGE_FIELDS) if len(fields) > 2 else {})})
        before = role


def parse_message(request: ChatRequest, role: str, content: Any, path: str, notes: Json) -> Message:
    """Adds the contract's messages for one of the client's, and gives the first of them. Tool results, which stand in the
    user's message here, have messages of their own there."""
    position = len(request.messages)
    if isinstance(content, str):
        message = request.messages.add(role=ROLES[role])
        if content:
            message.parts.add().text = content
        return message
    if not isinstance(content, list):
        raise wrong_type(path, "string or array", content)
    if len(content) == 1 and isinstance(content[0], dict) and content[0].keys() == {"type", "text"}:
        notes["$content"] = "list"
    others: list[tuple[str, Any]] = []
    for index, item in enumerate(content):
        where = f"{path}.{index}"
        if mapping(item, where).get("type") != "tool_result":
            others.append((where, item))
            continue
        if role != "user":
            raise invalid(f"{where}.type", f"'{where}.type': a tool_result belongs in a message of the role user.")
        # Results stand first: every dialect wants them right after the calls that they answer.
        parse_tool_result(request.messages.add(role=ROLE_TOOL).parts.add(), item, where)
    if others or not content:
        message = request.messages.add(role=ROLES[role])
        for where, item in others:
            parse_block(message.parts.add(), item, where)
    return request.messages[position]


def parse_block(part: Part, value: Any, path: str) -> None:
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = BLOCK_PARSERS.get(kind)
    details = parser(part, fields, path) if parser else None
    if details is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    elif details:
        set_details(part, details)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return rest_of(fields, {"type", "text"}) if len(fields) > 2 else {}


def parse_image(part: Part, fields: Json, path: str) -> Json | None:
    part.media.kind = MEDIA_KIND_IMAGE
    if not parse_source(part, fields, path):
        return None
    return rest_of(fields, {"type", "source"})


def parse_document(part: Part, fields: Json, path: str) -> Json | None:
    part.media.kind = MEDIA_KIND_FILE
    if not parse_source(part, fields, path):
        return None
    if (title := fields.get("title")) is not None:
        part.media.filename = string(title, f"{path}.title")
    return rest_of(fields, {"type", "source", "title"})


def parse_source(part: Part, fields: Json, path: str) -> bool:
    """False: a source that the contract has no words for; the block is carried as it is."""
    if fields.get("source") is None:
        raise missing(f"{path}.source")
    where = f"{path}.source"
    source = mapping(fields["source"], where)
    kind = required_string(source, "type", f"{where}.")
    if not SOURCE_FIELDS.get(kind, frozenset()).issuperset(source):
        return False
    match kind:
        case "base64":
            # Kept as base64: decoding megabytes only to encode them again helps nobody.
            part.media.mime_type = required_string(source, "media_type", f"{where}.")
            part.media.uri = f"data:{part.media.mime_type};base64,{required_string(source, 'data', f'{where}.')}"
        case "url":
            part.media.uri = required_string(source, "url", f"{where}.")
        case "file":
            part.media.file_id = required_string(source, "file_id", f"{where}.")
        case "text" if part.media.kind == MEDIA_KIND_FILE:
            part.media.data = required_string(source, "data", f"{where}.").encode()
            part.media.mime_type = required_string(source, "media_type", f"{where}.")
        case _:
            return False
    return True


SOURCE_FIELDS: Mapping[str, frozenset[str]] = {
    "base64": frozenset({"type", "media_type", "data"}),
    "url": frozenset({"type", "url"}),
    "file": frozenset({"type", "file_id"}),
    "text": frozenset({"type", "media_type", "data"}),
}


def parse_tool_use(part: Part, fields: Json, path: str) -> Json:
    part.tool_call.id = required_string(fields, "id", f"{path}.")
    part.tool_call.name = required_string(fields, "name", f"{path}.")
    given = fields.get("input")
    part.tool_call.arguments_json = "{}" if given is None else json_text(mapping(given, f"{path}.input"))
    return rest_of(fields, {"type", "id", "name", "input"}) if len(fields) > 4 else {}


def parse_thinking(part: Part, fields: Json, path: str) -> Json:
    part.reasoning.text = required_string(fields, "thinking", f"{path}.")
    signature = fields.get("signature")
    restore(part, "" if signature is None else string(signature, f"{path}.signature"))
    return rest_of(fields, {"type", "thinking", "signature"})


def parse_redacted(part: Part, fields: Json, path: str) -> Json:
    part.reasoning.encrypted = required_string(fields, "data", f"{path}.")
    part.reasoning.provider = DIALECT
    return rest_of(fields, {"type", "data"})


def parse_foreign(part: Part, fields: Json, path: str) -> Json | None:
    """What another dialect's answer held, as render.py shows it."""
    dialect, content = fields.get("dialect"), fields.get("content")
    if not isinstance(dialect, str) or not isinstance(content, dict):
        return None
    part.opaque.dialect, part.opaque.json = dialect, json_text(content)
    return {}


BLOCK_PARSERS: Mapping[str, Callable[[Part, Json, str], Json | None]] = {
    "text": parse_text,
    "image": parse_image,
    "document": parse_document,
    "tool_use": parse_tool_use,
    "thinking": parse_thinking,
    "redacted_thinking": parse_redacted,
    "opaque": parse_foreign,
}
"""A parser gives the fields that the contract does not name, or None: the block is carried as it is."""


def parse_tool_result(part: Part, value: Json, path: str) -> None:
    result, notes = part.tool_result, Json()
    result.tool_call_id = required_string(value, "tool_use_id", f"{path}.")
    if (is_error := value.get("is_error")) is not None:
        result.is_error = boolean(is_error, f"{path}.is_error")
    match value.get("content"):
        case None:
            pass
        case str(text):
            if text:
                result.parts.add().text = text
        case list(items):
            for index, item in enumerate(items):
                parse_block(result.parts.add(), item, f"{path}.content.{index}")
            if len(items) == 1:
                notes["$content"] = "list"
        case other:
            raise wrong_type(f"{path}.content", "string or array", other)
    set_details(part, {**notes, **rest_of(value, {"type", "tool_use_id", "is_error", "content"})})
