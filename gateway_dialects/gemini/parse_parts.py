"""A Part of a client's Content in the contract's terms, and readers of the JSON form of protocol buffers, which Google's
clients write.

Sources: https://ai.google.dev/api/caching#Part, https://protobuf.dev/programming-guides/json and recorded requests. Fields
may be named in lowerCamelCase or as the proto names them, null says nothing, numbers may be strings, and bytes are base64 in
either alphabet. Google's own servers also take one object where a list belongs, and its documentation uses that.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Opaque, Part
from gateway_dialects.gemini import words
from gateway_dialects.gemini.decode_parts import decode_part, set_rest, sign
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, PartForm, camel, plain
from gateway_dialects.kit.fields import boolean, integer, mapping, missing, number, required_string, string, wrong_type
from gateway_dialects.kit.json import Json, json_text, set_form

RESULT_KEYS = frozenset({"result", "output", "error"})
"""What clients wrap the text of a tool's answer in, since it must be an object."""


def parse_part(value: object, path: str) -> Part:
    """Anything but a functionResponse. Kinds that the contract does not name are carried as they are."""
    if isinstance(value, str):
        return Part(text=value)
    fields = fields_in(value, path)
    kinds = [name for name in KINDS if name in fields]
    if "functionResponse" in fields:
        raise invalid(path, f"'{path}': a functionResponse belongs in a content of the role user.")
    if not kinds and fields.keys() <= {SIGNATURE, "thought"}:
        kinds, fields = ["text"], {"text": "", **fields}
    if "partMetadata" in fields and (foreign := restore_foreign(fields)) is not None:
        return foreign
    if len(kinds) != 1 or (fields.get("thought") is True and kinds != ["text"]):
        return Part(opaque=Opaque(dialect=DIALECT, json=json_text(value)))
    check_part(fields, kinds[0], path)
    return decode_part(fields, None)


def check_part(fields: Json, kind: str, path: str) -> None:
    """Checks the types in a Part of this kind, and gives the fields of its object their names."""
    if kind == "text":
        string(fields["text"], f"{path}.text")
        if "thought" in fields:
            boolean(fields["thought"], f"{path}.thought")
    else:
        where = f"{path}.{kind}"
        inner = fields[kind] = fields_in(fields[kind], where)
        for name, (reader, is_required) in KINDS[kind].items():
            if name in inner:
                reader(inner[name], f"{where}.{name}")
            elif is_required:
                raise missing(f"{where}.{name}")
    if SIGNATURE in fields:
        string(fields[SIGNATURE], f"{path}.{SIGNATURE}")
    if "thought" in fields and fields["thought"] is not True:
        del fields["thought"]


def address(value: Any, path: str) -> None:
    if not string(value, path):
        raise missing(path)


KINDS: Mapping[str, Mapping[str, tuple[Callable[[Any, str], object], bool]]] = {
    "text": {},
    "functionCall": {"name": (string, True), "args": (mapping, False), "id": (string, False)},
    "inlineData": {"mimeType": (string, True), "data": (string, True)},
    "fileData": {"fileUri": (address, True), "mimeType": (string, False)},
}
"""The fields of the object in a Part, by the Part's kind: what reads each, and whether it is required."""


def restore_foreign(fields: Json) -> Part | None:
    """What another dialect's answer held, as render_answer wrote it."""
    match fields["partMetadata"]:
        case {words.CARRIER: {"dialect": str(dialect), "content": dict(content)}}:
            return Part(opaque=Opaque(dialect=dialect, json=json_text(content)))
    return None


def parse_result(part: Part, value: Json, path: str) -> None:
    """A functionResponse. What a tool answered is under one of several keys, or is the object itself."""
    where = f"{path}.functionResponse"
    given = fields_in(value["functionResponse"], where)
    result = part.tool_result
    result.name = required_string(given, "name", f"{where}.")
    result.tool_call_id = string(given.get("id", ""), f"{where}.id")
    response = mapping(given.get("response", {}), f"{where}.response")
    result.is_error = response.get("error") is not None
    key = next(iter(response)) if len(response) == 1 else ""
    if not (key in RESULT_KEYS and isinstance(response[key], str)):
        key = ""
    result.parts.add().text = response[key] if key else json_text(response)
    if "parts" in given:
        for index, item in enumerate(listed(given["parts"], f"{where}.parts")):
            result.parts.append(parse_part(item, f"{where}.parts[{index}]"))
    sign(part, string(value.get(SIGNATURE, ""), f"{path}.{SIGNATURE}"))
    set_rest(part, {**value, "functionResponse": given}, "functionResponse")
    no_id, has_media = not result.tool_call_id, "parts" in given
    form = PartForm(no_id=no_id, response_key=key, response_whole=not key, media_inside=has_media)
    set_form(part, DIALECT, form)


def fields_in(value: Any, path: str) -> Json:
    """An object's fields by their lowerCamelCase names, without those that are null. What they hold stays as it is. path:
    empty for the body."""
    fields: Json = {}
    for name, item in mapping(value, path or "body").items():
        if item is None:
            continue
        known = camel(name) if "_" in name else name
        if known in fields:
            param = f"{path}.{known}" if path else known
            raise invalid(param, f"'{param}' is given twice, as {name} and in its other spelling.")
        fields[known] = item
    return fields


def listed(value: Any, path: str) -> list[Any]:
    """A list; one value alone is a list of one."""
    if isinstance(value, list):
        return value
    if isinstance(value, (dict, str)):
        return [value]
    raise wrong_type(path, "array", value)


def whole(value: Any, path: str) -> int:
    """An integer of 64 bits, also as a string or as a float without a fraction."""
    return integer(plain(value), path)


def small(value: Any, path: str) -> int:
    """An integer of 32 bits."""
    return integer(plain(value), path, 32)


def real(value: Any, path: str) -> float:
    """A number, also as a string."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise wrong_type(path, "number", value) from None
    return number(value, path)
