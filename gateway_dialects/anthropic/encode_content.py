"""Content blocks of requests: one part of a conversation each.

Source: https://platform.claude.com/docs/en/api/messages (vision, PDF support, files, citations) and recorded requests. Bytes
are sent as base64, text documents as text.
"""

from mimetypes import guess_type
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, Media, Part, Reasoning, ToolCall
from gateway_dialects.anthropic.words import DIALECT
from gateway_dialects.kit.cache_hints import cache_control
from gateway_dialects.kit.diagnostics import Diagnostics, refusal, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Detailed, Json, details_of, is_object, object_of, verbatim
from gateway_dialects.kit.media import bytes_of, is_text, is_web_address, media_kind, no_source, text_of_bytes, typed_bytes
from gateway_dialects.kit.tool_results import parts_in

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
FILES_BETA = "files-api-2025-04-14"
"""The anthropic-beta that sources of type file need."""
LONGEST_SCHEME = 20


class RequestDiagnostics(Diagnostics):
    """Also collects beta features that the request needs, for the header anthropic-beta, in the order of their need."""

    __slots__ = ("betas", "takes_unsigned")

    def __init__(self, *, takes_unsigned: bool = False) -> None:
        """takes_unsigned: whether the target takes reasoning back that is not signed."""
        super().__init__()
        self.betas: list[str] = []
        self.takes_unsigned = takes_unsigned

    def need_beta(self, name: str) -> None:
        if name not in self.betas:
            self.betas.append(name)


def encode_block(part: Part, field: str, diagnostics: RequestDiagnostics) -> Json | None:
    """A content block; None for what this API refuses: blank text, reasoning that it did not sign. Tool calls and results
    have functions of their own, as their ids concern the whole conversation."""
    match part.WhichOneof("kind"):
        case "text":
            block = encode_text(part, part.text, field, diagnostics)
        case "refusal":
            block = encode_text(part, part.refusal, field, diagnostics)
        case "media":
            block = encode_media(part.media, field, diagnostics)
        case "reasoning":
            block = encode_reasoning(part.reasoning, field, diagnostics)
        case "opaque" if part.opaque.dialect == DIALECT:
            block = object_of(part.opaque.json, f"{field}.opaque.json")
        case _:
            raise unusable_part(part, field)
    return None if block is None else add_fields(block, part, field, diagnostics)


def add_details(encoded: Json, holder: Detailed) -> Json:
    """The JSON with this dialect's details; what it has already is not replaced."""
    if not holder.provider_details_json:
        return encoded
    return {**encoded, **{name: value for name, value in details_of(holder, DIALECT).items() if name not in encoded}}


def add_fields(block: Json, part: Part, field: str, diagnostics: Diagnostics) -> Json:
    """The block with what any may have: details and cache_control."""
    if part.provider_details_json:
        block = add_details(block, part)
        diagnostics.drop_foreign_details(part, field, DIALECT)
    if part.HasField("cache_hint"):
        block["cache_control"] = cache_control(part.cache_hint)
    if part.HasField("signature"):
        diagnostics.drop(f"{field}.signature", "this provider signs nothing but reasoning")
    return block


def encode_text(part: Part, text: str, field: str, diagnostics: Diagnostics) -> Json | None:
    if not text or text.isspace():
        return None
    block: Json = {"type": "text", "text": text}
    if part.citations:
        own = [details_of(citation, DIALECT) for citation in part.citations if DIALECT in citation.provider_details_json]
        if own:
            block["citations"] = own
        if len(own) < len(part.citations):
            diagnostics.drop(f"{field}.citations", "this provider takes back only citations that it gave itself")
    return block


