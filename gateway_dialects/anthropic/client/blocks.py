"""One part of a conversation as a content block of this dialect.

Source: https://platform.claude.com/docs/en/api/messages, and recorded requests.
"""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Part, Reasoning, ToolCall
from gateway_dialects.anthropic.client.details import DIALECT, block_fields, details_of
from gateway_dialects.anthropic.client.media import FILES_BETA, encode_media
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import CHAT_FORM

THINKING_TYPES = frozenset({"thinking", "redacted_thinking"})


def encode_block(part: Part, field: str, remarks: Remarks) -> Json | None:
    """A block; None for what this dialect may not be sent: blank text, reasoning that it did not sign. Tool calls and
    results are not here: their ids concern the whole conversation."""
    match part.WhichOneof("kind"):
        case "text":
            return encode_text(part, part.text)
        case "refusal":
            return encode_text(part, part.refusal)
        case "media":
            return encode_media_block(part, field, remarks)
        case "reasoning":
            return encode_reasoning(part, field, remarks)
        case "opaque" if part.opaque.dialect == DIALECT:
            return opaque_block(part.opaque.json, field)
        case "opaque":
            raise unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case "tool_call":
            raise invalid(field, f"{field}: a tool call belongs in a message of ROLE_ASSISTANT")
        case "tool_result":
            raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case None:
            raise invalid(field, f"{field} has no kind: set text, media, tool_call ...")
        case unknown:
            assert_never(unknown)


def encode_text(part: Part, text: str) -> Json | None:
    """Blank text is refused by the provider, and says nothing."""
    if not text or text.isspace():
        return None
    if not part.provider_details_json:
        return {"type": "text", "text": text}
    return {"type": "text", "text": text, **block_fields(part)}


def encode_media_block(part: Part, field: str, remarks: Remarks) -> Json:
    block = encode_media(part.media, field)
    if block["source"]["type"] == "file":
        remarks.need_beta(FILES_BETA)
    if part.media.detail not in ("", "auto"):
        remarks.leave_out(f"{field}.detail", "this provider chooses an image's detail itself")
    return {**block, **block_fields(part)}


def opaque_block(text: str, field: str) -> Json:
    try:
        block = decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        block = None
    if not isinstance(block, dict):
        raise invalid(field, f"{field}.opaque.json is not a JSON object")
    return block


def encode_reasoning(part: Part, field: str, remarks: Remarks) -> Json | None:
    """A thinking block, unmodified. What another provider signed, and what nobody signed, Anthropic refuses."""
    reasoning = part.reasoning
    if not is_own(part):
        remarks.leave_out(field, "this provider takes back only reasoning that it signed itself")
        return None
    if reasoning.encrypted:
        return {"type": "redacted_thinking", "data": reasoning.encrypted, **block_fields(part)}
    return {**thinking_block(reasoning), **block_fields(part)}


def thinking_block(reasoning: Reasoning) -> Json:
    return {"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}


def is_own(part: Part) -> bool:
    """Whether Anthropic sealed this: as the part says, or as the client tells that gives it back in OpenRouter's form."""
    reasoning = part.reasoning
    if not (reasoning.signature or reasoning.encrypted):
        return False
    if reasoning.provider:
        return reasoning.provider == DIALECT
    return str(details_of(part, CHAT_FORM).get("format", "")).startswith(DIALECT)


def encode_tool_use(part: Part, wire_id: str, field: str, remarks: Remarks) -> Json:
    call = part.tool_call
    block: Json = {"type": "tool_use", "id": wire_id, "name": call.name, "input": encode_input(call, field, remarks)}
    return {**block, **block_fields(part)} if part.provider_details_json else block


def encode_input(call: ToolCall, field: str, remarks: Remarks) -> Any:
    """The arguments as the object that this dialect wants, character for character where they are one."""
    if call.HasField("input"):
        return {"input": call.input}
    text = call.arguments_json
    if not text or text.isspace():
        return {}
    try:
        value = decode_json(text)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if isinstance(value, dict):
        return msgspec.Raw(text.encode())
    remarks.warn(f"{field}.arguments", f"{field}: the arguments are not a JSON object; they were sent as text in _raw")
    return {"_raw": text}


def encode_tool_result(part: Part, wire_id: str, field: str, remarks: Remarks) -> Json:
    result = part.tool_result
    block: Json = {"type": "tool_result", "tool_use_id": wire_id}
    if result.is_error:
        block["is_error"] = True
    content: list[Json] = []
    for index, inner in enumerate(result.parts):
        where = f"{field}.tool_result.parts[{index}]"
        if inner.WhichOneof("kind") not in ("text", "media", "opaque"):
            raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
        encoded = encode_block(inner, where, remarks)
        if encoded is not None:
            content.append(encoded)
    form = details_of(part).get("$content") if part.provider_details_json else None
    if content:
        block["content"] = content_of(content, form)
    return {**block, **block_fields(part)} if part.provider_details_json else block


def content_of(blocks: list[Json], form: str | None) -> str | list[Json]:
    """Plain text travels as a string, unless the client wrote a list."""
    if len(blocks) == 1 and form != "list" and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks
