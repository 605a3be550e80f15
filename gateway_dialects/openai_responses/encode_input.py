"""A conversation as the input items of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and recorded requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_IMAGE,
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
    ToolResult,
)
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.failed_tools import told_parts
from gateway_dialects.kit.json import Json, decode_object
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of, left_out
from gateway_dialects.openai_responses.decode_reasoning import encode_reasoning, id_of
from gateway_dialects.openai_responses.encode_content import encode_content, foreign, source_of
from gateway_dialects.openai_responses.words import DIALECT, PICTURE, details_of

ROLES = {ROLE_SYSTEM: "system", ROLE_DEVELOPER: "developer", ROLE_USER: "user"}
WORDS = frozenset({"text", "refusal"})
READ_FROM_CHAT = frozenset({"annotations", "opaque"})
"""What clients give back of an answer. Sources only explain it: no provider takes them back."""
LONGEST_CALL_ID = 64


class Conversation:
    """Encodes one request's messages."""

    def __init__(self, warnings: list[Warning], *, by_reference: bool) -> None:
        """by_reference: whether the client counts on what the provider has kept of earlier turns."""
        self.items: list[Json] = []
        self.instructions: str | None = None
        self._warnings = warnings
        self._by_reference = by_reference
        self._custom_calls: set[str] = set()

    def add(self, message: Message, field: str) -> None:
        details = details_of(message) if message.provider_details_json else {}
        if message.name and message.role != ROLE_TOOL:
            self._warnings.append(left_out(f"{field}.name", "this provider takes no names of participants"))
        if message.role == ROLE_ASSISTANT:
            self._add_assistant(message, field)
        elif message.role == ROLE_TOOL:
            self._add_results(message, field, details)
        elif message.role not in ROLES:
            raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")
        elif details.get("$field") == "instructions" and self.instructions is None and not self.items:
            self.instructions = "".join(part.text for part in message.parts)
        else:
            content = [
                encode_content(part, f"{field}.parts[{index}]", "input_text") for index, part in enumerate(message.parts)
            ]
            self.items.append(message_item(ROLES[message.role], content, fields_of(details), details))

    def _add_results(self, message: Message, field: str, details: Json) -> None:
        for index, part in enumerate(message.parts):
            where = f"{field}.parts[{index}]"
            if part.WhichOneof("kind") != "tool_result":
                raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts")
            result = part.tool_result
            if not result.tool_call_id:
                raise unsupported(f"{field}.tool_call_id", "this provider needs the id of the call that a result answers")
            kind = "custom_tool_call_output" if result.tool_call_id in self._custom_calls else "function_call_output"
            output = encode_output(result, f"{where}.tool_result", details.get("$content"))
            fields = {"type": details.get("$kind", kind), "call_id": wire_id(result.tool_call_id), "output": output}
            self.items.append({**fields, **fields_of(details)})

    def _add_assistant(self, message: Message, field: str) -> None:
        """Runs of words become message items; every other part is an item of its own."""
        carried = self._carried(message, field)
        words: list[Part] = []
        thoughts: list[Part] = []
        for index, part in enumerate(message.parts):
            where = f"{field}.parts[{index}]"
            kind = part.WhichOneof("kind")
            if words and (kind not in WORDS or begins_item(part)):
                self._add_words(words, field)
            if thoughts and (kind != "reasoning" or id_of(part) != id_of(thoughts[0])):
                self._add_thoughts(thoughts, field)
            if kind == "reasoning":
                thoughts.append(part)
                continue
            self.items += carried
            carried = []
            if kind in WORDS:
                words.append(part)
            else:
                self.items.append(self._item(part, where))
        self._add_thoughts(thoughts, field)
        self.items += carried
        self._add_words(words, field)

    def _add_words(self, words: list[Part], field: str) -> None:
        """Empties words."""
        if not words:
            return
        details = details_of(words[0]) if words[0].provider_details_json else {}
        content = [] if details.get("$empty") else [encode_content(part, field, "output_text") for part in words]
        item = details.get("item")
        if isinstance(item, dict):
            details = {"$type": True, "$content": "list", **details}
            for part in content:
                if "id" in item and part["type"] == "output_text":
                    part.setdefault("annotations", [])
        self.items.append(message_item("assistant", content, item if isinstance(item, dict) else {}, details))
        words.clear()

    def _add_thoughts(self, thoughts: list[Part], field: str) -> None:
        """Empties thoughts."""
        if not thoughts:
            return
        item = encode_reasoning(thoughts, by_reference=self._by_reference)
        if item is None:
            why = "this provider takes back only reasoning that it gave itself, and encrypted"
            self._warnings.append(left_out(f"{field}.reasoning", why))
        else:
            self.items.append(item)
        thoughts.clear()

    def _item(self, part: Part, field: str) -> Json:
        match part.WhichOneof("kind"):
            case "tool_call":
                return self._call(part, field)
            case "media" if part.media.kind == MEDIA_KIND_IMAGE:
                return encode_picture(part, field)
            case "media":
                raise unsupported(field, "this provider takes no media but pictures in the assistant's messages")
            case "opaque" if part.opaque.dialect == DIALECT:
                return decode_object(part.opaque.json)
            case "opaque":
                raise foreign(part, field)
            case _:
                return encode_content(part, field, "output_text")

    def _call(self, part: Part, field: str) -> Json:
        call = part.tool_call
        if not call.id:
            raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
        fields = fields_of(details_of(part)) if part.provider_details_json else {}
        named = {"call_id": wire_id(call.id), "name": call.name}
        if call.HasField("input"):
            self._custom_calls.add(call.id)
            return {"type": "custom_tool_call", **named, "input": call.input, **fields}
        return {"type": "function_call", **named, "arguments": call.arguments_json or "{}", **fields}

    def _carried(self, message: Message, field: str) -> list[Json]:
        """Items of built-in tools that a client of OpenAI's chat form gives back. Its other fields are told to be lost."""
        if CHAT_FORM not in message.provider_details_json:
            return []
        chat = fields_of(details_of(message, CHAT_FORM))
        for name, value in chat.items():
            if name not in READ_FROM_CHAT and value not in (None, [], {}, ""):
                self._warnings.append(left_out(f"{field}.{name}", "this provider does not know it"))
        items = chat.get("opaque")
        own = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        contents: list[Any] = [item.get("content") for item in own if item.get("dialect") == DIALECT]
        return [decode_object(content) if isinstance(content, str) else content for content in contents]


