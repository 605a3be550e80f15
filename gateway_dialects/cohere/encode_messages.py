"""Messages of the system, the user and tools, with their images and text documents.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/image-inputs and recorded requests. There is no
audio, no video and no PDF. provider_details_json["cohere"] holds fields that the contract does not name. The provider caches
prompts by itself (its usage has cached_tokens): cache hints ask for nothing here.
"""

from collections.abc import Iterable, Iterator
from mimetypes import guess_type
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from dragoman.v1.content_pb2 import Media, Message, Part
from gateway_dialects.cohere.encode_assistant import drop_unsent, encode_assistant
from gateway_dialects.cohere.words import DIALECT, NO_MESSAGE_FORM, ROLES, MessageForm, PartForm, with_details
from gateway_dialects.kit.diagnostics import Diagnostics, refusal, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json, details_of, form_of, inverse, object_of
from gateway_dialects.kit.media import bytes_of, is_text, is_web_address, media_kind, no_source, text_of_bytes, typed_bytes
from gateway_dialects.kit.tool_results import parts_in, results_in

ROLE_WORDS = inverse(ROLES) | {content_pb2.ROLE_DEVELOPER: "system"}
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
IMAGE_DETAILS = frozenset({"auto", "low", "high"})
EMPTY_TEXT = {"type": "text", "text": ""}


class RequestDiagnostics(Diagnostics):
    """Also the text documents of the conversation: this dialect has them beside the messages, and cites them."""

    __slots__ = ("documents",)

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[Json] = []


def encode_messages(messages: Iterable[Message], reasons: bool, diagnostics: RequestDiagnostics) -> list[Json]:
    """Raises GatewayError naming the field for content that this dialect cannot carry."""
    return [
        encoded
        for index, message in enumerate(messages)
        for encoded in encode_message(message, f"messages[{index}]", reasons, diagnostics)
    ]


def encode_message(message: Message, field: str, reasons: bool, diagnostics: RequestDiagnostics) -> Iterator[Json]:
    """What one message becomes: none for an empty one of an assistant; one for each result of a tool."""
    if message.name and message.role != content_pb2.ROLE_TOOL:
        diagnostics.drop(f"{field}.name", "this provider takes no names of participants")
    if message.provider_details_json:
        diagnostics.drop_foreign_details(message, field, DIALECT)
    if message.role == content_pb2.ROLE_TOOL:
        yield from encode_results(message, field, diagnostics)
    elif message.role == content_pb2.ROLE_ASSISTANT:
        if turn := encode_assistant(message, field, reasons, diagnostics):
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
            diagnostics.documents.append(document)
        else:
            blocks.append(encode_block(part, role, place, diagnostics))
    if titles and not blocks:
        # An empty message is refused.
        blocks.append({"type": "text", "text": f"(documents: {', '.join(titles)})"})
    return {"role": role, "content": content_of(blocks, form), **details}


def form_and_details(message: Message) -> tuple[MessageForm, Json]:
    if not message.provider_details_json:
        return NO_MESSAGE_FORM, {}
    return form_of(message, DIALECT, MessageForm), details_of(message, DIALECT)


def document_of(part: Part, field: str) -> Json | None:
    """A document that is text, without an id: the provider makes one that no document of the client's has. None: the part is
    something else. Raises GatewayError for PDF and the like."""
    media = part.media
    if part.WhichOneof("kind") != "media" or media_kind(media) != content_pb2.MEDIA_KIND_FILE:
        return None
    if is_web_address(media):
        raise unsupported(field, "this provider cannot fetch documents: send the text itself")
    mime_type, data = read_bytes(media, field)
    if not is_text(mime_type):
        raise unsupported(field, f"this provider takes text documents, not {mime_type or 'an unknown type'}")
    title = {"title": media.filename} if media.filename else {}
    return {"data": {**title, "text": text_of_bytes(bytes_of(data, field), field)}}


def encode_block(part: Part, role: str, field: str, diagnostics: Diagnostics) -> Json:
    drop_unsent(part, field, diagnostics)
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


def content_of(blocks: list[Json], form: MessageForm) -> Any:
    """Text alone travels as a string, unless Cohere's own client wrote a list. Other clients' empty texts say nothing, and
    are refused beside others."""
    if form.content == "list":
        return blocks
    sent = [block for block in blocks if block != EMPTY_TEXT]
    if not sent:
        return ""
    return sent[0]["text"] if len(sent) == 1 and sent[0].keys() == {"type", "text"} else sent


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
        return {"type": "document", "document": document}
    if part.WhichOneof("kind") == "text" and (block := form_of(part, DIALECT, PartForm).block):
        return dict(block)
    return encode_block(part, "tool", field, diagnostics)


def encode_image(media: Media, field: str, diagnostics: Diagnostics) -> Json:
    """An image_url block. Raises GatewayError for what is no picture or cannot be reached."""
    kind = media_kind(media)
    if kind != content_pb2.MEDIA_KIND_IMAGE:
        name = {content_pb2.MEDIA_KIND_AUDIO: "sound", content_pb2.MEDIA_KIND_VIDEO: "video"}.get(kind, "such document")
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
    mime_type, data = read_bytes(media, field)
    if mime_type not in IMAGE_TYPES:
        raise unsupported(field, f"this provider takes JPEG, PNG, GIF and WebP, not {mime_type or 'an unknown type'}")
    return f"data:{mime_type};base64,{data}"


def refuses(media: Media, _endpoint: Endpoint) -> str:
    """See Dialect.refuses."""
    return refusal(lambda: document_of(Part(media=media), "media") or encode_image(media, "media", Diagnostics()))


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. The provider fetches pictures; a document it takes only as text."""
    declared = media.mime_type or guess_type(media.uri.partition("?")[0])[0]
    return media_kind(media) == content_pb2.MEDIA_KIND_FILE and declared != "application/pdf"


def read_bytes(media: Media, field: str) -> tuple[str, str]:
    """See typed_bytes. Raises GatewayError for what only another provider can reach."""
    match media.WhichOneof("source"):
        case "file_id":
            raise unsupported(field, "this provider knows no uploaded files")
        case None:
            raise no_source(field)
        case "uri" if not media.uri.startswith("data:"):
            raise unsupported(field, f"this provider cannot read {media.uri.partition(':')[0]}: URIs")
    return typed_bytes(media, field)
