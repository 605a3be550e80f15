"""One message of a request of Mistral's form in the contract's terms.

Source: https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, Message, Part
from gateway_dialects.kit.fields import array, mapping, missing, required_string, rest_of, string
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.parse_messages import DIALECT as OPENAI
from gateway_dialects.openai.parse_messages import ROLES, parse_content, parse_image, parse_text, parse_tool_call, set_uri

DIALECT = "mistral"
MESSAGE_FIELDS = frozenset({"role", "content"})
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"tool_calls"}
TOOL_FIELDS = MESSAGE_FIELDS | {"tool_call_id", "name"}
KNOWN_ROLES = ("system", "user", "assistant", "tool")


def claim(holder: Any) -> None:
    """Make what OpenAI's parser noted about a part or tool a note for this dialect."""
    if OPENAI in holder.provider_details_json:
        holder.provider_details_json[DIALECT] = holder.provider_details_json.pop(OPENAI)


def parse_message(message: Message, value: Any, path: str) -> None:
    """Fill message from a client's message object. Raises GatewayError naming the field at fault."""
    fields = mapping(value, path)
    role = required_string(fields, "role", f"{path}.")
    if role not in KNOWN_ROLES:
        known = ", ".join(KNOWN_ROLES)
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are {known}.")
    message.role = ROLES[role]
    notes: Json = {}
    if role == "tool":
        parse_tool_result(message, fields, path, notes)
        rest = rest_of(fields, TOOL_FIELDS)
    elif role == "assistant":
        parse_assistant(message, fields, path, notes)
        rest = rest_of(fields, ASSISTANT_FIELDS)
    else:
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        parse_content(message.parts, fields["content"], f"{path}.content", notes, parse_chunk)
        rest = rest_of(fields, MESSAGE_FIELDS)
    if rest or notes:
        message.provider_details_json[DIALECT] = json_text({**notes, **rest})


def parse_assistant(message: Message, fields: Json, path: str, notes: Json) -> None:
    content = fields.get("content")
    if content is not None:
        parse_content(message.parts, content, f"{path}.content", notes, parse_chunk)
        if content == "":
            notes["$content"] = "string"
    elif "content" not in fields:
        notes["$content"] = "absent"
    for index, call in enumerate(array(fields.get("tool_calls") or [], f"{path}.tool_calls")):
        parse_call(message.parts.add(), call, f"{path}.tool_calls[{index}]")
    if content is None and not message.parts:
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")


def parse_call(part: Part, value: Any, path: str) -> None:
    """Like OpenAI's, but arguments may be the object itself, and the id may be left out."""
    call = mapping(value, path)
    function = mapping(call.get("function"), f"{path}.function")
    if isinstance(function.get("arguments"), dict):
        function = {**function, "arguments": json_text(function["arguments"])}
    parse_tool_call(part, {"id": "", **call, "function": function}, path)
    claim(part)


def parse_tool_result(message: Message, fields: Json, path: str, notes: Json) -> None:
    result = message.parts.add().tool_result
    for name, target in (("tool_call_id", "tool_call_id"), ("name", "name")):
        if (given := fields.get(name)) is not None:
            setattr(result, target, string(given, f"{path}.{name}"))
    parse_content(result.parts, fields.get("content") or "", f"{path}.content", notes, parse_chunk)


def parse_chunk(part: Part, value: Any, path: str) -> None:
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = CHUNK_PARSERS.get(kind)
    if parser is None or not parser(part, fields, path):
        part.Clear()
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    claim(part)


def note(part: Part, details: Json) -> None:
    if details:
        part.provider_details_json[DIALECT] = json_text(details)


def parse_text_chunk(part: Part, fields: Json, path: str) -> bool:
    parse_text(part, fields, path)
    note(part, rest_of(fields, {"type", "text"}))
    return True


def parse_image_chunk(part: Part, fields: Json, path: str) -> bool:
    parse_image(part, fields, path)
    note(part, {"$form": "string"} if isinstance(fields["image_url"], str) else {})
    return True


def parse_thinking(part: Part, fields: Json, path: str) -> bool:
    """False: thinking that holds more than text, to be carried as it is."""
    chunks = array(fields.get("thinking"), f"{path}.thinking")
    if any(not isinstance(chunk, dict) or chunk.get("type") != "text" for chunk in chunks):
        return False
    part.reasoning.text = "".join(
        required_string(chunk, "text", f"{path}.thinking[{index}].") for index, chunk in enumerate(chunks)
    )
    if (signature := fields.get("signature")) is not None:
        part.reasoning.signature = string(signature, f"{path}.signature")
        part.reasoning.provider = DIALECT
    part.provider_details_json[DIALECT] = json_text(
        {"$field": "content", **rest_of(fields, {"type", "thinking", "signature"})}
    )
    return True


def parse_document(part: Part, fields: Json, path: str) -> bool:
    part.media.kind = MEDIA_KIND_FILE
    set_uri(part, required_string(fields, "document_url", f"{path}."))
    if (name := fields.get("document_name")) is not None:
        part.media.filename = string(name, f"{path}.document_name")
    note(part, rest_of(fields, {"type", "document_url", "document_name"}))
    return True


def parse_file(part: Part, fields: Json, path: str) -> bool:
    part.media.kind = MEDIA_KIND_FILE
    part.media.file_id = required_string(fields, "file_id", f"{path}.")
    note(part, rest_of(fields, {"type", "file_id"}))
    return True


def parse_audio(part: Part, fields: Json, path: str) -> bool:
    """By URL, as base64, or as an object of base64 and format."""
    given = fields.get("input_audio")
    if given is None:
        raise missing(f"{path}.input_audio")
    part.media.kind = MEDIA_KIND_AUDIO
    if isinstance(given, str):
        is_uri = given.startswith(("http:", "https:", "data:"))
        set_uri(part, given if is_uri else f"data:audio/mpeg;base64,{given}")
        note(part, {"$form": "uri" if is_uri else "string"})
        return True
    sound = mapping(given, f"{path}.input_audio")
    form = required_string(sound, "format", f"{path}.input_audio.")
    part.media.mime_type = "audio/mpeg" if form == "mp3" else f"audio/{form}"
    part.media.uri = f"data:{part.media.mime_type};base64,{required_string(sound, 'data', f'{path}.input_audio.')}"
    return True


CHUNK_PARSERS: Mapping[str, Callable[[Part, Json, str], bool]] = {
    "text": parse_text_chunk,
    "image_url": parse_image_chunk,
    "thinking": parse_thinking,
    "document_url": parse_document,
    "file": parse_file,
    "input_audio": parse_audio,
}
