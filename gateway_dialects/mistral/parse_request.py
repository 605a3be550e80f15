"""Chat completion requests of Mistral's clients, and completions around a gap.

Nothing a client sends is lost: what the contract does not name goes to provider_options_json["mistral"]. Source:
https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, Message, Part
from gateway_dialects.kit.fields import (
    array,
    boolean,
    mapping,
    missing,
    parse_object,
    required_string,
    string,
    wrong_type,
)
from gateway_dialects.kit.json import Json, json_text, set_details, set_form, set_options_form
from gateway_dialects.mistral.words import (
    CONTRACT_NAMES,
    DIALECT,
    PLAIN_FIELDS,
    ROLES,
    PartForm,
    ToolChoiceForm,
)
from gateway_dialects.openai.message_fields import take_citations
from gateway_dialects.openai.parse_messages import (
    ABSENT,
    EMPTY_STRING,
    LIST,
    parse_image,
    parse_tool_call,
    set_uri,
    take_cache_hint,
    unnamed_fields,
)
from gateway_dialects.openai.parse_request import parse_response_format, parse_tool, parse_tool_choice
from gateway_dialects.openai.words import AUDIO_TYPES, RequestForm
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import ROLES as OPENAI_ROLES

MESSAGE_FIELDS = frozenset({"role", "content"})
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"tool_calls", "reasoning_details", "opaque"}
"""The last two are of OpenAI's form, for other providers: Mistral would refuse them."""
TOOL_FIELDS = MESSAGE_FIELDS | {"tool_call_id", "name"}


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """A client's request, and whether it wants a stream."""

    chat: ChatRequest
    stream: bool


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    return parse_fields(parse_object(body))


def parse_fim(body: bytes) -> ParsedChat:
    """A completion around a gap, as one chunk that only Mistral understands. Raises like parse_chat."""
    fields = parse_object(body)
    if fields.pop("messages", None) is not None:
        raise invalid("messages", "A completion around a gap takes 'prompt' and 'suffix', no 'messages'.")
    gap: Json = {"type": "fim", "prompt": required_string(fields, "prompt")}
    if (suffix := fields.get("suffix")) is not None:
        gap["suffix"] = string(suffix, "suffix")
    rest = {name: value for name, value in fields.items() if name not in ("prompt", "suffix")}
    return parse_fields({**rest, "messages": [{"role": "user", "content": [gap]}]})


def parse_fields(fields: Json) -> ParsedChat:
    """The same for a body that has been decoded."""
    if fields.get("model") is None:
        raise missing("model", "Name one as provider/model, for example demo/echo.")
    if fields.get("messages") is None:
        raise missing("messages")
    request = ChatRequest()
    options: Json = {}
    for name, value in fields.items():
        if value is None or name == "stream":
            continue
        if reader := PLAIN_FIELDS.get(name):
            setattr(request, CONTRACT_NAMES.get(name, name), reader(value, name))
        elif parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        else:
            options[name] = value
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    stream = fields.get("stream")
    return ParsedChat(request, stream is not None and boolean(stream, "stream"))


def claim(holder: Any) -> None:
    """Make what OpenAI's parser noted about a part or tool this dialect's."""
    if OPENAI in holder.provider_details_json:
        holder.provider_details_json[DIALECT] = holder.provider_details_json.pop(OPENAI)


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    for index, item in enumerate(messages):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_message(message: Message, value: Any, path: str) -> None:
    """Raises GatewayError naming the field at fault."""
    fields = mapping(value, path)
    role = required_string(fields, "role", f"{path}.")
    if role not in ROLES:
        known = ", ".join(ROLES)
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are {known}.")
    message.role = OPENAI_ROLES[role]
    content, known_fields, parts = fields.get("content"), MESSAGE_FIELDS, message.parts
    if role == "assistant":
        parse_assistant(message, fields, path)
        known_fields = ASSISTANT_FIELDS
    elif role == "tool":
        known_fields, result = TOOL_FIELDS, message.parts.add().tool_result
        for name in ("tool_call_id", "name"):
            if (given := fields.get(name)) is not None:
                setattr(result, name, string(given, f"{path}.{name}"))
        parse_content(message, result.parts, content or "", f"{path}.content")
    elif content is None:
        raise missing(f"{path}.content")
    else:
        parse_content(message, parts, content, f"{path}.content")
    rest = unnamed_fields(fields, known_fields)
    if rest:
        take_cache_hint(message, rest)
        if role == "assistant":
            take_citations(message.parts, rest)
        set_details(message, rest, DIALECT)


def parse_assistant(message: Message, fields: Json, path: str) -> None:
    content = fields.get("content")
    if content is not None:
        parse_content(message, message.parts, content, f"{path}.content")
        if content == "":
            set_form(message, DIALECT, EMPTY_STRING)
    elif "content" not in fields:
        set_form(message, DIALECT, ABSENT)
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
    parse_tool_call(part, {"id": "", "type": "function", **call, "function": function}, path)
    claim(part)


