"""The conversation of a client's request in the contract's terms.

Source: https://ai.google.dev/api/caching#Content and recorded requests. Notes in the messages' details ("$content", "$role")
keep the client's own form, where it is not the one that the gateway would write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_TOOL, ROLE_USER, Message, Part
from gateway_dialects.gemini.server.details import details_of, set_details
from gateway_dialects.gemini.server.parts import parse_part, parse_result
from gateway_dialects.gemini.server.proto_json import fields_in, listed
from gateway_dialects.gemini.server.turns import ModelTurn
from gateway_dialects.kit.fields import missing, rest_of, string
from gateway_dialects.kit.json import Json

CONTENT_FIELDS = frozenset({"role", "parts"})
USER_ROLES = frozenset({"", "user", "function", "tool"})
"""An absent role is the user's; older clients give tool results under a role of their own."""


@dataclass(slots=True)
class Call:
    """A functionCall that waits for its result."""

    id: str
    name: str


@dataclass(slots=True)
class Conversation:
    """A request's messages, while its contents are read."""

    request: ChatRequest
    speaker: str = ""
    """Of the last Content: model, user, or results where that begins with one."""
    answer: ModelTurn | None = None
    calls: list[Call] = field(default_factory=list)
    """Of the model's last turn, without those that have their results."""
    call_count: int = 0


def parse_system(request: ChatRequest, value: Any) -> None:
    """systemInstruction, a Content whose role says nothing."""
    fields = {"parts": value} if isinstance(value, str) else fields_in(value, "systemInstruction")
    parts = listed(fields.get("parts", []), "systemInstruction.parts")
    if not parts:
        return
    message = request.messages.add(role=ROLE_SYSTEM)
    for index, item in enumerate(parts):
        parse_part(message.parts.add(), item, f"systemInstruction.parts[{index}]")
    notes = {"$role": string(fields["role"], "systemInstruction.role")} if "role" in fields else {}
    set_details(message, {**notes, **rest_of(fields, CONTENT_FIELDS)})


def parse_contents(request: ChatRequest, value: Any) -> None:
    """Raises GatewayError naming the field at fault."""
    contents = listed(value, "contents")
    if not contents:
        raise invalid("contents", "'contents' is empty: give at least one content.", "empty_array")
    conversation = Conversation(request)
    for index, item in enumerate(contents):
        parse_content(conversation, item, f"contents[{index}]")
    if conversation.answer is not None:
        conversation.answer.close()


def parse_content(conversation: Conversation, value: Any, path: str) -> None:
    fields = {"parts": value} if isinstance(value, str) else fields_in(value, path)
    role = string(fields.get("role", ""), f"{path}.role")
    parts = listed(fields.get("parts", []), f"{path}.parts")
    extra = rest_of(fields, CONTENT_FIELDS)
    if role == "model":
        add_answer(conversation, parts, extra, path)
    elif role in USER_ROLES:
        if not parts:
            raise missing(f"{path}.parts")
        if conversation.answer is not None:
            conversation.answer.close()
            conversation.answer = None
        add_user_content(conversation, parts, extra if role == "user" else {"$role": role, **extra}, path)
    else:
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are user and model.")


def add_answer(conversation: Conversation, parts: list[Any], extra: Json, path: str) -> None:
    """A Content of the model. One without parts, as filtered answers are, says nothing."""
    if not parts:
        return
    follows = conversation.speaker == "model"
    if conversation.answer is None or extra:
        if conversation.answer is not None:
            conversation.answer.close()
        message = conversation.request.messages.add(role=ROLE_ASSISTANT)
        set_details(message, {**({"$content": "new"} if follows else {}), **extra})
        conversation.answer = ModelTurn(message)
        starts = False
    else:
        starts = follows
    if not follows:
        conversation.calls.clear()
    for index, item in enumerate(parts):
        part = Part()
        parse_part(part, item, f"{path}.parts[{index}]")
        if part.WhichOneof("kind") == "tool_call":
            expect_result(conversation, part)
        conversation.answer.add(part, starts and index == 0)
    conversation.speaker = "model"


def expect_result(conversation: Conversation, part: Part) -> None:
    """Every call needs an id elsewhere. One that has none gets the same whenever this conversation is sent again."""
    if not part.tool_call.id:
        part.tool_call.id = f"call_{conversation.call_count}"
    conversation.call_count += 1
    conversation.calls.append(Call(part.tool_call.id, part.tool_call.name))


def add_user_content(conversation: Conversation, parts: list[Any], details: Json, path: str) -> None:
    """Tool results have messages of their own in the contract; all others of a Content share one."""
    messages = conversation.request.messages
    before, position = conversation.speaker, len(messages)
    current: Message | None = None
    for index, item in enumerate(parts):
        where = f"{path}.parts[{index}]"
        fields = fields_in(item, where) if isinstance(item, dict) else {}
        is_result = "functionResponse" in fields
        speaker = "results" if is_result else "user"
        if index == 0:
            conversation.speaker = speaker
        if is_result or current is None:
            current = messages.add(role=ROLE_TOOL if is_result else ROLE_USER)
            if speaker != conversation.speaker:
                set_details(current, {"$content": "join"})
        if is_result:
            parse_result(current.parts.add(), fields, where)
            claim_call(conversation, current.parts[0])
            current = None
        else:
            parse_part(current.parts.add(), item, where)
    notes = {"$content": "new"} if conversation.speaker == before else {}
    set_details(messages[position], {**notes, **details})


def claim_call(conversation: Conversation, part: Part) -> None:
    """Pair a result with its call: by id, or else by name and order."""
    result, calls = part.tool_result, conversation.calls
    found = next((call for call in calls if call.id == result.tool_call_id), None)
    if not result.tool_call_id:
        found = next((call for call in calls if call.name == result.name), calls[0] if calls else None)
        result.tool_call_id = found.id if found else f"call_{result.name}"
        set_details(part, {**details_of(part.provider_details_json), "$id": False})
    if found is not None:
        calls.remove(found)
