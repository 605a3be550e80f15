"""Messages in the words of this dialect.

Source: https://docs.cohere.com/reference/chat and recorded requests. provider_details_json["cohere"] holds fields that the
contract does not name; its note "$content" says that Cohere's own client wrote the content as a list or a string, and is
there for lists, and wherever an assistant both speaks and calls tools (see content.proto).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
    ToolResult,
)
from gateway_dialects.cohere.client.details import DIALECT, details_of, object_of
from gateway_dialects.cohere.client.media import encode_image, text_document
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.cohere.client.turn import encode_assistant, warn_of_chat_fields
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.failed_tools import told_parts
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

ROLES = {ROLE_SYSTEM: "system", ROLE_DEVELOPER: "system", ROLE_USER: "user"}


def encode_messages(messages: Iterable[Message], model: str, remarks: Remarks) -> list[Json]:
    """Raises GatewayError naming the field for content that this dialect cannot carry."""
    return [
        encoded
        for index, message in enumerate(messages)
        for encoded in encode_message(message, f"messages[{index}]", model, remarks)
    ]


def encode_message(message: Message, field: str, model: str, remarks: Remarks) -> Iterator[Json]:
    """What one message becomes: none, where an assistant said nothing; one for each result, where tools did."""
    if message.name and message.role != ROLE_TOOL:
        remarks.leave_out(f"{field}.name", "this provider takes no names of participants")
    if message.provider_details_json:
        warn_of_chat_fields(message, field, remarks)
    if message.role == ROLE_TOOL:
        yield from encode_results(message, field, remarks)
    elif message.role == ROLE_ASSISTANT:
        if turn := encode_assistant(message, field, model, remarks):
            yield turn
        else:
            remarks.leave_out(field, "the assistant said nothing there")
    elif message.role in ROLES:
        yield encode_said(message, field, remarks)
    else:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")


def encode_said(message: Message, field: str, remarks: Remarks) -> Json:
    """A message of the system or the user."""
    details = details_of(message) if message.provider_details_json else {}
    role = ROLES[message.role]
    blocks: list[Json] = []
    titles: list[str] = []
    for index, part in enumerate(message.parts):
        where = f"{field}.parts[{index}]"
        if (document := document_of(part, where)) is not None:
            titles.append(part.media.filename or "untitled")
            remarks.add_document(document, part.media.filename)
        else:
            blocks.append(encode_block(part, role, where, remarks))
    if titles and not blocks:
        # A message without words is refused.
        blocks.append({"type": "text", "text": f"(documents: {', '.join(titles)})"})
    return {"role": role, "content": content_of(blocks, details.get("$content")), **fields_of(details)}


def document_of(part: Part, field: str) -> str | None:
    return text_document(part.media, field) if part.WhichOneof("kind") == "media" else None


def encode_block(part: Part, role: str, field: str, remarks: Remarks) -> Json:
    match part.WhichOneof("kind"):
        case "text":
            return with_fields({"type": "text", "text": part.text}, part)
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "media" if role == "user":
            return with_fields(encode_image(part.media, field, remarks), part)
        case "media":
            raise unsupported(field, f"this provider takes no media in messages of the role {role}")
        case "opaque" if part.opaque.dialect == DIALECT:
            return object_of(part.opaque.json, field)
        case "opaque":
            raise unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case None:
            raise invalid(field, f"{field} has no kind: set text, media ...")
        case kind:
            raise invalid(field, f"{field}: {kind} does not belong in a message of the role {role}")


def with_fields(block: Json, part: Part) -> Json:
    """Add this dialect's own fields; what stands inside image_url stands there again."""
    if not part.provider_details_json:
        return block
    for name, value in fields_of(details_of(part)).items():
        known = block.get(name)
        block[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return block


def content_of(blocks: list[Json], form: str | None) -> Any:
    """Text alone travels as a string; the client's own form wins where it is noted. Other clients' empty texts say nothing,
    and are refused beside others."""
    if form == "list":
        return blocks
    said = [block for block in blocks if block != {"type": "text", "text": ""}]
    if not said:
        return ""
    return said[0]["text"] if len(said) == 1 and said[0].keys() == {"type", "text"} else said


def encode_results(message: Message, field: str, remarks: Remarks) -> Iterator[Json]:
    """One message for each result."""
    details = details_of(message) if message.provider_details_json else {}
    for index, part in enumerate(message.parts):
        where = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") != "tool_result":
            raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts")
        result = part.tool_result
        if not result.tool_call_id:
            raise invalid(f"{field}.tool_call_id", f"{field}: the tool result does not say which call it answers")
        content = encode_result(result, where, details.get("$content"), remarks)
        yield {"role": "tool", "tool_call_id": result.tool_call_id, "content": content, **fields_of(details)}


def encode_result(result: ToolResult, field: str, form: str | None, remarks: Remarks) -> Any:
    place = f"{field}.tool_result.parts"
    parts = told_parts(result)
    blocks = [encode_result_block(part, f"{place}[{index}]", remarks) for index, part in enumerate(parts)]
    return content_of(blocks, form)


def encode_result_block(part: Part, field: str, remarks: Remarks) -> Json:
    if (document := document_of(part, field)) is not None:
        data = {"title": part.media.filename, "text": document} if part.media.filename else {"text": document}
        return {"type": "document", "document": {"data": data}}
    if part.WhichOneof("kind") == "text" and (block := details_of(part).get("$block")):
        # A document that Cohere's own client gave: for other dialects it was put into words.
        return dict(block)
    return encode_block(part, "tool", field, remarks)