def encode_conversation(messages: Iterable[Message], warnings: list[Warning], *, by_reference: bool) -> Conversation:
    conversation = Conversation(warnings, by_reference=by_reference)
    for index, message in enumerate(messages):
        conversation.add(message, f"messages[{index}]")
    return conversation


def begins_item(part: Part) -> bool:
    return bool(part.provider_details_json) and "item" in details_of(part)


def message_item(role: str, content: list[Json], fields: Json, notes: Json) -> Json:
    """A message item. Plain text travels as a string, unless the client's own form is noted."""
    item: Json = {"type": "message"} if notes.get("$type") else {}
    return {**item, "role": role, "content": content_form(content, notes.get("$content")), **fields}


def content_form(content: list[Json], form: Any) -> str | list[Json]:
    if not content and form != "list":
        return ""
    if len(content) == 1 and form != "list" and content[0].keys() == {"type", "text"}:
        text: str = content[0]["text"]
        return text
    return content


def encode_output(result: ToolResult, field: str, form: Any) -> str | list[Json]:
    content = []
    for index, part in enumerate(told_parts(result)):
        where = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") not in ("text", "media", "opaque"):
            raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
        content.append(encode_content(part, where, "input_text"))
    return content_form(content, form)


def encode_picture(part: Part, field: str) -> Json:
    """A picture that the model drew, as the item of the tool that it drew it with."""
    name, value = source_of(part.media, field)
    if name != "uri" or not value.startswith("data:"):
        raise unsupported(field, "this provider takes back pictures only as bytes")
    fields = fields_of(details_of(part)) if part.provider_details_json else {}
    if "id" not in fields:
        raise unsupported(field, "this provider takes back only pictures that it drew itself")
    return {"type": PICTURE, "result": value.partition(",")[2], **fields}


def wire_id(call_id: str) -> str:
    """An id that the provider takes, which are short: the same for the same id, and another for another."""
    if len(call_id) <= LONGEST_CALL_ID:
        return call_id
    return f"{call_id[:48]}_{hashlib.sha256(call_id.encode()).hexdigest()[:15]}"
