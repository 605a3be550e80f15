"""Output items as parts. Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers."""

from collections.abc import Iterator
from typing import Any

from dragoman.v1.chat_pb2 import Logprobs
from dragoman.v1.content_pb2 import Citation, Opaque, Part, Reasoning, ToolCall
from gateway_dialects.kit.call_ids import complete_call
from gateway_dialects.kit.json import Json, as_list, json_text, list_at, malformed, text_of, unknown_fields
from gateway_dialects.openai.decode_response import arguments_of, decode_token
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.words import CALLS, CUSTOM_CALL, DIALECT, PartForm, set_details, set_form


def decode_item(item: Any) -> Iterator[Part]:
    """The parts of one item. Raises GatewayError UPSTREAM_INVALID_RESPONSE."""
    match typed(item, "an item").get("type"):
        case "message":
            yield from decode_message(item)
        case "reasoning":
            yield decode_reasoning(item)
        case "function_call" | "custom_tool_call":
            yield decode_call(item)
        case "image_generation_call" if words.set_picture(part := Part(), item):
            yield part
        case _:
            yield opaque(item)


def typed(value: Any, what: str) -> Json:
    """An object with a type. Raises GatewayError UPSTREAM_INVALID_RESPONSE for anything else."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise malformed(f"{what} of the provider's output is not an object with a type")
    return value


def opaque(value: Json) -> Part:
    return Part(opaque=Opaque(dialect=DIALECT, json=json_text(value)))


def decode_message(item: Json) -> Iterator[Part]:
    """Each piece of its content is a part; the first has the fields of the item."""
    content = as_list(item.get("content"), "content of a message")
    fields = unknown_fields(item, words.MESSAGE_FIELDS)
    for index, piece in enumerate(content):
        part = decode_content(piece)
        details, form = rest_of_piece(piece)
        set_details(part, {**details, "item": fields} if index == 0 else details)
        set_form(part, form)
        part.citations.extend(citations_of(piece))
        yield part
    if not content:
        part = Part(text="")
        set_details(part, {"item": fields})
        set_form(part, PartForm(empty=True))
        yield part


def decode_content(piece: Any) -> Part:
    """A piece of a message without its details."""
    match typed(piece, "content of a message"):
        case {"type": "output_text", "text": str(text)}:
            return Part(text=text)
        case {"type": "refusal", "refusal": str(refusal)}:
            return Part(refusal=refusal)
        case {"type": "output_text" | "refusal"}:
            raise malformed("a message of the provider's output has content without its text")
        case {"text": str(text)}:
            # A type of the future that has text: better shown than hidden.
            return Part(text=text)
        case _:
            return opaque(piece)


def rest_of_piece(piece: Json) -> tuple[Json, PartForm]:
    """What a piece of content holds beside its text and citations."""
    match piece["type"]:
        case "output_text":
            return unknown_fields(piece, words.TEXT_FIELDS), PartForm(logprobs=len(list_at(piece, "logprobs")))
        case "refusal":
            return unknown_fields(piece, words.REFUSAL_FIELDS), PartForm()
        case _ if isinstance(piece.get("text"), str):
            return unknown_fields(piece, frozenset({"text"})), PartForm()
        case _:
            return {}, PartForm(piece=True)


def citations_of(piece: Json) -> list[Citation]:
    """Of a piece of content."""
    annotations = list_at(piece, "annotations") if piece["type"] == "output_text" else []
    return [words.citation_of(annotation) for annotation in annotations if isinstance(annotation, dict)]


def decode_logprobs(value: Any) -> Logprobs:
    return Logprobs(content=[decode_token(token) for token in value if isinstance(token, dict)])


def decode_call(item: Json) -> Part:
    """A tool call with its arguments or input. Its id is the call's, not the item's."""
    part = begin_call(item)
    if item["type"] == CUSTOM_CALL:
        part.tool_call.input = text_of(item.get("input"))
    else:
        part.tool_call.arguments_json = arguments_of(item.get("arguments"))
    set_details(part, unknown_fields(item, words.CALL_FIELDS))
    return part


def begin_call(item: Json) -> Part:
    """A tool call without its arguments."""
    part = Part(tool_call=ToolCall(id=text_of(item.get("call_id")), name=text_of(item.get("name"))))
    part.tool_call.namespace = text_of(item.get("namespace"))
    if item["type"] == CUSTOM_CALL:
        part.tool_call.input = ""
    return part


def is_incomplete(item: Json) -> bool:
    """Whether it is a tool call that lacks its id or its name."""
    return item["type"] in CALLS and not (text_of(item.get("call_id")) and text_of(item.get("name")))


def complete_item(item: Json, answer_id: str, place: int) -> Json:
    """The item at this place of the output; a call without its id gets one. Raises GatewayError for one without a name."""
    if not is_incomplete(item):
        return item
    part = begin_call(item)
    part.tool_call.id = part.tool_call.id or text_of(item.get("id"))
    complete_call(part.tool_call, answer_id, 0, place)
    return {**item, "call_id": part.tool_call.id}


def decode_reasoning(item: Json) -> Part:
    summaries, thoughts = texts_of(item, "summary"), texts_of(item, "content")
    is_summary = bool(summaries) or not thoughts
    part = begin_reasoning(item, is_summary=is_summary)
    part.reasoning.text = words.SUMMARY_GAP.join(summaries or thoughts)
    part.reasoning.encrypted = text_of(item.get("encrypted_content"))
    details, form = rest_of_reasoning(item, is_summary=is_summary)
    set_details(part, details)
    set_form(part, form)
    return part


def begin_reasoning(item: Json, *, is_summary: bool) -> Part:
    """The part without its text, encrypted content and details."""
    return Part(reasoning=Reasoning(provider=DIALECT, summary=is_summary, id=text_of(item.get("id"))))


def rest_of_reasoning(item: Json, *, is_summary: bool) -> tuple[Json, PartForm]:
    """The item's fields beside the part's text. Of summaries and thoughts only one is the text: the other is among them."""
    details = unknown_fields(item, words.REASONING_FIELDS)
    own, other = ("summary", "content") if is_summary else ("content", "summary")
    if texts_of(item, other):
        details[other] = item[other]
    return details, PartForm(lengths=words.lengths_of(texts_of(item, own)))


def texts_of(item: Json, name: str) -> list[str]:
    """The texts of a list of summary_text or reasoning_text objects. Raises GatewayError UPSTREAM_INVALID_RESPONSE."""
    found = []
    for piece in as_list(item.get(name), f"{name} of reasoning"):
        if not isinstance(piece, dict) or not isinstance(text := piece.get("text"), str):
            raise malformed("reasoning of the provider's output has content without its text")
        found.append(text)
    return found
