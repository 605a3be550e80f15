"""The pieces of a message's or a tool output's content.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, Part
from gateway_dialects.kit.fields import mapping, missing, required_string, rest_of, string, wrong_type
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.parse_messages import AUDIO_TYPES, set_uri
from gateway_dialects.openai_responses.server_details import DIALECT, set_details

EMPTY_LISTS = frozenset({"annotations", "logprobs"})
"""Written by every answer and saying nothing when empty."""


def parse_content(parts: Any, content: Any, path: str) -> Json:
    """Append text, or a list of typed pieces, to parts (a repeated Part field). Returns the notes of the client's form."""
    match content:
        case str():
            if content:
                parts.add().text = content
            return {}
        case list():
            for index, piece in enumerate(content):
                parse_piece(parts.add(), piece, f"{path}[{index}]")
            return {"$content": "list"} if len(content) < 2 else {}
        case None:
            raise missing(path)
        case _:
            raise wrong_type(path, "string or array", content)


def parse_piece(part: Part, value: Any, path: str) -> None:
    """A piece of a type that the contract does not name is carried as it is."""
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = PARSERS.get(kind)
    if parser is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    elif details := parser(part, fields, path):
        set_details(part, details)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    rest = rest_of(fields, {"type", "text"}) if len(fields) > 2 else {}
    return {name: value for name, value in rest.items() if value != [] or name not in EMPTY_LISTS}


def parse_refusal(part: Part, fields: Json, path: str) -> Json:
    part.refusal = required_string(fields, "refusal", f"{path}.")
    return rest_of(fields, {"type", "refusal"})


def parse_image(part: Part, fields: Json, path: str) -> Json:
    part.media.kind = MEDIA_KIND_IMAGE
    if (file_id := fields.get("file_id")) is not None:
        part.media.file_id = string(file_id, f"{path}.file_id")
    elif (url := fields.get("image_url")) is not None:
        set_uri(part, string(url, f"{path}.image_url"))
    else:
        raise missing(f"{path}.image_url", "Give image_url as a URL or data: URI, or the file_id of an uploaded file.")
    if (detail := fields.get("detail")) is not None:
        part.media.detail = string(detail, f"{path}.detail")
    return rest_of(fields, {"type", "image_url", "file_id", "detail"})


def parse_file(part: Part, fields: Json, path: str) -> Json:
    part.media.kind = MEDIA_KIND_FILE
    if (filename := fields.get("filename")) is not None:
        part.media.filename = string(filename, f"{path}.filename")
    if (file_id := fields.get("file_id")) is not None:
        part.media.file_id = string(file_id, f"{path}.file_id")
    elif (data := fields.get("file_data")) is not None:
        set_uri(part, data_uri(string(data, f"{path}.file_data"), part.media.filename))
    elif (url := fields.get("file_url")) is not None:
        part.media.uri = string(url, f"{path}.file_url")
    else:
        raise missing(f"{path}.file_data", "Give file_data as a data: URI, a file_url, or the file_id of an uploaded file.")
    return rest_of(fields, {"type", "file_id", "file_data", "file_url", "filename"})


def data_uri(data: str, filename: str) -> str:
    """Bare base64 gets the head that tells it from a URL."""
    if data.startswith("data:"):
        return data
    return f"data:application/{'pdf' if filename.lower().endswith('.pdf') else 'octet-stream'};base64,{data}"


def parse_audio(part: Part, fields: Json, path: str) -> Json:
    audio = mapping(fields.get("input_audio"), f"{path}.input_audio")
    form = required_string(audio, "format", f"{path}.input_audio.")
    data = required_string(audio, "data", f"{path}.input_audio.")
    part.media.kind = MEDIA_KIND_AUDIO
    set_uri(part, f"data:{AUDIO_TYPES.get(form, f'audio/{form}')};base64,{data}")
    return rest_of(fields, {"type", "input_audio"})


PARSERS: Mapping[str, Callable[[Part, Json, str], Json]] = {
    "input_text": parse_text,
    "output_text": parse_text,
    "refusal": parse_refusal,
    "input_image": parse_image,
    "input_file": parse_file,
    "input_audio": parse_audio,
}
