"""One message of a client's request in the contract's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    Message,
    Part,
)
from gateway_dialects.kit.fields import (
    array,
    mapping,
    missing,
    required_mapping,
    required_string,
    rest_of,
    string,
    wrong_type,
)
from gateway_dialects.kit.json import Json, json_text

DIALECT = "openai"

ROLES = {
    "system": ROLE_SYSTEM,
    "developer": ROLE_DEVELOPER,
    "user": ROLE_USER,
    "assistant": ROLE_ASSISTANT,
    "tool": ROLE_TOOL,
    "function": ROLE_TOOL,
}
MESSAGE_FIELDS = frozenset({"role", "content", "name"})
TOOL_FIELDS = MESSAGE_FIELDS | {"tool_call_id"}
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"refusal", "tool_calls", "reasoning", "reasoning_content", "reasoning_details"}
AUDIO_TYPES = {"mp3": "audio/mpeg"}
REASONING_STRINGS = ("reasoning_content", "reasoning")


def parse_message(message: Message, value: Any, path: str) -> None:
    """Fill message from a client's message object. Raises GatewayError naming the field at fault."""
    fields = mapping(value, path)
    role = required_string(fields, "role", f"{path}.")
    if role not in ROLES:
        known = ", ".join(ROLES)
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are {known}.")
    message.role = kind = ROLES[role]
    notes: Json = {}
    if kind == ROLE_TOOL:
        parse_tool_result(message, fields, path, notes)
        rest = rest_of(fields, TOOL_FIELDS)
    elif kind == ROLE_ASSISTANT:
        parse_assistant(message, fields, path, notes)
        rest = rest_of(fields, ASSISTANT_FIELDS)
    else:
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        parse_content(message.parts, fields["content"], f"{path}.content", notes)
        rest = rest_of(fields, MESSAGE_FIELDS) if len(fields) > 2 else {}
    if (name := fields.get("name")) is not None and kind != ROLE_TOOL:
        message.name = string(name, f"{path}.name")
    if rest or notes:
        message.provider_details_json[DIALECT] = json_text({**notes, **rest})


def parse_assistant(message: Message, fields: Json, path: str, notes: Json) -> None:
    parse_reasoning(message, fields, path)
    has_content = fields.get("content") is not None
    if has_content:
        parse_content(message.parts, fields["content"], f"{path}.content", notes)
        if fields["content"] == "":
            notes["$content"] = "string"
    elif "content" not in fields:
        notes["$content"] = "absent"
    if (refusal := fields.get("refusal")) is not None:
        message.parts.add().refusal = string(refusal, f"{path}.refusal")
    if (calls := fields.get("tool_calls")) is not None:
        for index, call in enumerate(array(calls, f"{path}.tool_calls")):
            parse_tool_call(message.parts.add(), call, f"{path}.tool_calls[{index}]")
    if not has_content and not message.parts and not fields.get("function_call") and not fields.get("audio"):
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")


def parse_content(
    parts: Any, content: Any, path: str, notes: Json, parse: Callable[[Part, Any, str], None] | None = None
) -> None:
    """Text, or a list of typed parts, appended to parts (a repeated Part field). parse reads one of another form."""
    match content:
        case str():
            if content:
                parts.add().text = content
        case list():
            for index, item in enumerate(content):
                (parse or parse_part)(parts.add(), item, f"{path}[{index}]")
            if len(content) < 2:
                notes["$content"] = "list"
        case _:
            raise wrong_type(path, "string or array", content)


def parse_part(part: Part, value: Any, path: str) -> None:
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = PART_PARSERS.get(kind)
    if parser is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
        return
    details = parser(part, fields, path)
    if len(fields) > 2:
        details.update(rest_of(fields, {"type", kind}))
    if details:
        part.provider_details_json[DIALECT] = json_text(details)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return {}


def parse_refusal(part: Part, fields: Json, path: str) -> Json:
    part.refusal = required_string(fields, "refusal", f"{path}.")
    return {"$in": "content"}


def parse_image(part: Part, fields: Json, path: str) -> Json:
    image = fields.get("image_url")
    if image is None:
        raise missing(f"{path}.image_url")
    if isinstance(image, str):
        image = {"url": image}
    fields = mapping(image, f"{path}.image_url")
    part.media.kind = MEDIA_KIND_IMAGE
    set_uri(part, required_string(fields, "url", f"{path}.image_url."))
    if (detail := fields.get("detail")) is not None:
        part.media.detail = string(detail, f"{path}.image_url.detail")
    return nested("image_url", rest_of(fields, {"url", "detail"}))


def parse_video(part: Part, fields: Json, path: str) -> Json:
    video = required_mapping(fields, "video_url", f"{path}.")
    part.media.kind = MEDIA_KIND_VIDEO
    set_uri(part, required_string(video, "url", f"{path}.video_url."))
    return nested("video_url", rest_of(video, {"url"}))


