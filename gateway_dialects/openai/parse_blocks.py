"""Blocks of Anthropic's form in the content of chat completions, as LiteLLM's and LangChain's clients write them.

Source: https://docs.litellm.ai/docs/reasoning_content, https://docs.litellm.ai/docs/providers/anthropic and LangChain's
messages: thinking, tool_use, image and document stand in content beside, or in place of, the fields of this API.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.v1.content_pb2 import MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, Message, Part
from gateway_dialects.kit.json import Json, json_text, object_at, set_form, text_of, unknown_fields
from gateway_dialects.openai.words import DIALECT, PartForm

SIGNER = "anthropic"


def thinking_of(block: Any, strings: tuple[str, ...]) -> Part | None:
    """A thinking block as reasoning. strings: the message's fields that repeat its text. None for any other block."""
    part = Part()
    reasoning = part.reasoning
    reasoning.provider = SIGNER
    match block:
        case {"type": "thinking", "thinking": str(text)}:
            reasoning.text, reasoning.signature = text, text_of(block.get("signature"))
        case {"type": "redacted_thinking", "data": str(data)}:
            reasoning.encrypted = data
        case _:
            return None
    set_form(part, DIALECT, PartForm(strings=strings))
    return part


def parse_block(part: Part, fields: Json) -> Json | None:
    """Fills the part. Returns the fields that the contract does not name; None: it is no block of this form."""
    parser = PARSERS.get(text_of(fields.get("type")))
    return parser(part, fields) if parser else None


def parse_thinking(part: Part, fields: Json) -> Json | None:
    if (found := thinking_of(fields, ())) is None:
        return None
    part.CopyFrom(found)
    return unknown_fields(fields, {"type", "thinking", "signature", "data"})


def parse_tool_use(part: Part, fields: Json) -> Json | None:
    match fields:
        case {"id": str(call_id), "name": str(name)}:
            given = fields.get("input")
            part.tool_call.id, part.tool_call.name = call_id, name
            part.tool_call.arguments_json = json_text(given) if isinstance(given, dict) else "{}"
            return unknown_fields(fields, {"type", "id", "name", "input"})
        case _:
            return None


def parse_source(part: Part, fields: Json) -> Json | None:
    """A picture or document by its bytes, its text or its URL."""
    source, kind = object_at(fields, "source"), text_of(fields.get("type"))
    mime_type = text_of(source.get("media_type"))
    match source:
        case {"type": "base64", "data": str(data)} if mime_type:
            part.media.uri = f"data:{mime_type};base64,{data}"
        case {"type": "url", "url": str(url)}:
            part.media.uri = url
        case {"type": "text", "data": str(text)} if kind == "document":
            part.media.data = text.encode()
            mime_type = mime_type or "text/plain"
        case _:
            return None
    part.media.mime_type, part.media.kind = mime_type, MEDIA_KIND_IMAGE if kind == "image" else MEDIA_KIND_FILE
    part.media.filename = text_of(fields.get("title"))
    return unknown_fields(fields, {"type", "source", "title"})


PARSERS: Mapping[str, Callable[[Part, Json], Json | None]] = {
    "thinking": parse_thinking,
    "redacted_thinking": parse_thinking,
    "tool_use": parse_tool_use,
    "image": parse_source,
    "document": parse_source,
}


def drop_repeated(message: Message) -> None:
    """Of what a message holds twice, in its content and in a field of its own, one stays: of reasoning the signed one, of a
    tool call the field's, which comes last."""
    signed = {part.reasoning.text for part in message.parts if part.reasoning.signature or part.reasoning.encrypted}
    seen: set[str] = set()
    for index in reversed(range(len(message.parts))):
        part = message.parts[index]
        reasoning = part.reasoning
        if part.HasField("tool_call"):
            key = f"call {part.tool_call.id}"
        elif part.HasField("reasoning"):
            key = f"reasoning {reasoning.signature}{reasoning.encrypted} {reasoning.text}"
            if not (reasoning.signature or reasoning.encrypted) and reasoning.text in signed:
                seen.add(key)
        else:
            continue
        if key in seen:
            del message.parts[index]
        seen.add(key)
