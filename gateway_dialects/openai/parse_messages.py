"""The messages of a client's request in the contract's terms, with all that clients of this form give back of earlier
answers: reasoning_details and annotations; extra_content of Google's compatible API; thinking_blocks and
provider_specific_fields of LiteLLM; cache_control of OpenRouter; and opaque, content of another dialect in our own answers.
"""

from collections.abc import Callable, Mapping, Set
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.cache_hints import take_cache_hint
from gateway_dialects.kit.fields import missing
from gateway_dialects.kit.json import Json, json_text, list_at, object_at, set_form, text_of, unknown_fields
from gateway_dialects.openai import message_fields
from gateway_dialects.openai.parse_blocks import drop_repeated, parse_block, thinking_of
from gateway_dialects.openai.pictures import FIELD, pictures_in
from gateway_dialects.openai.words import AUDIO_TYPES, DIALECT, REASONING_STRINGS, ROLES, MessageForm, PartForm, set_details

MESSAGE_FIELDS = frozenset({"role", "content", "name"})
TOOL_FIELDS = MESSAGE_FIELDS | {"tool_call_id"}
ASSISTANT_FIELDS = MESSAGE_FIELDS | {"refusal", "tool_calls", *REASONING_STRINGS, "reasoning_details", "opaque", FIELD}
PLAIN_FIELDS = MESSAGE_FIELDS | {"refusal", "tool_calls"}
ANSWER_FIELDS = PLAIN_FIELDS | set(REASONING_STRINGS)
"""Of an assistant message that holds nothing for the providers of other dialects."""
LITELLM_FIELDS = ("provider_specific_fields", "thinking_blocks")
"""What LiteLLM's clients carry for other providers than this dialect's."""


def parse_message(message: Message, value: Any, path: str) -> None:
    """Fill message from a client's message object. Raises GatewayError naming the field at fault."""
    fields = read.mapping(value, path)
    message.role = kind = read.one_of(read.required_string(fields, "role", f"{path}."), ROLES, f"{path}.role")
    rest: Json = {}
    if kind == content_pb2.ROLE_TOOL:
        form = parse_tool_result(message, fields, path)
        rest = unnamed_fields(fields, TOOL_FIELDS)
    elif kind == content_pb2.ROLE_ASSISTANT:
        form = parse_assistant(message, fields, path)
        if not ANSWER_FIELDS.issuperset(fields):
            rest = unnamed_fields(fields, ASSISTANT_FIELDS)
            take_assistant_fields(message, fields, rest)
    else:
        if fields.get("content") is None:
            raise missing(f"{path}.content")
        form = parse_content(message.parts, fields["content"], f"{path}.content")
        if len(fields) > 2:
            rest = unnamed_fields(fields, MESSAGE_FIELDS)
    if (name := fields.get("name")) is not None and kind != content_pb2.ROLE_TOOL:
        message.name = read.string(name, f"{path}.name")
    if rest:
        if take_cache_hint(message, rest):
            form = MessageForm(form.content, True)
        set_details(message, rest)
    if form is not PLAIN:
        set_form(message, DIALECT, form)


def unnamed_fields(fields: Json, known: Set[str]) -> Json:
    """The fields that the contract does not name, without those that are only for other dialects' providers."""
    rest = {name: value for name, value in fields.items() if name not in known and value is not None}
    for name in LITELLM_FIELDS:
        rest.pop(name, None)
    return rest


def parse_assistant(message: Message, fields: Json, path: str) -> MessageForm:
    if not PLAIN_FIELDS.issuperset(fields):
        parse_reasoning(message, fields, path)
        parse_opaque(message, fields)
    content = fields.get("content")
    has_content = content is not None
    if has_content and content != "":
        form = parse_content(message.parts, content, f"{path}.content")
    else:
        form = EMPTY_STRING if has_content else PLAIN if "content" in fields else ABSENT
    if FIELD in fields:
        message.parts.extend(pictures_in(fields))
    if (refusal := fields.get("refusal")) is not None:
        message.parts.add().refusal = read.string(refusal, f"{path}.refusal")
    if (calls := fields.get("tool_calls")) is not None:
        for index, call in enumerate(read.array(calls, f"{path}.tool_calls")):
            parse_tool_call(message.parts.add(), call, f"{path}.tool_calls[{index}]")
    if isinstance(content, list):
        drop_repeated(message)
    if not has_content and not message.parts and not fields.get("audio"):
        raise missing(f"{path}.content", "An assistant message needs content or tool_calls.")
    return form


