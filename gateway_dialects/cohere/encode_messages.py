"""Messages of the system, the user and tools, with their images and text documents.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/image-inputs and recorded requests. There is no
audio, no video and no PDF. provider_details_json["cohere"] holds fields that the contract does not name. The provider caches
prompts by itself (its usage has cached_tokens): cache hints ask for nothing here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from mimetypes import guess_type
from typing import Any
from urllib.parse import unquote_to_bytes

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_TOOL,
    Media,
    MediaKind,
    Message,
    Part,
)
from gateway_dialects.cohere.encode_assistant import drop_signature, encode_assistant
from gateway_dialects.cohere.words import DIALECT, NO_MESSAGE_FORM, ROLES, MessageForm, PartForm
from gateway_dialects.kit.diagnostics import Diagnostics, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json, details_of, form_of, merged, object_of
from gateway_dialects.kit.sniff import sniffed, spelled
from gateway_dialects.kit.tool_results import parts_in, results_in

ROLE_WORDS = {**{role: word for word, role in ROLES.items()}, ROLE_DEVELOPER: "system"}
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Documents that are text although their type does not begin with text/."""
IMAGE_DETAILS = frozenset({"auto", "low", "high"})
SNIFFED_CHARACTERS = 24
EMPTY_TEXT = {"type": "text", "text": ""}


class RequestDiagnostics(Diagnostics):
    """Also the text documents of the conversation: this dialect has them beside the messages, and cites them."""

    __slots__ = ("documents",)

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[Json] = []

    def add_document(self, text: str, title: str) -> None:
        """Without an id: the provider makes one that no document of the client's has."""
        self.documents.append({"data": {"title": title, "text": text} if title else {"text": text}})


def encode_messages(messages: Iterable[Message], model: str, diagnostics: RequestDiagnostics) -> list[Json]:
    """Raises GatewayError naming the field for content that this dialect cannot carry."""
    return [
        encoded
        for index, message in enumerate(messages)
        for encoded in encode_message(message, f"messages[{index}]", model, diagnostics)
    ]


def encode_message(message: Message, field: str, model: str, diagnostics: RequestDiagnostics) -> Iterator[Json]:
    """What one message becomes: none, where an assistant said nothing; one for each result, where tools did."""
    if message.name and message.role != ROLE_TOOL:
        diagnostics.drop(f"{field}.name", "this provider takes no names of participants")
    for dialect, text in message.provider_details_json.items():
        if dialect != DIALECT and not dialect.endswith(".form"):
            for name in object_of(text, f"{field}.provider_details_json.{dialect}"):
                diagnostics.drop(f"{field}.{name}", "this provider does not know it")
    if message.role == ROLE_TOOL:
        yield from encode_results(message, field, diagnostics)
    elif message.role == ROLE_ASSISTANT:
        if turn := encode_assistant(message, field, model, diagnostics):
            yield turn
        else:
            diagnostics.drop(field, "the assistant said nothing there")
    elif message.role in ROLE_WORDS:
        yield encode_instructions(message, field, diagnostics)
    else:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")


def encode_instructions(message: Message, field: str, diagnostics: RequestDiagnostics) -> Json:
    """A message of the system or the user."""
    form, details = form_and_details(message)
    role = ROLE_WORDS[message.role]
    blocks: list[Json] = []
    titles: list[str] = []
    for index, part in enumerate(message.parts):
        place = f"{field}.parts[{index}]"
        if (document := document_of(part, place)) is not None:
            titles.append(part.media.filename or "untitled")
            diagnostics.add_document(document, part.media.filename)
        else:
            blocks.append(encode_block(part, role, place, diagnostics))
    if titles and not blocks:
        # A message without words is refused.
        blocks.append({"type": "text", "text": f"(documents: {', '.join(titles)})"})
    return {"role": role, "content": content_of(blocks, form), **details}


def form_and_details(message: Message) -> tuple[MessageForm, Json]:
    if not message.provider_details_json:
        return NO_MESSAGE_FORM, {}
    return form_of(message, DIALECT, MessageForm), details_of(message, DIALECT)


def document_of(part: Part, field: str) -> str | None:
    return text_document(part.media, field) if part.WhichOneof("kind") == "media" else None


def encode_block(part: Part, role: str, field: str, diagnostics: Diagnostics) -> Json:
    drop_signature(part, field, diagnostics)
    if part.citations:
        diagnostics.drop(f"{field}.citations", "this provider takes citations in the assistant's messages only")
    match part.WhichOneof("kind"):
        case "text":
            return with_details({"type": "text", "text": part.text}, part)
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "media" if role == "user":
            return with_details(encode_image(part.media, field, diagnostics), part)
        case "media":
            raise unsupported(field, f"this provider takes no media in messages of the role {role}")
        case "opaque" if part.opaque.dialect == DIALECT:
            return object_of(part.opaque.json, field)
        case "opaque" | None:
            raise unusable_part(part, field)
        case kind:
            raise invalid(field, f"{field}: {kind} does not belong in a message of the role {role}")


def with_details(block: Json, part: Part) -> Json:
    return merged(block, details_of(part, DIALECT)) if part.provider_details_json else block


