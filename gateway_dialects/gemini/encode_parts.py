"""Parts of a message as Parts of Gemini's Content.

Sources: https://ai.google.dev/api/caching#Part, https://ai.google.dev/gemini-api/docs/thought-signatures,
https://ai.google.dev/gemini-api/docs/file-input-methods and recorded requests.
"""

from __future__ import annotations

import mimetypes
from typing import Any, assert_never
from urllib.parse import SplitResult, urlsplit

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, Message, Part, ToolResult
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, PartForm, Piece, add_own_fields, arguments_object, part_form
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, object_of, verbatim
from gateway_dialects.kit.media import base64_of, no_source, read_data_uri
from gateway_dialects.kit.tool_results import parts_in

SKIP = "skip_thought_signature_validator"
"""What a model that requires signatures takes in place of one that was lost, or for a call of another model."""
DEFAULT_TYPES = {MEDIA_KIND_IMAGE: "image/jpeg", MEDIA_KIND_AUDIO: "audio/mp3", MEDIA_KIND_VIDEO: "video/mp4"}
DOCUMENT = "application/pdf"
NORMALISED = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav"}
UPLOADED = "https://generativelanguage.googleapis.com/"
VIDEO_HOSTS = ("www.youtube.com", "youtube.com", "youtu.be", "m.youtube.com")
RESOLUTIONS = frozenset({"low", "medium", "high"})


class Encoding(Diagnostics):
    """One request while it is encoded."""

    __slots__ = ("model", "names", "url", "without_id")

    def __init__(self, model: Capabilities, url: str) -> None:
        super().__init__()
        self.model = model
        self.url = url
        """The endpoint's base URL."""
        self.names: dict[str, str] = {}
        """Names of tools by the ids of their calls: each result must name its tool."""
        self.without_id: set[str] = set()
        """Ids of calls that Google wrote without one: their results have none either."""


def encode_part(part: Part, place: str, encoding: Encoding) -> Json | None:
    """None: there is nothing to send. Raises GatewayError naming the field."""
    if part.provider_details_json and not part.HasField("reasoning"):
        encoding.drop_foreign_details(part, place, DIALECT)
    if part.citations:
        encoding.drop(f"{place}.citations")
    if part.HasField("signature") and part.signature.provider != DIALECT:
        encoding.drop(f"{place}.signature", "only the provider that signed it can read it")
    match part.WhichOneof("kind"):
        case "text":
            return add_own_fields({"text": part.text}, part)
        case "media":
            return encode_media(part, place, encoding)
        case "refusal":
            return add_own_fields({"text": part.refusal}, part)
        case "opaque" if part.opaque.dialect == DIALECT:
            return object_of(part.opaque.json, f"{place}.opaque.json")
        case "reasoning":
            return encode_reasoning(part, place, encoding)
        case "tool_call":
            return encode_call(part, place, encoding)
        case "opaque" | "tool_result" | None:
            raise unusable_part(part, place)
        case unknown:
            assert_never(unknown)


def encode_answer(message: Message, place: str, encoding: Encoding) -> list[list[Json]]:
    """The parts of a model's turn, in as many Contents as a client of this dialect had; otherwise in one."""
    contents: list[list[Json]] = [[]]
    for index, part in enumerate(message.parts):
        form = part_form(part)
        if form.new_content:
            contents.append([])
        if form.pieces and (pieces := encode_pieces(part, form)):
            contents[-1] += pieces[0]
            contents += pieces[1:]
        elif (found := encode_part(part, f"{place}.parts[{index}]", encoding)) is not None:
            contents[-1].append(found)
    place_loose_signatures(message, [part for content in contents for part in content])
    return contents


def encode_pieces(part: Part, form: PartForm) -> list[list[Json]]:
    """The pieces in which a text or thought streamed. None where they are not those of its text."""
    is_thought = part.WhichOneof("kind") == "reasoning"
    text, kind = (part.reasoning.text, {"thought": True}) if is_thought else (part.text, {})
    if sum(piece.length for content in form.pieces for piece in content) != len(text):
        return []
    start = 0

    def encode(piece: Piece) -> Json:
        nonlocal start
        start += piece.length
        return {"text": text[start - piece.length : start], **kind, **piece.fields}

    return [[encode(piece) for piece in content] for content in form.pieces]


def encode_reasoning(part: Part, place: str, encoding: Encoding) -> Json | None:
    """A thought. What another provider signed or encrypted is not sent."""
    reasoning = part.reasoning
    is_own = reasoning.provider == DIALECT
    if not is_own and (reasoning.signature or reasoning.encrypted):
        encoding.warn(place, "signed reasoning of another provider was left out")
        return None
    if not reasoning.text and (reasoning.encrypted or not is_own):
        return None
    encoded: Json = {"text": reasoning.text, "thought": True}
    if reasoning.signature:
        encoded[SIGNATURE] = reasoning.signature
    encoding.drop_foreign_details(part, place, DIALECT)
    return add_own_fields(encoded, part)


def place_loose_signatures(message: Message, parts: list[Json]) -> None:
    """Gives signatures that came apart from their parts, as encrypted reasoning, to the last text, where Gemini signs an
    answer, or else to the first call."""
    free = [item for item in parts if SIGNATURE not in item and not item.get("thought")]
    # Taken from the end.
    owners = [item for item in reversed(free) if "functionCall" in item and "text" not in item]
    owners += [item for item in free if "text" in item]
    for part in message.parts:
        if part.WhichOneof("kind") == "reasoning" and part.reasoning.encrypted and part.reasoning.provider == DIALECT:
            if not owners:
                return
            owners.pop()[SIGNATURE] = part.reasoning.encrypted


