"""The items of a client's input in the contract's terms.

What the model did stands together in one message of the assistant, as other dialects want it: its words, reasoning and tool
calls, until the user or a tool speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
)
from gateway_dialects.kit.fields import array, mapping, missing, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai_responses.parse_content import parse_content
from gateway_dialects.openai_responses.seals import restore
from gateway_dialects.openai_responses.server_details import DIALECT, PICTURE, SUMMARY_GAP, details_of, set_details

ROLES = {"user": ROLE_USER, "system": ROLE_SYSTEM, "developer": ROLE_DEVELOPER, "assistant": ROLE_ASSISTANT}
OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
CARRIED = "provider_details"
"""Where a tool call's item carries what another provider needs to know it by (seals.py)."""


class Turns:
    """Appends items to messages (a repeated Message field)."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages
        self._assistant: Message | None = None

    def add(self, value: Any, path: str) -> None:
        """Raises GatewayError naming the field at fault."""
        item = mapping(value, path)
        kind = type_of(item, path)
        if kind == "message":
            self._add_message(item, path)
        elif kind in OUTPUTS:
            self._assistant = None
            parse_output(self._messages.add(), item, kind, path)
        else:
            PARSERS.get(kind, parse_opaque)(self._turn().parts.add(), item, path)

    def _turn(self) -> Message:
        """The assistant's message that is being filled."""
        if self._assistant is None:
            self._assistant = self._messages.add()
            self._assistant.role = ROLE_ASSISTANT
        return self._assistant

    def _add_message(self, item: Json, path: str) -> None:
        role = required_string(item, "role", f"{path}.")
        if role not in ROLES:
            raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Use one of {', '.join(ROLES)}.")
        if role == "assistant":
            self._add_words(item, path)
            return
        self._assistant = None
        message = self._messages.add()
        message.role = ROLES[role]
        notes = parse_content(message.parts, item.get("content"), f"{path}.content")
        if "type" in item:
            notes["$type"] = True
        set_details(message, {**rest_of(item, {"type", "role", "content"}), **notes})

    def _add_words(self, item: Json, path: str) -> None:
        """What the assistant said. The first part holds the fields of the item (details.py of the provider says how)."""
        message = self._turn()
        begin = len(message.parts)
        content = item.get("content")
        notes = parse_content(message.parts, content, f"{path}.content")
        if isinstance(content, str):
            notes = {"$content": "string"}
        if len(message.parts) == begin:
            message.parts.add().text = ""
            if content == []:
                notes["$empty"] = True
        if "type" not in item:
            notes["$type"] = False
        first = message.parts[begin]
        own = details_of(first.provider_details_json)
        set_details(first, {**own, "item": rest_of(item, {"type", "role", "content"}), **notes})


def parse_items(messages: Any, items: Iterable[Any], path: str = "input") -> None:
    """Append items to messages (a repeated Message field)."""
    turns = Turns(messages)
    for index, item in enumerate(items):
        turns.add(item, f"{path}[{index}]")


def type_of(item: Json, path: str) -> str:
    """A message may leave its type out, and so may a reference."""
    kind = item.get("type")
    if kind is not None:
        return string(kind, f"{path}.type")
    if "role" in item:
        return "message"
    if "id" in item:
        return "item_reference"
    raise missing(f"{path}.type", "Use 'message', for example.")


def parse_output(message: Message, item: Json, kind: str, path: str) -> None:
    message.role = ROLE_TOOL
    result = message.parts.add().tool_result
    result.tool_call_id = required_string(item, "call_id", f"{path}.")
    notes = parse_content(result.parts, item.get("output"), f"{path}.output")
    if kind != "function_call_output":
        notes["$kind"] = kind
    set_details(message, {**rest_of(item, {"type", "call_id", "output"}), **notes})


def parse_call(part: Part, item: Json, path: str) -> None:
    call = part.tool_call
    call.id, call.name = required_string(item, "call_id", f"{path}."), required_string(item, "name", f"{path}.")
    if item["type"] == "custom_tool_call":
        call.input = required_string(item, "input", f"{path}.")
    else:
        call.arguments_json = required_string(item, "arguments", f"{path}.")
    set_details(part, rest_of(item, {"type", "call_id", "name", "arguments", "input", CARRIED}))
    carried = item.get(CARRIED)
    for dialect, details in carried.items() if isinstance(carried, dict) else ():
        if isinstance(details, dict) and dialect != DIALECT:
            part.provider_details_json[dialect] = json_text(details)


def parse_reasoning(part: Part, item: Json, path: str) -> None:
    summaries, thoughts = texts_in(item, "summary", path), texts_in(item, "content", path)
    encrypted = item.get("encrypted_content")
    text = SUMMARY_GAP.join(summaries or thoughts)
    if not restore(part, text, string(encrypted, f"{path}.encrypted_content") if encrypted is not None else ""):
        return
    part.reasoning.summary = bool(summaries) or not thoughts
    details = rest_of(item, {"type", "summary", "content", "encrypted_content"})
    if summaries and thoughts:
        details["content"] = item["content"]
    if len(summaries or thoughts) > 1:
        details["$summary"] = [len(text) for text in summaries or thoughts]
    set_details(part, details)


def texts_in(item: Json, name: str, path: str) -> list[str]:
    given = item.get(name)
    if given is None:
        return []
    pieces = [mapping(piece, f"{path}.{name}[{index}]") for index, piece in enumerate(array(given, f"{path}.{name}"))]
    return [required_string(piece, "text", f"{path}.{name}[{index}].") for index, piece in enumerate(pieces)]


def parse_picture(part: Part, item: Json, path: str) -> None:
    """A picture that the model drew is media, which other providers can be shown."""
    result = item.get("result")
    if not isinstance(result, str) or not result:
        parse_opaque(part, item, path)
        return
    form = item.get("output_format")
    part.media.kind, part.media.mime_type = MEDIA_KIND_IMAGE, f"image/{form if isinstance(form, str) else 'png'}"
    part.media.uri = f"data:{part.media.mime_type};base64,{result}"
    set_details(part, rest_of(item, {"type", "result"}))


def parse_opaque(part: Part, item: Json, path: str) -> None:
    """Items of built-in tools, references and whatever the contract does not name."""
    part.opaque.dialect, part.opaque.json = DIALECT, json_text(item)


def parse_reference(part: Part, item: Json, path: str) -> None:
    """To an item that nobody here knows."""
    required_string(item, "id", f"{path}.")
    parse_opaque(part, item, path)


PARSERS: Mapping[str, Callable[[Part, Json, str], None]] = {
    "item_reference": parse_reference,
    "function_call": parse_call,
    "custom_tool_call": parse_call,
    "reasoning": parse_reasoning,
    PICTURE: parse_picture,
}


def listed(value: Any) -> list[Json]:
    """The input as a list of items in their long form, as they are stored and listed. Raises GatewayError 400."""
    items = [{"role": "user", "content": value}] if isinstance(value, str) else array(value, "input")
    return [long_form(mapping(item, f"input[{index}]")) for index, item in enumerate(items)]


def long_form(item: Json) -> Json:
    if "role" not in item or item.get("type", "message") != "message":
        return item
    content = item.get("content")
    if isinstance(content, str):
        kind = "output_text" if item["role"] == "assistant" else "input_text"
        content = [{"type": kind, "text": content}]
    return {**item, "type": "message", "content": content}
