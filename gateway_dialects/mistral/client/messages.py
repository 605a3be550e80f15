"""The messages of a conversation as Mistral takes them: in an order that it accepts.

Mistral refuses a system message behind an assistant's or a tool's, a user message behind a tool's (on many models) and an
assistant message at the end that does not say it is a beginning (code 3230, invalid_request_message_order).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from gateway_dialects.kit.failed_tools import told_parts
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.mistral.client.content import encode_chunk, encode_tool_call
from gateway_dialects.mistral.client.details import details_of
from gateway_dialects.mistral.client.ids import nine_of
from gateway_dialects.mistral.client.remarks import Remarks
from gateway_dialects.openai.encode_messages import set_content

ROLES = {
    ROLE_SYSTEM: "system",
    ROLE_DEVELOPER: "system",
    ROLE_USER: "user",
    ROLE_ASSISTANT: "assistant",
    ROLE_TOOL: "tool",
}
MESSAGE_FIELDS = frozenset({"prefix"})
NO_FIELDS: frozenset[str] = frozenset()
NO_SYSTEM_AFTER = frozenset({"assistant", "tool"})
BRIDGE: Json = {"role": "assistant", "content": "OK"}
"""What stands between a tool's answer and the user's next words."""


def encode_messages(messages: Sequence[Message], remarks: Remarks) -> list[Json]:
    """Raises GatewayError naming the field for what Mistral cannot take."""
    encoded: list[Json] = []
    for index, message in enumerate(messages):
        if message.role == ROLE_TOOL:
            encoded += encode_tool_results(message, f"messages[{index}]", remarks)
            continue
        one = encode_message(message, f"messages[{index}]", remarks)
        if message.role == ROLE_ASSISTANT and not one.get("content") and "tool_calls" not in one:
            remarks.leave_out(f"messages[{index}]", "the assistant said nothing there")
            continue
        previous = encoded[-1]["role"] if encoded else ""
        if one["role"] == "system" and previous in NO_SYSTEM_AFTER:
            one["role"] = "user"
        if one["role"] == "user" and previous == "tool":
            encoded.append(BRIDGE)
        encoded.append(one)
    last = encoded[-1] if encoded else {}
    if last.get("role") == "assistant" and not last.get("tool_calls"):
        last.setdefault("prefix", True)
    return encoded


def encode_message(message: Message, field: str, remarks: Remarks) -> Json:
    if message.role not in ROLES:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")
    encoded: Json = {"role": ROLES[message.role]}
    if message.name:
        remarks.leave_out(f"{field}.name", "Mistral gives participants no names")
    details = details_of(message, MESSAGE_FIELDS, field, remarks) if message.provider_details_json else {}
    content: list[Json] = []
    calls: list[Json] = []
    for index, part in enumerate(message.parts):
        place = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") == "tool_call":
            calls.append(encode_tool_call(part, place, remarks))
        elif (chunk := encode_chunk(part, place, remarks)) is not None:
            content.append(chunk)
    set_content(encoded, content, details.get("$content"), message.role)
    if calls:
        encoded["tool_calls"] = calls
    return {**encoded, **fields_of(details)}


def encode_tool_results(message: Message, field: str, remarks: Remarks) -> Iterator[Json]:
    """A message for each result."""
    if not message.parts:
        raise invalid(f"{field}.parts", f"{field}.parts is empty: a message of ROLE_TOOL holds tool_result parts")
    details = details_of(message, NO_FIELDS, field, remarks)
    for index, part in enumerate(message.parts):
        place = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") != "tool_result":
            raise invalid(place, f"{place}: a message of ROLE_TOOL holds tool_result parts")
        yield encode_tool_result(part.tool_result, message, f"{place}.tool_result.parts", details, remarks)


def encode_tool_result(result: ToolResult, message: Message, place: str, details: Json, remarks: Remarks) -> Json:
    encoded: Json = {"role": "tool"}
    if result.tool_call_id:
        encoded["tool_call_id"] = nine_of(result.tool_call_id)
    if name := result.name or message.name:
        encoded["name"] = name
    content = [encode_inner(part, f"{place}[{index}]", remarks) for index, part in enumerate(told_parts(result))]
    set_content(encoded, content, details.get("$content"), message.role)
    return {**encoded, **fields_of(details)}


def encode_inner(part: Part, field: str, remarks: Remarks) -> Json:
    chunk = encode_chunk(part, field, remarks) if part.WhichOneof("kind") in ("text", "media", "opaque") else None
    if chunk is None:
        raise invalid(field, f"{field}: a tool result may hold text, media and opaque parts")
    return chunk