def content_of(blocks: list[Json], form: MessageForm) -> Any:
    """Text alone travels as a string, unless Cohere's own client wrote a list. Other clients' empty texts say nothing, and
    are refused beside others."""
    if form.content == "list":
        return blocks
    said = [block for block in blocks if block != EMPTY_TEXT]
    if not said:
        return ""
    return said[0]["text"] if len(said) == 1 and said[0].keys() == {"type", "text"} else said


def encode_results(message: Message, field: str, diagnostics: Diagnostics) -> Iterator[Json]:
    """One message for each result."""
    form, details = form_and_details(message)
    for place, part in results_in(message, field):
        result = part.tool_result
        if not result.tool_call_id:
            raise invalid(f"{field}.tool_call_id", f"{field}: the tool result does not say which call it answers")
        blocks = [encode_result_block(inner, where, diagnostics) for where, inner in parts_in(result, place)]
        yield {"role": "tool", "tool_call_id": result.tool_call_id, "content": content_of(blocks, form), **details}


def encode_result_block(part: Part, field: str, diagnostics: Diagnostics) -> Json:
    if (document := document_of(part, field)) is not None:
        data = {"title": part.media.filename, "text": document} if part.media.filename else {"text": document}
        return {"type": "document", "document": {"data": data}}
    if part.WhichOneof("kind") == "text" and (block := form_of(part, DIALECT, PartForm).block):
        return dict(block)
    return encode_block(part, "tool", field, diagnostics)


def media_kind(media: Media) -> MediaKind.ValueType:
    """Kind as given, or judged from the media type; a picture sent as a file is a picture."""
    main_type = media.mime_type.partition("/")[0]
    if main_type == "image" and media.kind in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE, 0):
        return MEDIA_KIND_IMAGE
    if media.kind:
        return media.kind
    return {"audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}.get(main_type, MEDIA_KIND_FILE)


def encode_image(media: Media, field: str, diagnostics: Diagnostics) -> Json:
    """An image_url block. Raises GatewayError for what is no picture or cannot be reached."""
    kind = media_kind(media)
    if kind != MEDIA_KIND_IMAGE:
        name = {MEDIA_KIND_AUDIO: "sound", MEDIA_KIND_VIDEO: "video"}.get(kind, "such document")
        raise unsupported(field, f"this provider takes no {name}")
    image: Json = {"url": image_url(media, field)}
    if media.detail in IMAGE_DETAILS:
        image["detail"] = media.detail
    elif media.detail:
        diagnostics.drop(f"{field}.detail", f"this provider does not know the detail {media.detail!r}")
    return {"type": "image_url", "image_url": image}


def image_url(media: Media, field: str) -> str:
    if is_web_address(media):
        return media.uri
    mime_type, data = base64_of(media, field)
    mime_type = sniffed_type(data) or mime_type
    if mime_type not in IMAGE_TYPES:
        raise unsupported(field, f"this provider takes JPEG, PNG, GIF and WebP, not {mime_type or 'an unknown type'}")
    return f"data:{mime_type};base64,{data}"


def is_web_address(media: Media) -> bool:
    return media.WhichOneof("source") == "uri" and media.uri.startswith(("https:", "http:"))


def text_document(media: Media, field: str) -> str | None:
    """The text of a document that is text; None: it is something else. Raises GatewayError for PDF and the like."""
    if media_kind(media) != MEDIA_KIND_FILE:
        return None
    if is_web_address(media):
        raise unsupported(field, "this provider cannot fetch documents: send the text itself")
    mime_type, data = base64_of(media, field)
    mime_type = sniffed_type(data) or mime_type
    if not (mime_type.startswith("text/") or mime_type in TEXT_TYPES):
        raise unsupported(field, f"this provider takes text documents, not {mime_type or 'an unknown type'}")
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid(field, f"{field} is not UTF-8 text") from None


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. The provider fetches pictures; a document it takes only as text."""
    declared = media.mime_type or guess_type(media.uri.partition("?")[0])[0]
    return media_kind(media) == MEDIA_KIND_FILE and declared != "application/pdf"


def base64_of(media: Media, field: str) -> tuple[str, str]:
    """The media type and the bytes in base64 of an attachment."""
    match media.WhichOneof("source"):
        case "data":
            return spelled(media.mime_type), base64.b64encode(media.data).decode()
        case "file_id":
            raise unsupported(field, "this provider knows no uploaded files")
        case None:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")
        case _ if not media.uri.startswith("data:"):
            raise unsupported(field, f"this provider cannot read {media.uri.partition(':')[0]}: URIs")
    head, comma, data = media.uri.partition(",")
    if not comma:
        raise invalid(field, f"{field} is not a data: URI: it has no comma")
    mime_type, *options = head.removeprefix("data:").split(";")
    if "base64" not in options:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return spelled(mime_type or media.mime_type), data


def sniffed_type(data: str) -> str:
    """The type that the first bytes show, for declared types are often wrong; empty when they show none. data: base64."""
    try:
        return sniffed(base64.b64decode(data[:SNIFFED_CHARACTERS]))
    except (binascii.Error, ValueError):
        return ""
