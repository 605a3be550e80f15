"""The messages of a conversation as OpenAI's chat completions API and its compatible vendors take them."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from dragoman.v1.chat_pb2 import Tool
from dragoman.v1.content_pb2 import Media, Message, Part, Role
from gateway_dialects.kit.cache_hints import cache_control
from gateway_dialects.kit.diagnostics import Diagnostics, refusal, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, form_of, list_at, merged, object_at
from gateway_dialects.kit.media import KINDS as MEDIA_KINDS
from gateway_dialects.kit.media import data_uri, document_name, document_text, no_source
from gateway_dialects.kit.tool_results import parts_in, results_in
from gateway_dialects.openai import message_fields
from gateway_dialects.openai.alternation import alternating
from gateway_dialects.openai.pictures import FIELD, is_drawn, picture_item
from gateway_dialects.openai.words import AUDIO_FORMATS, DIALECT, ROLE_WORDS, ROLES, MessageForm, PartForm, details_of

PLAIN_ROLES = {ROLES[word]: word for word in ("system", "user", "assistant")}
"""Roles that every vendor knows."""
CONTENT_LIKE = frozenset({"tool_calls", "refusal", "audio", FIELD})
"""Fields of an assistant message that stand in for content; one with neither is refused."""
KINDS = {
    content_pb2.MEDIA_KIND_IMAGE: "pictures",
    content_pb2.MEDIA_KIND_AUDIO: "sound",
    content_pb2.MEDIA_KIND_VIDEO: "video",
    content_pb2.MEDIA_KIND_FILE: "documents",
}
ELSEWHERE = {"type": "text", "text": "What this tool shows stands in the user's message behind the tools' answers."}


def encode_messages(messages: Iterable[Message], quirks: Quirks, diagnostics: Diagnostics) -> list[Json]:
    """Raises GatewayError naming the field for content this dialect cannot carry."""
    encoded: list[Json] = []
    results = ToolResults(quirks, diagnostics)
    for index, message in enumerate(messages):
        if message.role == content_pb2.ROLE_TOOL:
            encoded += results.encode(message, f"messages[{index}]")
            continue
        encoded += results.take_shown()
        encoded.append(encode_plain_message(message) or encode_message(message, quirks, f"messages[{index}]", diagnostics))
    encoded += results.take_shown()
    return alternating(encoded, diagnostics) if quirks.alternating_roles else encoded


def encode_plain_message(message: Message) -> Json | None:
    """The short way for a message that is one text and nothing else, as most are; None for any other."""
    role = PLAIN_ROLES.get(message.role)
    if role is None or len(message.parts) != 1 or message.provider_details_json or message.name:
        return None
    part = message.parts[0]
    if part.WhichOneof("kind") != "text" or part.provider_details_json:
        return None
    if part.HasField("cache_hint") or message.HasField("cache_hint"):
        return None
    if role == "assistant" and (part.HasField("signature") or part.citations):
        return None
    return {"role": role, "content": part.text}


def encode_message(message: Message, quirks: Quirks, field: str, diagnostics: Diagnostics) -> Json:
    """A message object of any role but the tool's."""
    role = message.role
    encoded: Json = {"role": encode_role(role, quirks, field)}
    if message.name:
        encoded["name"] = message.name
    content: list[Json] = []
    for index, part in enumerate(message.parts):
        encode_part(part, encoded, content, f"{field}.parts[{index}]", quirks, diagnostics)
    form = form_of(message, DIALECT, MessageForm)
    set_content(encoded, content, form.content, role)
    if message.provider_details_json:
        encoded.update(own_fields(details_of(message), quirks))
        diagnostics.drop_foreign_details(message, field, DIALECT)
    if message.HasField("cache_hint"):
        add_cache_hint(encoded, message, field, form.cache_control, quirks, diagnostics)
    if role == content_pb2.ROLE_ASSISTANT:
        encode_assistant_fields(message, encoded, field, quirks, diagnostics)
    return encoded


