"""One Part of a Content in the contract's terms. Source: https://ai.google.dev/api/caching#Part and recorded requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    MediaKind,
    Part,
    Reasoning,
)
from gateway_dialects.gemini.server.details import DIALECT, set_details
from gateway_dialects.gemini.server.proto_json import fields_in, listed, standard_base64
from gateway_dialects.kit.fields import boolean, mapping, missing, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text

SIGNATURE = "thoughtSignature"
CARRIER = "dragoman"
"""The key in partMetadata under which an answer holds what this dialect has no words for."""
MEDIA_KINDS = {"image": MEDIA_KIND_IMAGE, "audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}
RESULT_KEYS = frozenset({"result", "output", "error"})
"""What clients wrap the text of a tool's answer in, since it must be an object."""


def parse_part(part: Part, value: object, path: str) -> None:
    """Anything but a functionResponse. Kinds that the contract does not name are carried as they are."""
    if isinstance(value, str):
        part.text = value
        return
    fields = fields_in(value, path)
    kinds = [name for name in PARSERS if name in fields]
    if "functionResponse" in fields:
        raise invalid(path, f"'{path}': a functionResponse belongs in a content of the role user.")
    if not kinds and fields.keys() <= {SIGNATURE, "thought"}:
        kinds, fields = ["text"], {"text": "", **fields}
    if restore_foreign(part, fields):
        return
    if len(kinds) != 1 or (fields.get("thought") is True and kinds != ["text"]):
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
        return
    set_details(part, PARSERS[kinds[0]](part, fields, path))


def parse_text(part: Part, fields: Json, path: str) -> Json:
    text = string(fields["text"], f"{path}.text")
    rest = rest_of(fields, {"text", "thought"})
    if "thought" in fields and boolean(fields["thought"], f"{path}.thought"):
        part.reasoning.CopyFrom(Reasoning(text=text, summary=True))
        return rest or {"$thought": True}
    part.text = text
    return rest


def parse_call(part: Part, fields: Json, path: str) -> Json:
    where = f"{path}.functionCall"
    call = fields_in(fields["functionCall"], where)
    part.tool_call.name = required_string(call, "name", f"{where}.")
    part.tool_call.arguments_json = json_text(mapping(call["args"], f"{where}.args")) if "args" in call else "{}"
    details = nested(fields, "functionCall", rest_of(call, {"id", "name", "args"}))
    if "id" in call and string(call["id"], f"{where}.id"):
        part.tool_call.id = call["id"]
    else:
        details["$id"] = False
    return details


def parse_blob(part: Part, fields: Json, path: str) -> Json:
    """Kept as base64: decoding megabytes only to encode them again helps nobody."""
    where = f"{path}.inlineData"
    blob = fields_in(fields["inlineData"], where)
    part.media.mime_type = required_string(blob, "mimeType", f"{where}.")
    part.media.kind = kind_of(part.media.mime_type)
    data = standard_base64(required_string(blob, "data", f"{where}."))
    part.media.uri = f"data:{part.media.mime_type};base64,{data}"
    return nested(fields, "inlineData", rest_of(blob, {"mimeType", "data"}))


def parse_file(part: Part, fields: Json, path: str) -> Json:
    where = f"{path}.fileData"
    file = fields_in(fields["fileData"], where)
    part.media.uri = required_string(file, "fileUri", f"{where}.")
    if not part.media.uri:
        raise missing(f"{where}.fileUri")
    details = nested(fields, "fileData", rest_of(file, {"mimeType", "fileUri"}))
    if "mimeType" in file:
        part.media.mime_type = string(file["mimeType"], f"{where}.mimeType")
    else:
        details["$type"] = False
    part.media.kind = kind_of(part.media.mime_type)
    return details


def nested(fields: Json, kind: str, inner: Json) -> Json:
    """What the contract does not name of a part, and of the object that it holds."""
    details = rest_of(fields, {kind, "thought"})
    if inner:
        details[kind] = inner
    return details


PARSERS: Mapping[str, Callable[[Part, Json, str], Json]] = {
    "text": parse_text,
    "functionCall": parse_call,
    "inlineData": parse_blob,
    "fileData": parse_file,
}


def kind_of(mime_type: str) -> MediaKind.ValueType:
    return MEDIA_KINDS.get(mime_type.partition("/")[0], MEDIA_KIND_FILE)


def restore_foreign(part: Part, fields: Json) -> bool:
    """What another dialect's answer held, as render.py shows it."""
    metadata = fields.get("partMetadata")
    carried = metadata.get(CARRIER) if isinstance(metadata, dict) else None
    if not isinstance(carried, dict):
        return False
    dialect, content = carried.get("dialect"), carried.get("content")
    if not (isinstance(dialect, str) and isinstance(content, dict)):
        return False
    part.opaque.dialect, part.opaque.json = dialect, json_text(content)
    return True


def parse_result(part: Part, value: Json, path: str) -> None:
    """A functionResponse. What a tool said stands under one of several keys, or is the object itself."""
    where = f"{path}.functionResponse"
    given = fields_in(value["functionResponse"], where)
    result = part.tool_result
    result.name = required_string(given, "name", f"{where}.")
    details = nested(value, "functionResponse", rest_of(given, {"id", "name", "response", "parts"}))
    if "id" in given and string(given["id"], f"{where}.id"):
        result.tool_call_id = given["id"]
    else:
        details["$id"] = False
    details.update(parse_response(part, mapping(given.get("response", {}), f"{where}.response")))
    if "parts" in given:
        details["$media"] = True
        for index, item in enumerate(listed(given["parts"], f"{where}.parts")):
            parse_part(result.parts.add(), item, f"{where}.parts[{index}]")
    set_details(part, details)


def parse_response(part: Part, response: Json) -> Json:
    """The notes that give back the same object."""
    result = part.tool_result
    result.is_error = response.get("error") is not None
    key = next(iter(response)) if len(response) == 1 else ""
    if key in RESULT_KEYS and isinstance(response[key], str):
        result.parts.add().text = response[key]
        return {"$key": key}
    result.parts.add().text = json_text(response)
    return {"$response": True}