def parse_content(message: Message, parts: Any, content: Any, path: str) -> None:
    """Text, or a list of chunks, appended to parts (a repeated Part field)."""
    match content:
        case str():
            if content:
                parts.add().text = content
        case list():
            for index, item in enumerate(content):
                parse_chunk(parts.add(), item, f"{path}[{index}]")
            if len(content) < 2:
                set_form(message, DIALECT, LIST)
        case _:
            raise wrong_type(path, "string or array", content)


def parse_chunk(part: Part, value: Any, path: str) -> None:
    fields = mapping(value, path)
    kind = required_string(fields, "type", f"{path}.")
    parser = CHUNK_PARSERS.get(kind)
    if parser is None or not parser(part, fields, path):
        part.Clear()
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)


def set_rest(part: Part, fields: Json, known: set[str], details: Json | None = None) -> None:
    """Set the details: what the contract does not name of a chunk, and of its inner objects."""
    rest = {**(details or {}), **unnamed_fields(fields, known)}
    if rest:
        take_cache_hint(part, rest)
        set_details(part, rest, DIALECT)


def parse_text(part: Part, fields: Json, path: str) -> bool:
    part.text = required_string(fields, "text", f"{path}.")
    set_rest(part, fields, {"type", "text"})
    return True


def parse_picture(part: Part, fields: Json, path: str) -> bool:
    details = parse_image(part, fields, path)
    set_rest(part, fields, {"type", "image_url"}, details)
    if isinstance(fields["image_url"], str):
        set_form(part, DIALECT, PartForm(media="string"))
    return True


def parse_thinking(part: Part, fields: Json, path: str) -> bool:
    """False: thinking that holds more than text, to be passed on as it is."""
    chunks = array(fields.get("thinking"), f"{path}.thinking")
    if any(not isinstance(chunk, dict) or chunk.get("type") != "text" for chunk in chunks):
        return False
    part.reasoning.text = "".join(
        required_string(chunk, "text", f"{path}.thinking[{index}].") for index, chunk in enumerate(chunks)
    )
    if (signature := fields.get("signature")) is not None:
        part.reasoning.signature = string(signature, f"{path}.signature")
        part.reasoning.provider = DIALECT
    set_rest(part, fields, {"type", "thinking", "signature"})
    return True


def parse_document(part: Part, fields: Json, path: str) -> bool:
    part.media.kind = MEDIA_KIND_FILE
    set_uri(part, required_string(fields, "document_url", f"{path}."))
    if (name := fields.get("document_name")) is not None:
        part.media.filename = string(name, f"{path}.document_name")
    set_rest(part, fields, {"type", "document_url", "document_name"})
    return True


def parse_file(part: Part, fields: Json, path: str) -> bool:
    part.media.kind = MEDIA_KIND_FILE
    part.media.file_id = required_string(fields, "file_id", f"{path}.")
    set_rest(part, fields, {"type", "file_id"})
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
        set_form(part, DIALECT, PartForm(media="uri" if is_uri else "string"))
        return True
    sound = mapping(given, f"{path}.input_audio")
    form = required_string(sound, "format", f"{path}.input_audio.")
    part.media.mime_type = AUDIO_TYPES.get(form, f"audio/{form}")
    part.media.uri = f"data:{part.media.mime_type};base64,{required_string(sound, 'data', f'{path}.input_audio.')}"
    return True


CHUNK_PARSERS: Mapping[str, Callable[[Part, Json, str], bool]] = {
    "text": parse_text,
    "image_url": parse_picture,
    "thinking": parse_thinking,
    "document_url": parse_document,
    "file": parse_file,
    "input_audio": parse_audio,
}


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(array(value, "tools")):
        tool = request.tools.add()
        parse_tool(tool, item, f"tools[{index}]")
        if tool.HasField("opaque"):
            tool.opaque.dialect = DIALECT
        claim(tool)


def parse_choice(request: ChatRequest, value: Any, options: Json) -> None:
    choice = request.tool_choice
    if isinstance(value, dict):
        value = {"type": "function", **value}
    parse_tool_choice(choice, value)
    claim(choice)
    if value == "required":
        set_form(choice, DIALECT, ToolChoiceForm(required=True))


def parse_format(request: ChatRequest, value: Any, options: Json) -> None:
    if parse_response_format(request.response_format, value):
        claim(request.response_format)
    else:
        request.ClearField("response_format")
        options["response_format"] = value


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    if isinstance(value, str):
        request.stop.append(value)
        set_options_form(request.provider_options_json, DIALECT, RequestForm(one_stop=True))
    else:
        request.stop.extend(string(item, f"stop[{index}]") for index, item in enumerate(array(value, "stop")))


def parse_effort(request: ChatRequest, value: Any, options: Json) -> None:
    request.reasoning.effort = string(value, "reasoning_effort")


FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_format,
    "stop": parse_stop,
    "reasoning_effort": parse_effort,
}
