"""Messages of clients' requests.

Source: https://platform.claude.com/docs/en/api/messages and recorded requests.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, ROLE_SYSTEM, ROLE_TOOL, Citation, Media, Message, Part
from gateway_dialects.anthropic.decode_response import decode_citation
from gateway_dialects.anthropic.words import DIALECT, ROLES, MessageForm
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.carried_state import (
    CarriedState,
    is_packed,
    restore_call,
    restore_citation,
    restore_reasoning,
    unpack,
)
from gateway_dialects.kit.fields import messages_of, missing, required_mapping, required_string, set_fields, wrong_type
from gateway_dialects.kit.json import Json, json_text, set_details, set_form, text_of, unknown_fields

MESSAGE_FIELDS = frozenset({"role", "content"})


def parse_system(request: ChatRequest, value: Any, options: Json) -> None:
    """A string, or a list of text blocks: one system message before all others."""
    if value in ("", []):
        return
    message = request.messages.add(role=ROLE_SYSTEM)
    if isinstance(value, str):
        message.parts.add().text = value
        return
    if not isinstance(value, list):
        raise wrong_type("system", "string or array", value)
    for index, item in enumerate(value):
        path = f"system.{index}"
        if read.mapping(item, path).get("type") != "text":
            raise invalid(f"{path}.type", f"'{path}.type' must be text.")
        parse_block(message.parts.add(), item, path)


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    """Raises GatewayError naming the field at fault."""
    before = ""
    for index, item in enumerate(messages_of(value)):
        path = f"messages.{index}"
        fields = read.mapping(item, path)
        role = required_string(fields, "role", f"{path}.")
        read.one_of(role, ROLES, f"{path}.role")
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        first = parse_message(request, role, fields["content"], f"{path}.content")
        if role in (before, "system"):
            set_form(first, DIALECT, MessageForm(new_turn=role == before, in_place=role == "system"))
        if len(fields) > 2:
            set_details(first, unknown_fields(fields, MESSAGE_FIELDS), DIALECT)
        before = role


def parse_message(request: ChatRequest, role: str, content: Any, path: str) -> Message:
    """Adds the contract's messages for one of the client's, and returns the first of them. Tool results, which are in the
    user's message here, have messages of their own there."""
    position = len(request.messages)
    if isinstance(content, str):
        message = request.messages.add(role=ROLES[role])
        if content:
            message.parts.add().text = content
        return message
    if not isinstance(content, list):
        raise wrong_type(path, "string or array", content)
    others: list[tuple[str, Any]] = []
    for index, item in enumerate(content):
        where = f"{path}.{index}"
        if read.mapping(item, where).get("type") != "tool_result":
            others.append((where, item))
            continue
        if role != "user":
            raise invalid(f"{where}.type", f"'{where}.type': a tool_result belongs in a message of the role user.")
        # Results come first: every dialect wants them right after the calls that they answer.
        parse_tool_result(request.messages.add(role=ROLE_TOOL).parts.add(), item, where)
    if others or not content:
        parse_blocks(request.messages.add(role=ROLES[role]), others)
    return request.messages[position]


def parse_blocks(message: Message, items: list[tuple[str, Any]]) -> None:
    """items: each with its path."""
    states: dict[str, CarriedState] = {}
    for path, item in items:
        if (state := call_state_in(item)) is not None:
            states[state.tool_call_id] = state
        else:
            parse_block(message.parts.add(), item, path)
    for part in message.parts if states else ():
        if state := states.get(part.tool_call.id):
            restore_call(part, state)


def call_state_in(block: Json) -> CarriedState | None:
    """The state of a tool call that another provider signed: see render_response.carried_signature."""
    if block.get("type") != "thinking" or not is_packed(signature := text_of(block.get("signature"))):
        return None
    state = unpack(signature)
    return state if state is not None and state.tool_call_id else None


def parse_block(part: Part, value: Any, path: str) -> None:
    fields = read.mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = BLOCK_PARSERS.get(kind)
    rest = parser(part, fields, path) if parser else None
    if rest is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    elif rest:
        take_cache_hint(part, rest)
        set_details(part, rest, DIALECT)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    if len(fields) == 2:
        return {}
    rest = unknown_fields(fields, {"type", "text"})
    citations = rest.get("citations")
    if citations and isinstance(citations, list) and all(isinstance(item, dict) for item in citations):
        part.citations.extend(parse_citation(item) for item in rest.pop("citations"))
    return rest


def parse_citation(fields: Json) -> Citation:
    """Anthropic's own citation, or another provider's, as render_response.render_citation shows it."""
    citation = decode_citation(fields)
    if is_packed(packed := text_of(fields.get("encrypted_index"))):
        restore_citation(citation, unpack(packed) or CarriedState())
    return citation


