"""The items of a client's input as messages.

What the model did is one message of the assistant, as other dialects want it: its text, reasoning and tool calls, until the
user or a tool speaks.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and recorded requests.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from dragoman.v1 import content_pb2
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.carried_state import CarriedState, is_packed, restore_reasoning, unpack
from gateway_dialects.kit.fields import array, mapping, missing, one_of, required_string, set_fields, string, text_or_list
from gateway_dialects.kit.json import Json, json_text, objects_at, unknown_fields
from gateway_dialects.openai.parse_messages import set_uri
from gateway_dialects.openai.words import AUDIO_TYPES
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.decode_items import rest_of_reasoning
from gateway_dialects.openai_responses.words import DIALECT, MessageForm, PartForm, details_of, set_details, set_form


class ToolHolder(NamedTuple):
    """An item that holds tools."""

    item: Json
    path: str
    place: int
    """Among all items of the input."""


class InputParser:
    """Appends items to messages (a repeated Message field)."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages
        self._assistant: content_pb2.Message | None = None
        self.holders: list[ToolHolder] = []

    def add(self, value: Any, path: str, place: int) -> None:
        """place: among all items. Raises GatewayError naming the field at fault."""
        item = mapping(value, path)
        kind = type_of(item, path)
        if kind in words.TOOL_HOLDERS and objects_at(item, "tools"):
            self.holders.append(ToolHolder(item, path, place))
            if kind == words.MORE_TOOLS:
                return
        if kind == "message":
            self._add_message(item, path)
        elif kind in words.OUTPUTS:
            self._assistant = None
            parse_output(self._messages.add(), item, kind, path)
        elif kind in words.MODEL_ITEMS or kind in ITEM_PARSERS or kind.endswith("_call"):
            ITEM_PARSERS.get(kind, parse_opaque)(self._turn().parts.add(), item, path)
        else:
            self._add_client_item(item, kind, path)

    def _turn(self) -> content_pb2.Message:
        """The assistant's message that is being filled."""
        if self._assistant is None:
            self._assistant = self._messages.add()
            self._assistant.role = content_pb2.ROLE_ASSISTANT
        return self._assistant

    def _add_message(self, item: Json, path: str) -> None:
        role = one_of(required_string(item, "role", f"{path}."), words.ROLES, f"{path}.role")
        if role == content_pb2.ROLE_ASSISTANT:
            self._add_text(item, path)
            return
        self._assistant = None
        message = self._messages.add()
        message.role = role
        content = item.get("content")
        parse_content(message.parts, content, f"{path}.content")
        set_rest(message, unknown_fields(item, words.MESSAGE_FIELDS))
        set_form(message, MessageForm(listed=is_long_list(content), typed="type" in item))

    def _add_client_item(self, item: Json, kind: str, path: str) -> None:
        """A reference, or what only this dialect knows. As the user's, it is refused by other dialects, not left out."""
        if kind == "item_reference":
            required_string(item, "id", f"{path}.")
        self._assistant = None
        message = self._messages.add()
        message.role = content_pb2.ROLE_USER
        parse_opaque(message.parts.add(), item, path)
        set_form(message, MessageForm(item=True))

    def _add_text(self, item: Json, path: str) -> None:
        """A message of the assistant. The first part holds the fields of the item."""
        parts = self._turn().parts
        begin = len(parts)
        content = item.get("content")
        parse_content(parts, content, f"{path}.content")
        if len(parts) == begin:
            parts.add().text = ""
        first, *others = parts[begin:]
        set_details(first, {**details_of(first), "item": unknown_fields(item, words.MESSAGE_FIELDS)})
        is_piece = first.HasField("opaque")
        set_form(first, PartForm(isinstance(content, str), "type" not in item, content == [], piece=is_piece))
        for part in others:
            set_form(part, PartForm(piece=part.HasField("opaque")))


def parse_items(messages: Any, items: Iterable[Any], path: str = "input", before: int = 0) -> list[ToolHolder]:
    """Append items to messages (a repeated Message field). Those among them that hold tools are given back. before: how many
    items there are already."""
    parser = InputParser(messages)
    for index, item in enumerate(items):
        parser.add(item, f"{path}[{index}]", before + index)
    return parser.holders


def type_of(item: Json, path: str) -> str:
    """A message may leave its type out, and so may a reference."""
    kind = item.get("type")
    if kind is not None:
        return string(kind, f"{path}.type")
    if "role" in item:
        return "message"
    if "id" in item:
        return "item_reference"
    raise missing(f"{path}.type", "Use 'message', for example.")