def encode_assistant_fields(message: Message, encoded: Json, field: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    """What belongs to the message, and not to its parts, in this dialect: annotations, the signature of its text, and the
    items that carry signatures of tool calls."""
    annotations: list[Json] = []
    for index, part in enumerate(message.parts):
        if part.HasField("signature"):
            encode_signature(part, encoded, f"{field}.parts[{index}].signature", quirks, diagnostics)
        if part.citations:
            own = [annotation for citation in part.citations if (annotation := details_of(citation))]
            annotations += own
            if len(own) < len(part.citations):
                why = "this provider takes back only citations of its own form"
                diagnostics.drop(f"{field}.parts[{index}].citations", why)
    if annotations:
        encoded["annotations"] = [*annotations, *list_at(encoded, "annotations")]
    if encoded.get("content", "") is None and CONTENT_LIKE.isdisjoint(encoded):
        # Its reasoning was dropped, and there is nothing else.
        encoded["content"] = ""


def encode_signature(part: Part, encoded: Json, field: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    """Gemini's signature, for Google: of a text here, of a tool call in the call. That of a tool call also for vendors that
    gave it among reasoning_details. No other vendor sees it."""
    is_call = part.WhichOneof("kind") == "tool_call"
    if is_call and takes_items(quirks) and (item := form_of(part, DIALECT, PartForm).item) is not None:
        encoded["reasoning_details"] = [*list_at(encoded, "reasoning_details"), message_fields.signature_item(part, item)]
    elif not quirks.extra_content or part.signature.provider != message_fields.SIGNER:
        diagnostics.drop(field, "only the provider that signed it can read it")
    elif not is_call:
        message_fields.add_signature(encoded, part)


def encode_role(role: Role.ValueType, quirks: Quirks, field: str) -> str:
    if role == content_pb2.ROLE_DEVELOPER and not quirks.developer_role:
        return "system"
    if role not in ROLE_WORDS:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")
    return ROLE_WORDS[role]


def encode_part(
    part: Part, encoded: Json, content: list[Json], field: str, quirks: Quirks, diagnostics: Diagnostics
) -> None:
    """Put a part where it belongs: into the content list, or into a field of its own on the message."""
    if part.provider_details_json and not part.HasField("reasoning"):
        diagnostics.drop_foreign_details(part, field, DIALECT)
    match part.WhichOneof("kind"):
        case "text":
            content.append(with_fields({"type": "text", "text": part.text}, part, field, quirks, diagnostics))
        case "media" if quirks.drawn_images and encoded["role"] == "assistant" and is_drawn(part):
            encoded.setdefault(FIELD, []).append(picture_item(part))
        case "media":
            content.append(with_fields(encode_media(part.media, field, quirks), part, field, quirks, diagnostics))
        case "reasoning":
            encode_reasoning(part, encoded, field, quirks, diagnostics)
        case "tool_call":
            encoded.setdefault("tool_calls", []).append(encode_tool_call(part, field, quirks, diagnostics))
        case "refusal":
            if form_of(part, DIALECT, PartForm).place == "content":
                content.append({"type": "refusal", "refusal": part.refusal})
            else:
                encoded["refusal"] = part.refusal
        case "opaque":
            encode_opaque(part, content, field)
        case _:
            raise unusable_part(part, field)


def encode_opaque(part: Part, content: list[Json], field: str) -> None:
    if part.opaque.dialect == DIALECT:
        try:
            content.append(decode_json(part.opaque.json))
        except UNREADABLE:
            raise invalid(field, f"{field}.opaque.json is not JSON") from None
    else:
        raise unusable_part(part, field)


def with_fields(encoded: Json, part: Part, field: str, quirks: Quirks, diagnostics: Diagnostics) -> Json:
    """Add the part's own details and its cache hint."""
    if part.provider_details_json:
        encoded = merged(encoded, own_fields(details_of(part), quirks))
    add_part_hint(encoded, part, field, quirks, diagnostics)
    return encoded


def add_part_hint(encoded: Json, part: Part, field: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    if part.HasField("cache_hint"):
        is_own = form_of(part, DIALECT, PartForm).cache_control
        add_cache_hint(encoded, part, field, is_own, quirks, diagnostics)


def add_cache_hint(
    encoded: Json, holder: Message | Part | Tool, field: str, is_own: bool, quirks: Quirks, diagnostics: Diagnostics
) -> None:
    """is_own: whether the hint was a cache_control of this form. Where it is not sent and the vendor does not cache by
    itself, it is reported."""
    if quirks.cache_control and (is_own or quirks.cache_hints):
        encoded["cache_control"] = cache_control(holder.cache_hint)
    elif not quirks.automatic_cache:
        diagnostics.drop(f"{field}.cache_control", "this provider is not known to take it")


def own_fields(fields: Json, quirks: Quirks) -> Json:
    """The details that this vendor may see: of extra_content Google's part belongs to Google alone. Changes fields."""
    if not quirks.cache_control:
        fields.pop("cache_control", None)
    if "extra_content" in fields and not quirks.extra_content:
        extra = fields.pop("extra_content")
        if rest := {name: value for name, value in extra.items() if name != "google"} if isinstance(extra, dict) else extra:
            fields["extra_content"] = rest
    return fields


def set_content(encoded: Json, content: list[Json], form: str, role: Role.ValueType) -> None:
    """Plain text is sent as a string, which every compatible vendor takes, unless the client's form was another."""
    if form == "absent":
        return
    first = content[0] if len(content) == 1 else None
    if isinstance(first, dict) and form != "list" and first.keys() == {"type", "text"}:
        encoded["content"] = first["text"]
    elif content or form == "list":
        encoded["content"] = content
    elif role == content_pb2.ROLE_ASSISTANT and form != "string":
        encoded["content"] = None
    else:
        encoded["content"] = ""


def encode_tool_call(part: Part, field: str, quirks: Quirks, diagnostics: Diagnostics) -> Json:
    extra: Json = {}
    if part.provider_details_json:
        extra = own_fields(details_of(part), quirks)
        own_fields(object_at(extra, "function"), quirks)
        own_fields(object_at(extra, "custom"), quirks)
    encoded = message_fields.tool_call_object(part.tool_call, extra)
    encoded["id"] = shortened(part.tool_call.id, quirks.longest_call_id)
    if quirks.extra_content:
        message_fields.add_signature(encoded, part)
    add_part_hint(encoded, part, field, quirks, diagnostics)
    return encoded


def takes_items(quirks: Quirks) -> bool:
    """Whether the vendor takes reasoning_details."""
    return bool(quirks.reasoning_field) and quirks.reasoning_details and not quirks.reasoning_field_only


def encode_reasoning(part: Part, encoded: Json, field: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    """Replay reasoning where this vendor reads it. Vendors ignore or refuse each other's: only its own is sent whole."""
    if not quirks.reasoning_field:
        diagnostics.warn(field, "this provider takes no reasoning back; it was left out")
        return
    reasoning, form = part.reasoning, form_of(part, DIALECT, PartForm)
    strings = form.strings
    if (form.item is not None or reasoning.provider == DIALECT) and takes_items(quirks):
        items = encoded.setdefault("reasoning_details", [])
        items += message_fields.items_of_reasoning(reasoning, message_fields.item_head(part, form, len(items)))
    elif (reasoning.signature or reasoning.encrypted) and (form.item is not None or not strings):
        diagnostics.warn(field, "signed reasoning of another provider was left out")
        return
    elif quirks.reasoning_field_only or not strings:
        strings = (quirks.reasoning_field,)
    elif form.item is not None:
        strings = tuple(dict.fromkeys((quirks.reasoning_field, *strings)))
    for name in strings:
        encoded[name] = encoded.get(name, "") + reasoning.text
    diagnostics.drop_foreign_details(part, field, DIALECT)


def encode_media(media: Media, field: str, quirks: Quirks) -> Json:
    kind = media_kind(media)
    if (text := document_text(media, field)) is not None:
        # Chat completions take PDFs as files, and most servers none; a text any model reads.
        return {"type": "text", "text": text}
    if kind in quirks.lacks:
        raise unsupported(field, f"this provider takes no {KINDS[kind]}")
    if kind == content_pb2.MEDIA_KIND_IMAGE:
        image: Json = {"url": uri_of(media, field)}
        if media.detail:
            image["detail"] = media.detail
        return {"type": "image_url", "image_url": image}
    if kind == content_pb2.MEDIA_KIND_AUDIO:
        return {"type": "input_audio", "input_audio": encode_audio(media, field)}
    if kind == content_pb2.MEDIA_KIND_VIDEO:
        return {"type": "video_url", "video_url": {"url": uri_of(media, field)}}
    return {"type": "file", "file": encode_file(media, field)}


def media_kind(media: Media) -> Any:
    return media.kind or MEDIA_KINDS.get(media.mime_type.partition("/")[0], content_pb2.MEDIA_KIND_FILE)


def refuses(media: Media, endpoint: Endpoint) -> str:
    """See Dialect.refuses."""
    return refusal(lambda: encode_media(media, "media", endpoint.quirks))


def needs_bytes(media: Media, _: str, endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes."""
    return media_kind(media) not in endpoint.quirks.reads_urls_of | endpoint.quirks.lacks


def uri_of(media: Media, field: str) -> str:
    match media.WhichOneof("source"):
        case "uri" | "data":
            return data_uri(media)
        case "file_id":
            raise unsupported(field, "this provider takes uploaded files by id only as documents (MEDIA_KIND_FILE)")
        case _:
            raise no_source(field)


def encode_audio(media: Media, field: str) -> Json:
    head, comma, data = uri_of(media, field).partition(",")
    if not (comma and head.startswith("data:")):
        raise unsupported(field, "this provider takes sound only as bytes, not by URL")
    mime_type = head.removeprefix("data:").partition(";")[0]
    return {"data": data, "format": AUDIO_FORMATS.get(mime_type, mime_type.partition("/")[2])}


def encode_file(media: Media, field: str) -> Json:
    if media.WhichOneof("source") == "file_id":
        return {"file_id": media.file_id, **({"filename": media.filename} if media.filename else {})}
    uri = uri_of(media, field)
    if not media.filename and not uri.startswith("data:"):
        return {"file_data": uri}
    return {"file_data": uri, "filename": document_name(media, uri)}


class ToolResults:
    """The results of one turn's calls, one message for each, and the media in them. One for each request.

    OpenAI takes pictures and files from the user only ("Image URLs are only allowed for messages with role 'user'"), and
    every call's answer directly behind the calls. So media of tools are sent in one user message behind all the answers.
    """

    def __init__(self, quirks: Quirks, diagnostics: Diagnostics) -> None:
        self._quirks = quirks
        self._diagnostics = diagnostics
        self._shown: list[Json] = []

    def encode(self, message: Message, field: str) -> Iterator[Json]:
        """Raises GatewayError naming the field for what is no result of a tool."""
        if not message.parts:
            raise invalid(f"{field}.parts", f"{field}.parts is empty: a message of ROLE_TOOL holds tool_result parts")
        self._diagnostics.drop_foreign_details(message, field, DIALECT)
        for place, part in results_in(message, field):
            yield self._message(part, message, place)

    def take_shown(self) -> list[Json]:
        """The user message with the media of the tools since the last one, if there are any."""
        shown, self._shown = self._shown, []
        return [{"role": "user", "content": shown}] if shown else []

    def _message(self, part: Part, message: Message, place: str) -> Json:
        result, form = part.tool_result, form_of(message, DIALECT, MessageForm)
        encoded: Json = {"role": "tool"}
        if result.tool_call_id:
            encoded["tool_call_id"] = shortened(result.tool_call_id, self._quirks.longest_call_id)
        if name := result.name or message.name:
            encoded["name"] = name
        set_content(encoded, self._content(result, encoded, place), form.content, content_pb2.ROLE_TOOL)
        encoded.update(own_fields(details_of(message), self._quirks))
        add_part_hint(encoded, part, place, self._quirks, self._diagnostics)
        if message.HasField("cache_hint"):
            add_cache_hint(encoded, message, place, form.cache_control, self._quirks, self._diagnostics)
        self._diagnostics.drop_foreign_details(part, place)
        return encoded

    def _content(self, result: content_pb2.ToolResult, encoded: Json, place: str) -> list[Json]:
        content: list[Json] = []
        shown: list[Json] = []
        for where, part in parts_in(result, place):
            is_shown = part.HasField("media") and document_text(part.media, where) is None
            elsewhere = is_shown and not self._quirks.media_in_tool_messages
            encode_part(part, encoded, shown if elsewhere else content, where, self._quirks, self._diagnostics)
        if shown:
            call = encoded.get("tool_call_id") or encoded.get("name", "")
            self._shown += [{"type": "text", "text": f"What the tool call {call} shows:"}, *shown]
        return content if content or not shown else [ELSEWHERE]


def shortened(text: str, most: int) -> str:
    """The text, or a hash of it where it is longer than the vendor takes. most: in characters; 0: no bound."""
    if not most or len(text) <= most:
        return text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:most]


def short_user(user: str, most: int, diagnostics: Diagnostics) -> str:
    """The id of an end user, shortened, with a warning where it was."""
    sent = shortened(user, most)
    if sent != user:
        message = f"user is longer than this provider takes ({most} characters); a hash of it was sent, always the same"
        diagnostics.warn("user", message)
    return sent