def take_assistant_fields(message: Message, fields: Json, rest: Json) -> None:
    """Put citations and signatures, which belong to the message in this form, on its parts. rest: the unnamed fields, of
    which they are taken."""
    message_fields.take_citations(message.parts, rest)
    signature = message_fields.take_signature(rest) or text_of(
        object_at(fields, "provider_specific_fields").get("thought_signature")
    )
    if signature:
        message_fields.place_signature(message.parts, signature)
    for item in list_at(fields, "reasoning_details"):
        if (owner := call_of_item(item, fields)) is not None:
            sign_call(message, owner, item)


def sign_call(message: Message, call_id: str, item: Json) -> None:
    """Put the signature in an item of reasoning_details on its tool call."""
    for part in message.parts:
        if part.WhichOneof("kind") == "tool_call" and part.tool_call.id == call_id:
            part.signature.provider, part.signature.value = message_fields.SIGNER, text_of(item.get("data"))
            set_form(part, DIALECT, PartForm(item={name: item[name] for name in message_fields.ITEM_FORM if name in item}))


def call_of_item(item: Any, fields: Json) -> str | None:
    """The id of the tool call whose signature an item of reasoning_details carries. None: it carries none."""
    match item:
        case {"format": form, "id": str(call_id), "data": str()} if form == message_fields.SIGNED_FORMAT:
            ids = (call.get("id") for call in list_at(fields, "tool_calls") if isinstance(call, dict))
            return call_id if call_id in ids else None
    return None


PLAIN = MessageForm()
LIST = MessageForm(content="list")
ABSENT = MessageForm(content="absent")
EMPTY_STRING = MessageForm(content="string")


def parse_content(parts: Any, content: Any, path: str, parse: Callable[[Part, Any, str], None] | None = None) -> MessageForm:
    """Text, or a list of typed parts, appended to parts (a repeated Part field). parse reads one of another form."""
    read.text_or_list(parts, content, path, parse or parse_part)
    return LIST if isinstance(content, list) and len(content) < 2 else PLAIN


def parse_part(part: Part, value: Any, path: str) -> None:
    fields = read.mapping(value, path)
    kind = read.required_string(fields, "type", f"{path}.")
    parser = PART_PARSERS.get(kind)
    if parser is None:
        parse_other(part, fields)
        return
    details = parser(part, fields, path)
    if len(fields) > 2:
        details.update(unnamed_fields(fields, {"type", kind}))
        if take_cache_hint(part, details):
            set_form(part, DIALECT, PartForm(place="content" if kind == "refusal" else "", cache_control=True))
    if details:
        set_details(part, details)


def parse_other(part: Part, fields: Json) -> None:
    """A part of another type: one of Anthropic's form, or one that is carried as it is."""
    details = parse_block(part, fields)
    if details is None:
        part.opaque.dialect, part.opaque.json = DIALECT, json_text(fields)
    elif details:
        if take_cache_hint(part, details):
            set_form(part, DIALECT, PartForm(cache_control=True))
        set_details(part, details)


def parse_text(part: Part, fields: Json, path: str) -> Json:
    part.text = read.required_string(fields, "text", f"{path}.")
    return {}


def parse_refusal(part: Part, fields: Json, path: str) -> Json:
    part.refusal = read.required_string(fields, "refusal", f"{path}.")
    set_form(part, DIALECT, PartForm(place="content"))
    return {}


def parse_image(part: Part, fields: Json, path: str) -> Json:
    image = fields.get("image_url")
    if image is None:
        raise missing(f"{path}.image_url")
    if isinstance(image, str):
        image = {"url": image}
    fields = read.mapping(image, f"{path}.image_url")
    part.media.kind = content_pb2.MEDIA_KIND_IMAGE
    set_uri(part, read.required_string(fields, "url", f"{path}.image_url."))
    read.set_fields(part.media, fields, {"detail": ("detail", read.string)}, f"{path}.image_url.")
    return nested("image_url", unknown_fields(fields, {"url", "detail"}))


def parse_video(part: Part, fields: Json, path: str) -> Json:
    video = read.required_mapping(fields, "video_url", f"{path}.")
    part.media.kind = content_pb2.MEDIA_KIND_VIDEO
    set_uri(part, read.required_string(video, "url", f"{path}.video_url."))
    return nested("video_url", unknown_fields(video, {"url"}))


def parse_audio(part: Part, fields: Json, path: str) -> Json:
    audio = read.required_mapping(fields, "input_audio", f"{path}.")
    form = read.required_string(audio, "format", f"{path}.input_audio.")
    data = read.required_string(audio, "data", f"{path}.input_audio.")
    part.media.kind, part.media.mime_type = content_pb2.MEDIA_KIND_AUDIO, AUDIO_TYPES.get(form, f"audio/{form}")
    part.media.uri = f"data:{part.media.mime_type};base64,{data}"
    return nested("input_audio", unknown_fields(audio, {"data", "format"}))