def is_long_list(content: Any) -> bool:
    """MessageForm.listed."""
    return isinstance(content, list) and len(content) < 2


def set_rest(holder: Any, fields: Json) -> None:
    """The fields of a message, part or tool that the contract does not name. Changes fields."""
    take_cache_hint(holder, fields)
    set_details(holder, fields)


def parse_output(message: content_pb2.Message, item: Json, kind: str, path: str) -> None:
    message.role = content_pb2.ROLE_TOOL
    result = message.parts.add().tool_result
    result.tool_call_id = required_string(item, "call_id", f"{path}.")
    output = item.get("output")
    parse_content(result.parts, output, f"{path}.output")
    set_details(message, unknown_fields(item, words.OUTPUT_FIELDS))
    set_form(message, MessageForm(listed=is_long_list(output), custom=kind != "function_call_output"))


def parse_call(part: content_pb2.Part, item: Json, path: str) -> None:
    call = part.tool_call
    call.id, call.name = required_string(item, "call_id", f"{path}."), required_string(item, "name", f"{path}.")
    set_fields(call, item, {"namespace": ("namespace", string)}, f"{path}.")
    if item["type"] == words.CUSTOM_CALL:
        call.input = required_string(item, "input", f"{path}.")
    else:
        call.arguments_json = required_string(item, "arguments", f"{path}.")
    fields = unknown_fields(item, words.CALL_FIELDS)
    carried = fields.pop(words.CARRIED, None)
    set_details(part, take_signature(part, fields))
    for dialect, details in carried.items() if isinstance(carried, dict) else ():
        if isinstance(details, dict) and dialect != DIALECT:
            part.provider_details_json[dialect] = json_text(details)


def take_signature(part: content_pb2.Part, fields: Json) -> Json:
    """The fields of a call or a piece of content without another provider's signature, which render_items put there."""
    match fields.get(words.SIGNATURE):
        case {"provider": str(provider), "value": str(value)}:
            part.signature.provider, part.signature.value = provider, value
            return {name: value for name, value in fields.items() if name != words.SIGNATURE}
        case _:
            return fields


def parse_reasoning(part: content_pb2.Part, item: Json, path: str) -> None:
    summaries, thoughts = texts_in(item, "summary", path), texts_in(item, "content", path)
    reasoning = part.reasoning
    reasoning.text = words.SUMMARY_GAP.join(summaries or thoughts)
    set_fields(reasoning, item, {"encrypted_content": ("encrypted", string)}, f"{path}.")
    if is_packed(reasoning.encrypted):
        restore(part)
        return
    reasoning.provider, reasoning.summary = DIALECT, bool(summaries) or not thoughts
    set_fields(reasoning, item, {"id": ("id", string)}, f"{path}.")
    details, form = rest_of_reasoning(item, is_summary=reasoning.summary)
    set_details(part, details)
    set_form(part, form)


def restore(part: content_pb2.Part) -> None:
    """Make the part what its encrypted content packs. What this gateway cannot have packed is unsigned reasoning."""
    state = unpack(part.reasoning.encrypted) or CarriedState(summary=True)
    if state.dialect:
        part.opaque.dialect, part.opaque.json = state.dialect, state.encrypted
    else:
        restore_reasoning(part, state)


def texts_in(item: Json, name: str, path: str) -> list[str]:
    given = item.get(name)
    if given is None:
        return []
    pieces = [mapping(piece, f"{path}.{name}[{index}]") for index, piece in enumerate(array(given, f"{path}.{name}"))]
    return [required_string(piece, "text", f"{path}.{name}[{index}].") for index, piece in enumerate(pieces)]


def parse_picture(part: content_pb2.Part, item: Json, path: str) -> None:
    """A picture that the model drew is media, which other providers can be shown."""
    if not words.set_picture(part, item):
        parse_opaque(part, item, path)


def parse_opaque(part: content_pb2.Part, item: Json, path: str) -> None:
    """Items of built-in tools, and whatever the contract does not name."""
    part.opaque.dialect, part.opaque.json = DIALECT, json_text(item)


def parse_content(parts: Any, content: Any, path: str) -> None:
    """Append text, or a list of typed pieces, to parts (a repeated Part field)."""
    if content is None:
        raise missing(path)
    text_or_list(parts, content, path, parse_piece)


def parse_piece(part: content_pb2.Part, value: Any, path: str) -> None:
    """A piece of a type that the contract does not name is carried as it is."""
    fields = mapping(value, path)
    parser = PIECE_PARSERS.get(required_string(fields, "type", f"{path}."))
    if parser is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    elif details := parser(part, fields, path):
        set_rest(part, details)