def skip_lost_signature(parts: list[Json]) -> None:
    """The first of the calls that a model makes at once carries their signature."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any(SIGNATURE in call for call in calls):
        calls[0][SIGNATURE] = SKIP


def encode_call(part: Part, place: str, encoding: Encoding) -> Json:
    call = part.tool_call
    encoding.names[call.id] = call.name
    arguments, is_object = arguments_object(call)
    if not is_object:
        where = f"{place}.tool_call.arguments_json"
        encoding.warn(where, "the arguments are no JSON object; they were sent as {_raw: ...}")
    function: Json = {"name": call.name, "args": arguments}
    if part_form(part).no_id:
        encoding.without_id.add(call.id)
    elif call.id:
        function["id"] = call.id
    return add_own_fields({"functionCall": function}, part)


def encode_result(part: Part, place: str, encoding: Encoding) -> tuple[Json, list[Json]]:
    """A functionResponse, and the media that must follow in a Content of their own where the model takes none inside."""
    result, form = part.tool_result, part_form(part)
    name = result.name or encoding.names.get(result.tool_call_id, "")
    if not name:
        where = f"{place}.tool_result.tool_call_id"
        raise invalid(where, f"{where}: no tool call before it has the id {result.tool_call_id!r}")
    response: Json = {"name": name}
    if form.made_up_id:
        response["id"] = form.made_up_id
    elif result.tool_call_id and not form.no_id and result.tool_call_id not in encoding.without_id:
        response["id"] = result.tool_call_id
    texts, media = [], []
    for where, inner in parts_in(result, place, mark_failure=False):
        encoded = encode_part(inner, where, encoding)
        if inner.HasField("text"):
            texts.append(inner.text)
            encoding.drop_details(inner, DIALECT, where)
        elif encoded is not None:
            media.append(encoded)
    response["response"] = response_object(result, "\n".join(texts), form)
    if media and (encoding.model.media_in_results or form.media_inside):
        response["parts"] = media
        media = []
    elif media:
        media.insert(0, {"text": f"The result of {name}:"})
    encoding.drop_foreign_details(part, place, DIALECT)
    return add_own_fields({"functionResponse": response}, part), media


def response_object(result: ToolResult, text: str, form: PartForm) -> Any:
    """The response, which must be an object: one is sent as it is, anything else as result, a failure as error."""
    if form.response_key:
        return {form.response_key: text}
    if result.is_error and not form.response_whole:
        return {"error": text}
    try:
        value = decode_json(text)
    except UNREADABLE:
        return {"result": text}
    if not isinstance(value, dict):
        return {"result": value if isinstance(value, list) else text}
    # Google takes a key named $ref for a reference of its own, at any depth, and refuses the request.
    return {"result": text} if '"$ref"' in text else verbatim(text)


def encode_media(part: Part, field: str, encoding: Encoding) -> Json:
    """inlineData or fileData."""
    media = part.media
    encoded = encode_source(media, field, encoding.url)
    if "fileData" in encoded and part_form(part).no_mime_type:
        encoded["fileData"].pop("mimeType", None)
    if media.detail in RESOLUTIONS and encoding.model.media_resolution:
        encoded["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{media.detail.upper()}"}
    elif media.detail not in ("", "auto"):
        encoding.warn(f"{field}.media.detail", "this model takes no detail; it was left out")
    return add_own_fields(encoded, part)


def encode_source(media: Media, field: str, url: str) -> Json:
    """url: the endpoint's, to which the ids of uploaded files belong."""
    match media.WhichOneof("source"):
        case "data":
            return inline(media, "", base64_of(media))
        case "uri" if media.uri.startswith("data:"):
            # Base64 is passed on as it is: the provider checks it.
            return inline(media, *read_data_uri(media.uri, field))
        case "uri":
            return encode_uri(media, field, url)
        case "file_id":
            # Google's Files API knows a file as files/ID, and by the URI that ends so.
            return {"fileData": with_type(media.mime_type, f"{url}/{media.file_id}")}
        case _:
            raise no_source(field)


def inline(media: Media, declared: str, data: str) -> Json:
    mime_type = media.mime_type or declared or default_type(media)
    return {"inlineData": {"mimeType": NORMALISED.get(mime_type, mime_type), "data": data}}


def encode_uri(media: Media, field: str, url: str) -> Json:
    """Google knows the type of a file that was uploaded to it, and of its own videos."""
    parts = split_url(media.uri)
    if parts is None:
        raise invalid(field, f"{field}.media.uri is not a URI: {media.uri[:100]!r}")
    if media.mime_type or parts.hostname in VIDEO_HOSTS or media.uri.startswith((f"{url}/", UPLOADED)):
        return {"fileData": with_type(media.mime_type, media.uri)}
    guessed = mimetypes.guess_type(parts.path)[0] or mimetypes.guess_type(media.filename)[0]
    return {"fileData": with_type(guessed or default_type(media), media.uri)}


def needs_bytes(media: Media, model: str, endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes. Google fetches https URLs whose type it is given, and reads its own files and videos."""
    parts = split_url(media.uri)
    if media.uri.startswith((f"{endpoint.url}/", UPLOADED)) or (parts and parts.hostname in VIDEO_HOSTS):
        return False
    return not (media.mime_type and media.uri.startswith("https:") and endpoint.capabilities_of(model).reads_urls)


def split_url(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def with_type(mime_type: str, uri: str) -> Json:
    return {"mimeType": NORMALISED.get(mime_type, mime_type), "fileUri": uri} if mime_type else {"fileUri": uri}


def default_type(media: Media) -> str:
    return DEFAULT_TYPES.get(media.kind, DOCUMENT)
