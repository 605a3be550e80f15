"""One message of a conversation in the words of OpenAI's chat completions API."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, assert_never

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Media,
    MediaKind,
    Message,
    Part,
    Reasoning,
    Role,
    ToolResult,
)
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.kit.failed_tools import told_parts
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.openai.words import DIALECT, details_of

ROLES = {
    ROLE_SYSTEM: "system",
    ROLE_DEVELOPER: "developer",
    ROLE_USER: "user",
    ROLE_ASSISTANT: "assistant",
}
PLAIN_ROLES = {role: ROLES[role] for role in (ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT)}
"""Roles that every vendor knows."""
SAYING = frozenset({"tool_calls", "refusal", "audio", "function_call"})
"""What makes up for content in an assistant's message; one with neither is refused."""
KINDS = {MEDIA_KIND_IMAGE: "pictures", MEDIA_KIND_AUDIO: "sound", MEDIA_KIND_VIDEO: "video", MEDIA_KIND_FILE: "documents"}
AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}


def encode_plain_message(message: Message) -> Json | None:
    """The short way for a message that is one text and nothing else, as most are; None for any other."""
    role = PLAIN_ROLES.get(message.role)
    if role is None or len(message.parts) != 1 or message.provider_details_json or message.name:
        return None
    part = message.parts[0]
    if part.WhichOneof("kind") != "text" or part.provider_details_json:
        return None
    return {"role": role, "content": part.text}


def encode_message(message: Message, quirks: Quirks, field: str, warnings: list[Warning]) -> Json:
    """A message object of any role but the tool's. Raises GatewayError naming the field for content this dialect cannot
    carry."""
    role = message.role
    details = details_of(message) if message.provider_details_json else {}
    encoded: Json = {"role": encode_role(role, quirks, field)}
    if message.name:
        encoded["name"] = message.name
    content: list[Json] = []
    for index, part in enumerate(message.parts):
        encode_part(part, encoded, content, f"{field}.parts[{index}]", quirks, warnings)
    set_content(encoded, content, details.get("$content"), role)
    if details:
        encoded.update(without_foreign(fields_of(details), quirks))
    if role == ROLE_ASSISTANT and encoded.get("content", "") is None and SAYING.isdisjoint(encoded):
        # Its reasoning was left out, and nothing else was said.
        encoded["content"] = ""
    return encoded


def encode_role(role: Role.ValueType, quirks: Quirks, field: str) -> str:
    if role == ROLE_DEVELOPER and not quirks.developer_role:
        return "system"
    if role not in ROLES:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")
    return ROLES[role]


def encode_part(part: Part, encoded: Json, content: list[Json], field: str, quirks: Quirks, warnings: list[Warning]) -> None:
    """Put a part where it belongs: into the content list, or into a field of its own on the message."""
    match part.WhichOneof("kind"):
        case "text":
            content.append(with_fields({"type": "text", "text": part.text}, part, quirks))
        case "media":
            content.append(with_fields(encode_media(part.media, field, quirks), part, quirks))
        case "reasoning":
            encode_reasoning(part, encoded, field, quirks, warnings)
        case "tool_call":
            encoded.setdefault("tool_calls", []).append(encode_tool_call(part, quirks))
        case "refusal":
            if details_of(part).get("$in") == "content":
                content.append({"type": "refusal", "refusal": part.refusal})
            else:
                encoded["refusal"] = part.refusal
        case "opaque" if part.opaque.dialect == DIALECT:
            content.append(decode_json(part.opaque.json))
        case "opaque":
            raise unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case "tool_result":
            raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case None:
            raise invalid(field, f"{field} has no kind: set text, media, tool_call ...")
        case unknown:
            assert_never(unknown)