def parse_text(part: content_pb2.Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return unknown_fields(fields, {"type", "text"}) if len(fields) > 2 else {}


def parse_output_text(part: content_pb2.Part, fields: Json, path: str) -> Json:
    """Lists that every answer has are carried unless they are empty."""
    details = parse_text(part, fields, path)
    annotations = details.pop("annotations", [])
    for index, annotation in enumerate(array(annotations, f"{path}.annotations")):
        part.citations.append(words.citation_of(mapping(annotation, f"{path}.annotations[{index}]")))
    if details.get("logprobs") == []:
        del details["logprobs"]
    return take_signature(part, details)


def parse_refusal(part: content_pb2.Part, fields: Json, path: str) -> Json:
    part.refusal = required_string(fields, "refusal", f"{path}.")
    return take_signature(part, unknown_fields(fields, words.REFUSAL_FIELDS))


def parse_image(part: content_pb2.Part, fields: Json, path: str) -> Json:
    part.media.kind = content_pb2.MEDIA_KIND_IMAGE
    if (file_id := fields.get("file_id")) is not None:
        part.media.file_id = string(file_id, f"{path}.file_id")
    elif (url := fields.get("image_url")) is not None:
        set_uri(part, string(url, f"{path}.image_url"))
    else:
        raise missing(f"{path}.image_url", "Give image_url as a URL or data: URI, or the file_id of an uploaded file.")
    set_fields(part.media, fields, {"detail": ("detail", string)}, f"{path}.")
    return unknown_fields(fields, {"type", "image_url", "file_id", "detail"})


def parse_file(part: content_pb2.Part, fields: Json, path: str) -> Json:
    part.media.kind = content_pb2.MEDIA_KIND_FILE
    set_fields(part.media, fields, {"filename": ("filename", string)}, f"{path}.")
    if (file_id := fields.get("file_id")) is not None:
        part.media.file_id = string(file_id, f"{path}.file_id")
    elif (data := fields.get("file_data")) is not None:
        set_uri(part, data_uri(string(data, f"{path}.file_data"), part.media.filename))
    elif (url := fields.get("file_url")) is not None:
        part.media.uri = string(url, f"{path}.file_url")
    else:
        raise missing(f"{path}.file_data", "Give file_data as a data: URI, a file_url, or the file_id of an uploaded file.")
    return unknown_fields(fields, {"type", "file_id", "file_data", "file_url", "filename"})


def data_uri(data: str, filename: str) -> str:
    """A data: URI, also of bare base64."""
    if data.startswith("data:"):
        return data
    return f"data:application/{'pdf' if filename.lower().endswith('.pdf') else 'octet-stream'};base64,{data}"


def parse_audio(part: content_pb2.Part, fields: Json, path: str) -> Json:
    audio = mapping(fields.get("input_audio"), f"{path}.input_audio")
    form = required_string(audio, "format", f"{path}.input_audio.")
    data = required_string(audio, "data", f"{path}.input_audio.")
    part.media.kind = content_pb2.MEDIA_KIND_AUDIO
    set_uri(part, f"data:{AUDIO_TYPES.get(form, f'audio/{form}')};base64,{data}")
    return unknown_fields(fields, {"type", "input_audio"})


ITEM_PARSERS: Mapping[str, Callable[[content_pb2.Part, Json, str], None]] = {
    "function_call": parse_call,
    words.CUSTOM_CALL: parse_call,
    "reasoning": parse_reasoning,
    words.PICTURE: parse_picture,
}
PIECE_PARSERS: Mapping[str, Callable[[content_pb2.Part, Json, str], Json]] = {
    "input_text": parse_text,
    "output_text": parse_output_text,
    "refusal": parse_refusal,
    "input_image": parse_image,
    "input_file": parse_file,
    "input_audio": parse_audio,
}


def listed(value: Any) -> list[Json]:
    """The input as a list of items in their long form, as they are stored and listed. Raises GatewayError 400."""
    return [long_form(mapping(item, f"input[{index}]")) for index, item in enumerate(as_written(value))]


def as_written(value: Any) -> list[Any]:
    """The input's items as the client wrote them."""
    if value is None:
        return []
    return [{"role": "user", "content": value}] if isinstance(value, str) else array(value, "input")


def long_form(item: Json) -> Json:
    if "role" not in item or item.get("type", "message") != "message":
        return item
    content = item.get("content")
    if isinstance(content, str):
        kind = "output_text" if item["role"] == "assistant" else "input_text"
        content = [{"type": kind, "text": content}]
    return {**item, "type": "message", "content": content}