def parse_image(part: Part, fields: Json, path: str) -> Json | None:
    part.media.kind = MEDIA_KIND_IMAGE
    return unknown_fields(fields, {"type", "source"}) if parse_source(part.media, fields, path) else None


def parse_document(part: Part, fields: Json, path: str) -> Json | None:
    part.media.kind = MEDIA_KIND_FILE
    if not parse_source(part.media, fields, path):
        return None
    set_fields(part.media, fields, {"title": ("filename", read.string)}, f"{path}.")
    return unknown_fields(fields, {"type", "source", "title"})


def parse_source(media: Media, fields: Json, path: str) -> bool:
    """False: a source that the contract cannot express; the block is carried as it is."""
    source, where = required_mapping(fields, "source", f"{path}."), f"{path}.source."
    kind = required_string(source, "type", where)
    known = SOURCE_FIELDS.get(kind)
    if known is None or not source.keys() <= {"type", *known} or (kind == "text" and media.kind != MEDIA_KIND_FILE):
        return False
    values = [required_string(source, name, where) for name in known]
    match kind:
        case "base64":
            # Stored as base64: decoding megabytes only to encode them again helps nobody.
            media.mime_type, media.uri = values[0], f"data:{values[0]};base64,{values[1]}"
        case "text":
            media.mime_type, media.data = values[0], values[1].encode()
        case "url":
            media.uri = values[0]
        case "file":
            media.file_id = values[0]
    return True


SOURCE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "base64": ("media_type", "data"),
    "url": ("url",),
    "file": ("file_id",),
    "text": ("media_type", "data"),
}


def parse_tool_use(part: Part, fields: Json, path: str) -> Json:
    part.tool_call.id = required_string(fields, "id", f"{path}.")
    part.tool_call.name = required_string(fields, "name", f"{path}.")
    given = fields.get("input")
    part.tool_call.arguments_json = "{}" if given is None else json_text(read.mapping(given, f"{path}.input"))
    return unknown_fields(fields, {"type", "id", "name", "input"}) if len(fields) > 4 else {}


def parse_thinking(part: Part, fields: Json, path: str) -> Json:
    """What this gateway cannot have packed into the signature is unsigned reasoning."""
    part.reasoning.text = required_string(fields, "thinking", f"{path}.")
    given = fields.get("signature")
    signature = "" if given is None else read.string(given, f"{path}.signature")
    if is_packed(signature):
        if (state := unpack(signature)) is not None:
            restore_reasoning(part, state)
    elif signature:
        part.reasoning.signature, part.reasoning.provider = signature, DIALECT
    return unknown_fields(fields, {"type", "thinking", "signature"})


def parse_redacted(part: Part, fields: Json, path: str) -> Json:
    part.reasoning.encrypted = required_string(fields, "data", f"{path}.")
    part.reasoning.provider = DIALECT
    return unknown_fields(fields, {"type", "data"})


def parse_foreign(part: Part, fields: Json, path: str) -> Json | None:
    """Content of another dialect, as render_response.render_opaque shows it."""
    dialect, content = fields.get("dialect"), fields.get("content")
    if not isinstance(dialect, str) or not isinstance(content, dict):
        return None
    part.opaque.dialect, part.opaque.json = dialect, json_text(content)
    return unknown_fields(fields, {"type", "dialect", "content"})


BLOCK_PARSERS: Mapping[str, Callable[[Part, Json, str], Json | None]] = {
    "text": parse_text,
    "image": parse_image,
    "document": parse_document,
    "tool_use": parse_tool_use,
    "thinking": parse_thinking,
    "redacted_thinking": parse_redacted,
    "opaque": parse_foreign,
}
"""A parser returns the fields that the contract does not name, or None: the block is carried as it is."""


def parse_tool_result(part: Part, value: Json, path: str) -> None:
    result = part.tool_result
    result.tool_call_id = required_string(value, "tool_use_id", f"{path}.")
    set_fields(result, value, {"is_error": ("is_error", read.boolean)}, f"{path}.")
    match value.get("content"):
        case None | "":
            pass
        case str(text):
            result.parts.add().text = text
        case list(items):
            for index, item in enumerate(items):
                parse_block(result.parts.add(), item, f"{path}.content.{index}")
        case other:
            raise wrong_type(f"{path}.content", "string or array", other)
    rest = unknown_fields(value, {"type", "tool_use_id", "is_error", "content"})
    take_cache_hint(part, rest)
    set_details(part, rest, DIALECT)