def with_fields(encoded: Json, part: Part, quirks: Quirks) -> Json:
    """Add the part's own details: cache_control and whatever else a client put there."""
    if part.provider_details_json:
        for name, value in without_foreign(fields_of(details_of(part)), quirks).items():
            known = encoded.get(name)
            encoded[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return encoded


def set_content(encoded: Json, content: list[Json], form: str | None, role: Role.ValueType) -> None:
    """Plain text travels as a string, which every compatible vendor takes; the client's own form wins where it is noted."""
    if form == "absent":
        return
    if form == "null":
        encoded["content"] = None
    elif len(content) == 1 and form != "list" and content[0].keys() == {"type", "text"}:
        encoded["content"] = content[0]["text"]
    elif content or form == "list":
        encoded["content"] = content
    elif role == ROLE_ASSISTANT and form != "string":
        encoded["content"] = None
    else:
        encoded["content"] = ""


def encode_tool_call(part: Part, quirks: Quirks) -> Json:
    call = part.tool_call
    details = details_of(part)
    if call.HasField("input"):
        inner, kind = {"name": call.name, "input": call.input}, "custom"
    else:
        inner, kind = {"name": call.name, "arguments": call.arguments_json}, "function"
    extra = without_foreign(fields_of(details), quirks)
    call_id = shortened(call.id, quirks.longest_call_id)
    return {"id": call_id, "type": kind, **extra, kind: {**inner, **without_foreign(extra.get(kind, {}), quirks)}}


def encode_reasoning(part: Part, encoded: Json, field: str, quirks: Quirks, warnings: list[Warning]) -> None:
    """Replay reasoning where this vendor reads it. Vendors ignore or refuse each other's, so only its own goes back."""
    if not quirks.reasoning_field:
        warnings.append(Warning(field=field, message="this provider takes no reasoning back; it was left out"))
        return
    reasoning, details = part.reasoning, details_of(part)
    place = details.get("$field", "content")
    unknown_place = place == "reasoning_details" and not quirks.reasoning_details
    if place == "content" or quirks.reasoning_field_only or unknown_place:
        # content is Mistral's place, and this dialect's for text.
        place = quirks.reasoning_field
    if place == "reasoning_details":
        encoded.setdefault("reasoning_details", []).append(encode_reasoning_detail(reasoning, fields_of(details)))
        if also := details.get("$also"):
            encoded[also] = encoded.get(also, "") + reasoning.text
    elif reasoning.signature or reasoning.encrypted:
        warnings.append(Warning(field=field, message="signed reasoning of another provider was left out"))
    else:
        encoded[place] = encoded.get(place, "") + reasoning.text
        if (also := details.get("$also")) and not quirks.reasoning_field_only:
            encoded[also] = encoded[place]


def encode_reasoning_detail(reasoning: Reasoning, fields: Json) -> Json:
    """One item of reasoning_details (https://openrouter.ai/docs, reasoning tokens)."""
    item: Json = dict(fields)
    if reasoning.encrypted:
        item.setdefault("data", reasoning.encrypted)
    elif reasoning.summary:
        item.setdefault("summary", reasoning.text)
    else:
        item.setdefault("text", reasoning.text)
    if reasoning.signature:
        item.setdefault("signature", reasoning.signature)
    return item


def encode_media(media: Media, field: str, quirks: Quirks) -> Json:
    kind = media_kind(media)
    if kind in quirks.lacks:
        raise unsupported(field, f"this provider takes no {KINDS[kind]}")
    if kind == MEDIA_KIND_IMAGE:
        image: Json = {"url": uri_of(media, field)}
        if media.detail:
            image["detail"] = media.detail
        return {"type": "image_url", "image_url": image}
    if kind == MEDIA_KIND_AUDIO:
        return {"type": "input_audio", "input_audio": encode_audio(media, field)}
    if kind == MEDIA_KIND_VIDEO:
        return {"type": "video_url", "video_url": {"url": uri_of(media, field)}}
    return {"type": "file", "file": encode_file(media, field)}


def media_kind(media: Media) -> Any:
    if media.kind:
        return media.kind
    kind = media.mime_type.partition("/")[0].upper()
    return MediaKind.Value(f"MEDIA_KIND_{kind}") if kind in ("IMAGE", "AUDIO", "VIDEO") else MEDIA_KIND_FILE


def needs_bytes(media: Media, _: str, endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes."""
    return media_kind(media) not in endpoint.quirks.reads_urls_of | endpoint.quirks.lacks


def uri_of(media: Media, field: str) -> str:
    match media.WhichOneof("source"):
        case "uri":
            return media.uri
        case "data":
            return f"data:{media.mime_type};base64,{base64.b64encode(media.data).decode()}"
        case "file_id":
            raise unsupported(field, "this provider takes uploaded files by id only as documents (MEDIA_KIND_FILE)")
        case _:
            raise invalid(field, f"{field}.media has no source: set data, uri or file_id")


def encode_audio(media: Media, field: str) -> Json:
    head, comma, data = uri_of(media, field).partition(",")
    if not (comma and head.startswith("data:")):
        raise unsupported(field, "this provider takes sound only as bytes, not by URL")
    mime_type = head.removeprefix("data:").partition(";")[0]
    return {"data": data, "format": AUDIO_FORMATS.get(mime_type, mime_type.partition("/")[2])}


def encode_file(media: Media, field: str) -> Json:
    file: Json = {}
    if media.WhichOneof("source") == "file_id":
        file["file_id"] = media.file_id
    else:
        file["file_data"] = uri_of(media, field)
    if media.filename:
        file["filename"] = media.filename
    return file


ELSEWHERE = {"type": "text", "text": "What this tool shows stands in the user's message behind the tools' answers."}


class ToolResults:
    """The results of one turn's calls, and what they show. One for each request."""

    def __init__(self, quirks: Quirks, warnings: list[Warning]) -> None:
        self._quirks = quirks
        self._warnings = warnings
        self._shown: list[Json] = []

    def encode(self, message: Message, field: str) -> Iterator[Json]:
        """Raises GatewayError naming the field for what is no result of a tool."""
        if not message.parts:
            raise invalid(f"{field}.parts", f"{field}.parts is empty: a message of ROLE_TOOL holds tool_result parts")
        details = details_of(message) if message.provider_details_json else {}
        for index, part in enumerate(message.parts):
            if part.WhichOneof("kind") != "tool_result":
                where = f"{field}.parts[{index}]"
                raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts")
            yield self._message(part.tool_result, message, f"{field}.parts[{index}].tool_result", details)

    def take_shown(self) -> Json | None:
        """The user message that shows what the tools gave since the last one. None: nothing."""
        shown, self._shown = self._shown, []
        return {"role": "user", "content": shown} if shown else None

    def _message(self, result: ToolResult, message: Message, field: str, details: Json) -> Json:
        encoded: Json = {"role": details.get("$role", "tool")}
        if result.tool_call_id:
            encoded["tool_call_id"] = shortened(result.tool_call_id, self._quirks.longest_call_id)
        if name := result.name or message.name:
            encoded["name"] = name
        content = self._content(result, encoded, field)
        set_content(encoded, content, details.get("$content"), ROLE_TOOL)
        return {**encoded, **without_foreign(fields_of(details), self._quirks)}

    def _content(self, result: ToolResult, encoded: Json, field: str) -> list[Json]:
        content: list[Json] = []
        shown: list[Json] = []
        for index, part in enumerate(told_parts(result)):
            where = f"{field}.parts[{index}]"
            kind = part.WhichOneof("kind")
            if kind not in ("text", "media", "opaque"):
                raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
            elsewhere = kind == "media" and not self._quirks.media_in_tool_messages
            encode_part(part, encoded, shown if elsewhere else content, where, self._quirks, self._warnings)
        if shown:
            call = encoded.get("tool_call_id") or encoded.get("name", "")
            self._shown += [{"type": "text", "text": f"What the tool call {call} shows:"}, *shown]
        return content if content or not shown else [ELSEWHERE]


LITELLM_FIELDS = ("provider_specific_fields", "thinking_blocks")


def without_foreign(fields: Json, quirks: Quirks) -> Json:
    """The fields of a message, a part, a tool or a call that this vendor may see. Changes fields."""
    for name in LITELLM_FIELDS:
        fields.pop(name, None)
    if not quirks.cache_control:
        fields.pop("cache_control", None)
    if "extra_content" in fields and not quirks.extra_content:
        rest = without_google(fields.pop("extra_content"))
        if rest:
            fields["extra_content"] = rest
    return fields


def without_google(extra: Any) -> Any:
    return {name: value for name, value in extra.items() if name != "google"} if isinstance(extra, dict) else extra


def shortened(text: str, most: int) -> str:
    """The text, or what stands for it where it is longer than the vendor takes: the same for the same text, and another for
    another. most: in characters; 0: no bound."""
    if not most or len(text) <= most:
        return text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:most]


def short_user(user: str, most: int, warnings: list[Warning]) -> str:
    """The id of an end user, shortened, with a warning where it was."""
    sent = shortened(user, most)
    if sent != user:
        message = f"user is longer than this provider takes ({most} characters); a hash of it was sent, always the same"
        warnings.append(Warning(field="user", message=message))
    return sent
