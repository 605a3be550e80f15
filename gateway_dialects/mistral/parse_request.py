"""Chat completion requests of Mistral's clients, and completions around a gap.

Nothing a client sends is lost: what the contract does not name goes to provider_options_json["mistral"]. Source:
https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded requests.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, Message, Part
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.fields import Fields, messages_of, missing, parse_object, require, required_string, set_fields
from gateway_dialects.kit.json import Json, json_text, set_details, set_form, set_options_form
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.kit.server import FieldParser, ParsedChat, parse_fields
from gateway_dialects.mistral.words import DIALECT, PLAIN_FIELDS, ROLES, PartForm, ToolChoiceForm
from gateway_dialects.openai import parse_messages as openai_messages
from gateway_dialects.openai.message_fields import take_citations
from gateway_dialects.openai.parse_messages import parse_content as parse_text_or_list
from gateway_dialects.openai.parse_request import parse_response_format, parse_tool, parse_tool_choice
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import RequestForm

MESSAGE_FIELDS = frozenset({"role", "content"})
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"tool_calls", "reasoning_details", "opaque"}
"""The last two are of OpenAI's form, for other providers: Mistral would refuse them."""
RESULT_FIELDS: Fields = {"tool_call_id": ("tool_call_id", read.string), "name": ("name", read.string)}


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    return parse_decoded(parse_object(body))


def parse_fim(body: bytes) -> ParsedChat:
    """A completion around a gap, as one chunk that only Mistral understands. Raises like parse_chat."""
    fields = parse_object(body)
    if fields.pop("messages", None) is not None:
        raise invalid("messages", "A completion around a gap takes 'prompt' and 'suffix', no 'messages'.")
    gap: Json = {"type": "fim", "prompt": required_string(fields, "prompt")}
    if (suffix := fields.get("suffix")) is not None:
        gap["suffix"] = read.string(suffix, "suffix")
    rest = {name: value for name, value in fields.items() if name not in ("prompt", "suffix")}
    return parse_decoded({**rest, "messages": [{"role": "user", "content": [gap]}]})


def parse_decoded(fields: Json) -> ParsedChat:
    require(fields, ("model", "messages"))
    return parse_fields(fields, PLAIN_FIELDS, FIELD_PARSERS, DIALECT)


def claim(holder: Any) -> None:
    """Makes what OpenAI's parser noted about a part or tool this dialect's."""
    if OPENAI in holder.provider_details_json:
        holder.provider_details_json[DIALECT] = holder.provider_details_json.pop(OPENAI)


