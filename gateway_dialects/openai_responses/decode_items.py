"""Output items as parts. Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.v1.chat_pb2 import Logprobs
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Opaque, Part, ToolCall
from gateway_dialects.kit.json import Json, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.openai.decode_response import arguments_of, decode_token
from gateway_dialects.openai_responses.decode_reasoning import decode_reasoning
from gateway_dialects.openai_responses.words import DIALECT, PICTURE, set_details

MESSAGE_FIELDS = frozenset({"type", "role", "content"})
CONTENT_FIELDS = {
    "output_text": frozenset({"type", "text", "logprobs"}),
    "refusal": frozenset({"type", "refusal"}),
}
CALL_FIELDS = frozenset({"type", "call_id", "name", "arguments", "input"})
CALLS = frozenset({"function_call", "custom_tool_call"})


class Annotations:
    """Sources in the form that clients of chat completions read, whose places count from the whole text's beginning."""

    def __init__(self) -> None:
        self.found: list[Json] = []
        self._length = 0

    def add(self, content: Json) -> None:
        given = content.get("annotations")
        for annotation in given if isinstance(given, list) else ():
            if isinstance(annotation, dict) and annotation.get("type") == "url_citation":
                fields = {name: value for name, value in annotation.items() if name != "type"}
                for name in ("start_index", "end_index"):
                    if isinstance(fields.get(name), int):
                        fields[name] += self._length
                self.found.append({"type": "url_citation", "url_citation": fields})
        self._length += len(text_of(content.get("text")))


def decode_item(item: Any, thoughts: int) -> Iterator[Part]:
    """The parts of one item. thoughts: how many reasoning parts came before."""
    match typed(item, "an item").get("type"):
        case "message":
            yield from decode_message(item)
        case "reasoning":
            yield decode_reasoning(item, thoughts)
        case "function_call" | "custom_tool_call":
            yield decode_call(item)
        case "image_generation_call" if item.get("result"):
            yield decode_picture(item)
        case _:
            yield Part(opaque=Opaque(dialect=DIALECT, json=encode_json(item).decode()))


def typed(value: Any, what: str) -> Json:
    """An object that says what it is. Raises GatewayError for anything else."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise malformed(f"{what} of the provider's output is not an object with a type")
    return value


def decode_message(item: Json) -> Iterator[Part]:
    content = item.get("content") or []
    if not isinstance(content, list):
        raise malformed("a message of the provider's output has no list of content")
    for index, piece in enumerate(content):
        part = decode_content(piece)
        details = content_details(piece)
        if index == 0:
            details["item"] = unknown_fields(item, MESSAGE_FIELDS)
        set_details(part, details)
        yield part
    if not content:
        part = Part(text="")
        set_details(part, {"item": unknown_fields(item, MESSAGE_FIELDS), "$empty": True})
        yield part


def decode_content(piece: Any) -> Part:
    """A piece of a message without its details."""
    match typed(piece, "content of a message"):
        case {"type": "output_text", "text": str(text)}:
            return Part(text=text)
        case {"type": "refusal", "refusal": str(refusal)}:
            return Part(refusal=refusal)
        case {"type": "output_text" | "refusal"}:
            raise malformed("a message of the provider's output has content without its words")
        case {"text": str(text)}:
            # Content of the future that has words: better shown than hidden.
            return Part(text=text)
        case _:
            return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(piece).decode()))


def content_details(piece: Json) -> Json:
    """What a piece of content holds beside its words. $logprobs: how many of the answer's log-probabilities are its own."""
    known = CONTENT_FIELDS.get(piece["type"])
    if known is None:
        return unknown_fields(piece, frozenset({"text"})) if isinstance(piece.get("text"), str) else {}
    details = {name: value for name, value in unknown_fields(piece, known).items() if value != []}
    if logprobs := piece.get("logprobs"):
        details["$logprobs"] = len(logprobs)
    return details


def decode_logprobs(value: Any) -> Logprobs:
    tokens = value if isinstance(value, list) else ()
    return Logprobs(content=[decode_token(token) for token in tokens])


def decode_call(item: Json) -> Part:
    """A tool call with its arguments or input. Its id is the call's, not the item's."""
    part = begin_call(item)
    if item.get("type") == "custom_tool_call":
        part.tool_call.input = text_of(item.get("input"))
    else:
        part.tool_call.arguments_json = arguments_of(item.get("arguments"))
    set_details(part, unknown_fields(item, CALL_FIELDS))
    return part


def begin_call(item: Json) -> Part:
    """A tool call without its arguments."""
    part = Part(tool_call=ToolCall(id=text_of(item.get("call_id")), name=text_of(item.get("name"))))
    if item.get("type") == "custom_tool_call":
        part.tool_call.input = ""
    if not part.tool_call.id or not part.tool_call.name:
        raise malformed("a tool call of the provider's output lacks its call_id or its name")
    return part


def decode_picture(item: Json) -> Part:
    form = text_of(item.get("output_format")) or "png"
    mime_type = f"image/{form}"
    uri = f"data:{mime_type};base64,{text_of(item.get('result'))}"
    part = Part(media=Media(kind=MEDIA_KIND_IMAGE, uri=uri, mime_type=mime_type))
    set_details(part, unknown_fields(item, frozenset({"type", "result"})))
    return part


def is_picture(item: Json) -> bool:
    return item.get("type") == PICTURE and bool(item.get("result"))