def encode_reasoning(reasoning: Reasoning, field: str, diagnostics: RequestDiagnostics) -> Json | None:
    """A thinking block, unmodified. None for what the target did not sign, where it has to be."""
    if reasoning.provider == DIALECT and reasoning.encrypted:
        return {"type": "redacted_thinking", "data": reasoning.encrypted}
    if reasoning.provider == DIALECT and reasoning.signature:
        return {"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}
    if diagnostics.takes_unsigned and reasoning.text and not (reasoning.signature or reasoning.encrypted):
        return {"type": "thinking", "thinking": reasoning.text, "signature": ""}
    diagnostics.drop(field, "this provider takes back only reasoning that it signed itself")
    return None


def encode_tool_use(part: Part, wire_id: str, field: str, diagnostics: Diagnostics) -> Json:
    given = input_of(part.tool_call)
    if isinstance(given, dict) and "_raw" in given:
        message = f"{field}: the arguments are not a JSON object; they were sent as text in _raw"
        diagnostics.warn(f"{field}.arguments", message)
    block: Json = {"type": "tool_use", "id": wire_id, "name": part.tool_call.name, "input": given}
    return add_fields(block, part, field, diagnostics)


def input_of(call: ToolCall) -> Any:
    """The arguments as the object that this API has, character for character where they are one. The text of broken ones is
    in _raw."""
    if call.HasField("input"):
        return {"input": call.input}
    text = call.arguments_json
    if not text or text.isspace():
        return {}
    return verbatim(text) if is_object(text) else {"_raw": text}


def encode_tool_result(part: Part, wire_id: str, field: str, diagnostics: RequestDiagnostics) -> Json:
    result = part.tool_result
    block: Json = {"type": "tool_result", "tool_use_id": wire_id}
    if result.is_error:
        block["is_error"] = True
    inner = parts_in(result, field, mark_failure=False)
    content = [encoded for where, part in inner if (encoded := encode_block(part, where, diagnostics)) is not None]
    if content:
        block["content"] = content_of(content)
    return add_fields(block, part, field, diagnostics)


def content_of(blocks: list[Json]) -> str | list[Json]:
    """Plain text is sent as a string."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def encode_media(media: Media, field: str, diagnostics: RequestDiagnostics) -> Json:
    """An image or document block. Raises GatewayError UNSUPPORTED for sound, video and other documents."""
    kind = media_kind(media)
    if kind not in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE):
        raise unsupported(field, f"this provider takes no {'sound' if kind == MEDIA_KIND_AUDIO else 'video'}")
    source = encode_source(media, field, kind == MEDIA_KIND_IMAGE)
    if source["type"] == "file":
        diagnostics.need_beta(FILES_BETA)
    if media.detail not in ("", "auto"):
        diagnostics.drop(f"{field}.detail", "this provider chooses an image's detail itself")
    if kind == MEDIA_KIND_IMAGE or source.get("media_type") in IMAGE_TYPES:
        # Pictures are also sent as files of another type, or of none.
        return {"type": "image", "source": source}
    document: Json = {"type": "document", "source": source}
    return {**document, "title": media.filename} if media.filename else document


def encode_source(media: Media, field: str, is_image: bool) -> Json:
    if remote := remote_source(media, field):
        return remote
    if not is_image and media.WhichOneof("source") == "data" and is_text(media.mime_type):
        return text_source(media.data, field)
    mime_type, data = typed_bytes(media, field)
    if mime_type in IMAGE_TYPES or (mime_type == "application/pdf" and not is_image):
        return {"type": "base64", "media_type": mime_type, "data": data}
    if is_text(mime_type) and not is_image:
        return text_source(bytes_of(data, field), field)
    taken = "JPEG, PNG, GIF and WebP" if is_image else "PDF and text documents"
    raise unsupported(field, f"this provider takes {taken}, not {mime_type or 'an unknown type'}")


def text_source(octets: bytes, field: str) -> Json:
    return {"type": "text", "media_type": "text/plain", "data": text_of_bytes(octets, field)}


def remote_source(media: Media, field: str) -> Json | None:
    """The source of what the provider fetches itself; None: the bytes are here."""
    match media.WhichOneof("source"):
        case "file_id":
            return {"type": "file", "file_id": media.file_id}
        case "uri" if is_web_address(media):
            return {"type": "url", "url": media.uri}
        case "uri" if not media.uri.startswith("data:"):
            scheme, colon, _ = media.uri[:LONGEST_SCHEME].partition(":")
            if not colon:
                raise invalid(field, f"{field} is no URI: give a URL, or the bytes as a data: URI")
            raise unsupported(field, f"this provider cannot read {scheme}: URIs")
        case None:
            raise no_source(field)
        case _:
            return None


def refuses(media: Media, _endpoint: Endpoint) -> str:
    """See Dialect.refuses."""
    return refusal(lambda: encode_media(media, "media", RequestDiagnostics()))


def needs_bytes(media: Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. The provider fetches pictures and PDFs over https, and nothing else."""
    kind = media_kind(media)
    if kind not in (MEDIA_KIND_IMAGE, MEDIA_KIND_FILE):
        return False
    mime_type = media.mime_type or guess_type(media.uri.partition("?")[0])[0] or ""
    other = kind == MEDIA_KIND_FILE and (is_text(mime_type) or mime_type.startswith("image/"))
    return other or not media.uri.startswith("https:")