def parse_audio(part: Part, fields: Json, path: str) -> Json:
    audio = required_mapping(fields, "input_audio", f"{path}.")
    form = required_string(audio, "format", f"{path}.input_audio.")
    data = required_string(audio, "data", f"{path}.input_audio.")
    part.media.kind, part.media.mime_type = MEDIA_KIND_AUDIO, AUDIO_TYPES.get(form, f"audio/{form}")
    part.media.uri = f"data:{part.media.mime_type};base64,{data}"
    return nested("input_audio", rest_of(audio, {"data", "format"}))


def parse_file(part: Part, fields: Json, path: str) -> Json:
    file = required_mapping(fields, "file", f"{path}.")
    part.media.kind = MEDIA_KIND_FILE
    known = {"file_data", "filename"}
    if (data := file.get("file_data")) is not None:
        set_uri(part, string(data, f"{path}.file.file_data"))
    elif (file_id := file.get("file_id")) is not None:
        part.media.file_id = string(file_id, f"{path}.file.file_id")
        known.add("file_id")
    else:
        raise missing(f"{path}.file.file_data", "Give file_data as a data: URI, or the file_id of an uploaded file.")
    if (filename := file.get("filename")) is not None:
        part.media.filename = string(filename, f"{path}.file.filename")
    return nested("file", rest_of(file, known))


def nested(name: str, rest: Json) -> Json:
    return {name: rest} if rest else {}


def set_uri(part: Part, uri: str) -> None:
    """Keep data: URIs as they came: decoding megabytes only to encode them again helps nobody."""
    part.media.uri = uri
    if uri.startswith("data:"):
        part.media.mime_type = uri[5:200].partition(",")[0].partition(";")[0]


PART_PARSERS: Mapping[str, Callable[[Part, Json, str], Json]] = {
    "text": parse_text,
    "image_url": parse_image,
    "input_audio": parse_audio,
    "video_url": parse_video,
    "file": parse_file,
    "refusal": parse_refusal,
}


def parse_tool_result(message: Message, fields: Json, path: str, notes: Json) -> None:
    result = message.parts.add().tool_result
    if fields["role"] == "function":
        notes["$role"] = "function"
    else:
        result.tool_call_id = required_string(fields, "tool_call_id", f"{path}.")
    if (name := fields.get("name")) is not None:
        result.name = string(name, f"{path}.name")
    if fields.get("content") is None:
        raise missing(f"{path}.content")
    parse_content(result.parts, fields["content"], f"{path}.content", notes)


def parse_tool_call(part: Part, value: Any, path: str) -> None:
    call = mapping(value, path)
    kind = call.get("type") or "function"
    if kind not in ("function", "custom"):
        raise invalid(f"{path}.type", f"Invalid value for '{path}.type': use function or custom.")
    inner = required_mapping(call, kind, f"{path}.")
    part.tool_call.id = required_string(call, "id", f"{path}.")
    part.tool_call.name = required_string(inner, "name", f"{path}.{kind}.")
    if kind == "custom":
        part.tool_call.input = required_string(inner, "input", f"{path}.custom.")
    else:
        part.tool_call.arguments_json = required_string(inner, "arguments", f"{path}.function.")
    details = rest_of(call, {"id", "type", kind})
    if extra := rest_of(inner, {"name", "arguments", "input"}):
        details[kind] = extra
    if details:
        part.provider_details_json[DIALECT] = json_text(details)


def parse_reasoning(message: Message, fields: Json, path: str) -> None:
    """Reasoning that a client gives back: in a string field, in OpenRouter's reasoning_details, or in both."""
    present = [name for name in REASONING_STRINGS if fields.get(name) is not None]
    texts = [string(fields[name], f"{path}.{name}") for name in present]
    items = fields.get("reasoning_details")
    if items is not None and array(items, f"{path}.reasoning_details"):
        for index, item in enumerate(items):
            also = present[0] if present else None
            parse_reasoning_item(message.parts.add(), item, f"{path}.reasoning_details[{index}]", also)
    elif present:
        part = message.parts.add()
        part.reasoning.text = texts[0]
        if present != ["reasoning_content"]:
            note = {"$field": present[0]} | ({"$also": present[1]} if len(present) > 1 else {})
            part.provider_details_json[DIALECT] = json_text(note)


def parse_reasoning_item(part: Part, value: Any, path: str, also: str | None) -> None:
    """One item of reasoning_details. also: the string field that repeats the texts of all items."""
    item, reasoning = mapping(value, path), part.reasoning
    for name, target in REASONING_TARGETS.items():
        if (text := item.get(name)) is not None:
            setattr(reasoning, target, string(text, f"{path}.{name}"))
    reasoning.summary = item.get("summary") is not None
    notes = {"$field": "reasoning_details"} | ({"$also": also} if also else {})
    rest = rest_of(item, frozenset(REASONING_TARGETS))
    part.provider_details_json[DIALECT] = json_text({**rest, **notes})


REASONING_TARGETS = {"text": "text", "summary": "text", "signature": "signature", "data": "encrypted"}