def parse_file(part: Part, fields: Json, path: str) -> Json:
    file = read.required_mapping(fields, "file", f"{path}.")
    part.media.kind = content_pb2.MEDIA_KIND_FILE
    known = {"file_data", "filename"}
    if (data := file.get("file_data")) is not None:
        set_uri(part, read.string(data, f"{path}.file.file_data"))
    elif (file_id := file.get("file_id")) is not None:
        part.media.file_id = read.string(file_id, f"{path}.file.file_id")
        known.add("file_id")
    else:
        raise missing(f"{path}.file.file_data", "Give file_data as a data: URI, or the file_id of an uploaded file.")
    read.set_fields(part.media, file, {"filename": ("filename", read.string)}, f"{path}.file.")
    return nested("file", unknown_fields(file, known))


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


def parse_tool_result(message: Message, fields: Json, path: str) -> MessageForm:
    result = message.parts.add().tool_result
    result.tool_call_id = read.required_string(fields, "tool_call_id", f"{path}.")
    read.set_fields(result, fields, {"name": ("name", read.string)}, f"{path}.")
    if fields.get("content") is None:
        raise missing(f"{path}.content")
    return parse_content(result.parts, fields["content"], f"{path}.content")


def parse_tool_call(part: Part, value: Any, path: str) -> None:
    call = read.mapping(value, path)
    kind = call.get("type") or "function"
    if kind not in ("function", "custom"):
        raise invalid(f"{path}.type", f"Invalid value for '{path}.type': use function or custom.")
    inner = read.required_mapping(call, kind, f"{path}.")
    part.tool_call.id = read.required_string(call, "id", f"{path}.")
    part.tool_call.name = read.required_string(inner, "name", f"{path}.{kind}.")
    if kind == "custom":
        part.tool_call.input = read.required_string(inner, "input", f"{path}.custom.")
    else:
        part.tool_call.arguments_json = read.required_string(inner, "arguments", f"{path}.function.")
    if len(call) > 3 or len(inner) > 2 or "type" not in call:
        take_call_fields(part, call, kind, inner)


def take_call_fields(part: Part, call: Json, kind: str, inner: Json) -> None:
    """What a tool call holds beside its id, name and arguments."""
    details = unnamed_fields(call, {"id", "type", kind})
    signature = message_fields.take_signature(details)
    for holder in (call, inner):
        signature = signature or text_of(object_at(holder, "provider_specific_fields").get("thought_signature"))
    if signature:
        message_fields.place_signature((part,), signature)
    if take_cache_hint(part, details):
        set_form(part, DIALECT, PartForm(cache_control=True))
    if extra := unnamed_fields(inner, {"name", "arguments", "input"}):
        details[kind] = extra
    set_details(part, details)


def parse_reasoning(message: Message, fields: Json, path: str) -> None:
    """Reasoning that a client gives back: in reasoning_details, in thinking_blocks, in string fields, or in several."""
    present = tuple(name for name in REASONING_STRINGS if fields.get(name) is not None)
    texts = [read.string(fields[name], f"{path}.{name}") for name in present]
    blocks = list_at(fields, "thinking_blocks")
    items = fields.get("reasoning_details")
    if items is not None and read.array(items, f"{path}.reasoning_details"):
        for index, item in enumerate(items):
            check_item(item, f"{path}.reasoning_details[{index}]")
            if call_of_item(item, fields) is None:
                message.parts.append(message_fields.reasoning_of_item(item, present))
    elif thoughts := [part for block in blocks if (part := thinking_of(block, present)) is not None]:
        message.parts.extend(thoughts)
    elif present:
        part = message.parts.add()
        part.reasoning.text = texts[0]
        if present != ("reasoning_content",):
            set_form(part, DIALECT, PartForm(strings=present))


def check_item(value: Any, path: str) -> None:
    item = read.mapping(value, path)
    for name in ("text", "summary", "signature", "data"):
        if (text := item.get(name)) is not None:
            read.string(text, f"{path}.{name}")


def parse_opaque(message: Message, fields: Json) -> None:
    """Content of other dialects, as our own answers give it to clients of this form."""
    for item in list_at(fields, "opaque"):
        match item:
            case {"dialect": str(dialect), "content": content}:
                part = message.parts.add()
                part.opaque.dialect = dialect
                part.opaque.json = content if isinstance(content, str) else json_text(content)