def parse_messages(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(messages_of(value)):
        parse_message(request.messages.add(), item, f"messages[{index}]")


def parse_message(message: Message, value: Any, path: str) -> None:
    """Raises GatewayError naming the field at fault."""
    fields = read.mapping(value, path)
    role = required_string(fields, "role", f"{path}.")
    message.role = read.one_of(role, ROLES, f"{path}.role")
    content, known_fields = fields.get("content"), MESSAGE_FIELDS
    if role == "assistant":
        parse_assistant(message, fields, path)
        known_fields = ASSISTANT_FIELDS
    elif role == "tool":
        known_fields, result = MESSAGE_FIELDS | RESULT_FIELDS.keys(), message.parts.add().tool_result
        set_fields(result, fields, RESULT_FIELDS, f"{path}.")
        parse_content(message, result.parts, content or "", f"{path}.content")
    elif content is None:
        raise missing(f"{path}.content")
    else:
        parse_content(message, message.parts, content, f"{path}.content")
    if rest := openai_messages.unnamed_fields(fields, known_fields):
        take_cache_hint(message, rest)
        if role == "assistant":
            take_citations(message.parts, rest)
        set_details(message, rest, DIALECT)


def parse_assistant(message: Message, fields: Json, path: str) -> None:
    content = fields.get("content")
    if content is not None:
        parse_content(message, message.parts, content, f"{path}.content")
        if content == "":
            set_form(message, DIALECT, openai_messages.EMPTY_STRING)
    elif "content" not in fields:
        set_form(message, DIALECT, openai_messages.ABSENT)
    for index, call in enumerate(read.array(fields.get("tool_calls") or [], f"{path}.tool_calls")):
        parse_call(message.parts.add(), call, f"{path}.tool_calls[{index}]")
    if content is None and not message.parts:
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")


def parse_call(part: Part, value: Any, path: str) -> None:
    """Like OpenAI's, but arguments may be the object itself, and the id may be missing."""
    call = read.mapping(value, path)
    function = read.mapping(call.get("function"), f"{path}.function")
    if isinstance(function.get("arguments"), dict):
        function = {**function, "arguments": json_text(function["arguments"])}
    openai_messages.parse_tool_call(part, {"id": "", "type": "function", **call, "function": function}, path)
    claim(part)


def parse_content(message: Message, parts: Any, content: Any, path: str) -> None:
    """Text, or a list of chunks, appended to parts (a repeated Part field)."""
    set_form(message, DIALECT, parse_text_or_list(parts, content, path, parse_chunk))


def parse_chunk(part: Part, value: Any, path: str) -> None:
    fields = read.mapping(value, path)
    parser = CHUNK_PARSERS.get(required_string(fields, "type", f"{path}."))
    rest = parser(part, fields, path) if parser else None
    if rest is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(value)
    elif rest:
        take_cache_hint(part, rest)
        set_details(part, rest, DIALECT)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = required_string(fields, "text", f"{path}.")
    return openai_messages.unnamed_fields(fields, {"type", "text"})


def parse_picture(part: Part, fields: Json, path: str) -> Json:
    details = openai_messages.parse_image(part, fields, path)
    if isinstance(fields["image_url"], str):
        set_form(part, DIALECT, PartForm(media="string"))
    return {**details, **openai_messages.unnamed_fields(fields, {"type", "image_url"})}


def parse_thinking(part: Part, fields: Json, path: str) -> Json | None:
    """None: thinking that holds more than text."""
    chunks = read.array(fields.get("thinking"), f"{path}.thinking")
    if any(not isinstance(chunk, dict) or chunk.get("type") != "text" for chunk in chunks):
        return None
    part.reasoning.text = "".join(
        required_string(chunk, "text", f"{path}.thinking[{index}].") for index, chunk in enumerate(chunks)
    )
    if (signature := fields.get("signature")) is not None:
        part.reasoning.signature = read.string(signature, f"{path}.signature")
        part.reasoning.provider = DIALECT
    return openai_messages.unnamed_fields(fields, {"type", "thinking", "signature"})


def parse_document(part: Part, fields: Json, path: str) -> Json:
    part.media.kind = MEDIA_KIND_FILE
    openai_messages.set_uri(part, required_string(fields, "document_url", f"{path}."))
    set_fields(part.media, fields, {"document_name": ("filename", read.string)}, f"{path}.")
    return openai_messages.unnamed_fields(fields, {"type", "document_url", "document_name"})


def parse_file(part: Part, fields: Json, path: str) -> Json:
    part.media.kind = MEDIA_KIND_FILE
    part.media.file_id = required_string(fields, "file_id", f"{path}.")
    return openai_messages.unnamed_fields(fields, {"type", "file_id"})


def parse_sound(part: Part, fields: Json, path: str) -> Json:
    """By URL, as base64, or as an object of base64 and format."""
    given, details = fields.get("input_audio"), Json()
    if isinstance(given, str):
        is_uri = given.startswith(("http:", "https:", "data:"))
        part.media.kind = MEDIA_KIND_AUDIO
        openai_messages.set_uri(part, given if is_uri else f"data:audio/mpeg;base64,{given}")
        set_form(part, DIALECT, PartForm(media="uri" if is_uri else "string"))
    else:
        details = openai_messages.parse_audio(part, fields, path)
    return {**details, **openai_messages.unnamed_fields(fields, {"type", "input_audio"})}


CHUNK_PARSERS: Mapping[str, Callable[[Part, Json, str], Json | None]] = {
    "text": parse_text,
    "image_url": parse_picture,
    "thinking": parse_thinking,
    "document_url": parse_document,
    "file": parse_file,
    "input_audio": parse_sound,
}
"""A parser returns the fields that the contract does not name, or None: the chunk is carried as it is."""


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    for index, item in enumerate(read.array(value, "tools")):
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
    if parse_response_format(request, value):
        claim(request.response_format)
    else:
        options["response_format"] = value


def parse_stop(request: ChatRequest, value: Any, options: Json) -> None:
    if isinstance(value, str):
        request.stop.append(value)
        set_options_form(request.provider_options_json, DIALECT, RequestForm(one_stop=True))
    else:
        request.stop.extend(read.texts(value, "stop"))


def parse_effort(request: ChatRequest, value: Any, options: Json) -> None:
    request.reasoning.effort = read.string(value, "reasoning_effort")


FIELD_PARSERS: Mapping[str, FieldParser] = {
    "messages": parse_messages,
    "tools": parse_tools,
    "tool_choice": parse_choice,
    "response_format": parse_format,
    "stop": parse_stop,
    "reasoning_effort": parse_effort,
    **ROUTING_PARSERS,
}
