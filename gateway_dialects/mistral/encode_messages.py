"""Messages in an order that Mistral accepts, and their content chunks.

Mistral refuses a system message behind an assistant's or a tool's, a user message behind a tool's (on many models) and an
assistant message at the end that does not say it is a beginning (code 3230, invalid_request_message_order). It refuses every
field that it does not know (422): what a client of Mistral wrote goes there as it is; of what a client of OpenAI added, only
what Mistral knows. Source: https://docs.mistral.ai/api (chat completions) and recorded requests.
"""

from collections.abc import Iterator, Sequence

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from gateway_dialects.kit.diagnostics import Diagnostics, refusal, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Detailed, Json, details_of, form_of, merged, object_of, without_halves
from gateway_dialects.kit.media import document_text
from gateway_dialects.kit.readings import opaque_object, plain_reading
from gateway_dialects.kit.tool_results import parts_in, results_in
from gateway_dialects.mistral.words import DIALECT, PartForm, nine_of
from gateway_dialects.openai.encode_messages import encode_audio, media_kind, uri_of
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import ROLE_WORDS as OPENAI_ROLE_WORDS
from gateway_dialects.openai.words import MessageForm

ROLE_WORDS = {**OPENAI_ROLE_WORDS, content_pb2.ROLE_DEVELOPER: "system"}
GAP = "fim"
"""The type of the chunk that parse_request makes of a completion around a gap."""
NO_FIELDS: frozenset[str] = frozenset()
MESSAGE_FIELDS = frozenset({"prefix"})
THINKING_FIELDS = frozenset({"closed"})
CALL_FIELDS = frozenset({"index"})
NO_SYSTEM_AFTER = frozenset({"assistant", "tool"})
BRIDGE: Json = {"role": "assistant", "content": "OK"}
"""What goes between a tool's answer and the user's next message."""


class MistralDiagnostics(Diagnostics):
    unknown = "Mistral does not know it"

    def drop(self, field: str, why: str = "Mistral does not know it") -> None:
        super().drop(field, why)


def encode_messages(messages: Sequence[content_pb2.Message], diagnostics: MistralDiagnostics) -> list[Json]:
    """Raises GatewayError naming the field for what Mistral cannot take."""
    encoded: list[Json] = []
    for index, message in enumerate(messages):
        field = f"messages[{index}]"
        if message.role == content_pb2.ROLE_TOOL:
            encoded += encode_tool_results(message, field, diagnostics)
            continue
        one = encode_message(message, field, diagnostics)
        if message.role == content_pb2.ROLE_ASSISTANT and not one.get("content") and "tool_calls" not in one:
            diagnostics.drop(field, "the assistant said nothing there")
            continue
        previous = encoded[-1]["role"] if encoded else ""
        if one["role"] == "system" and previous in NO_SYSTEM_AFTER:
            one["role"] = "user"
        if one["role"] == "user" and previous == "tool":
            encoded.append(BRIDGE)
        encoded.append(one)
    last = encoded[-1] if encoded else {}
    if last.get("role") == "assistant" and not last.get("tool_calls"):
        last.setdefault("prefix", True)
    return encoded


def encode_message(message: content_pb2.Message, field: str, diagnostics: MistralDiagnostics) -> Json:
    if message.role not in ROLE_WORDS:
        raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")
    if message.name:
        diagnostics.drop(f"{field}.name", "Mistral gives participants no names")
    fields = fields_for(message, MESSAGE_FIELDS, field, diagnostics) if message.provider_details_json else {}
    content: list[Json] = []
    calls: list[Json] = []
    for index, part in enumerate(message.parts):
        place = f"{field}.parts[{index}]"
        if part.WhichOneof("kind") == "tool_call":
            calls.append(encode_tool_call(part, place, diagnostics))
        elif (chunk := encode_chunk(part, place, diagnostics)) is not None:
            content.append(chunk)
    encoded: Json = {"role": ROLE_WORDS[message.role]}
    set_content(encoded, content, message)
    if calls:
        encoded["tool_calls"] = calls
    return {**encoded, **fields}


def fields_for(holder: Detailed, known: frozenset[str], field: str, diagnostics: MistralDiagnostics) -> Json:
    """The fields of this dialect, or those of OpenAI's that it knows; all others are dropped."""
    diagnostics.drop_foreign_details(holder, field, DIALECT, OPENAI)
    if DIALECT in holder.provider_details_json:
        return details_of(holder, DIALECT)
    given = details_of(holder, OPENAI)
    for name in given.keys() - known:
        del given[name]
        diagnostics.drop(f"{field}.{name}")
    return given


def set_content(encoded: Json, content: list[Json], message: content_pb2.Message) -> None:
    """Text alone is a string, unless the client wrote a list."""
    form = message_form(message).content if message.provider_details_json else ""
    if form == "absent" and not content:
        return
    if len(content) == 1 and form != "list" and content[0].keys() == {"type", "text"}:
        encoded["content"] = content[0]["text"]
    elif content or form == "list":
        encoded["content"] = content
    else:
        encoded["content"] = None if message.role == content_pb2.ROLE_ASSISTANT and form != "string" else ""


def message_form(message: content_pb2.Message) -> MessageForm:
    """The form that a client of Mistral used, or one of OpenAI."""
    own = f"{DIALECT}.form" in message.provider_details_json
    return form_of(message, DIALECT if own else OPENAI, MessageForm)


def encode_tool_results(message: content_pb2.Message, field: str, diagnostics: MistralDiagnostics) -> Iterator[Json]:
    """A message for each result."""
    if not message.parts:
        raise invalid(f"{field}.parts", f"{field}.parts is empty: a message of ROLE_TOOL holds tool_result parts")
    fields = fields_for(message, NO_FIELDS, field, diagnostics) if message.provider_details_json else {}
    for place, part in results_in(message, field):
        result, encoded = part.tool_result, Json(role="tool")
        if result.tool_call_id:
            encoded["tool_call_id"] = nine_of(result.tool_call_id)
        if name := result.name or message.name:
            encoded["name"] = name
        chunks = [encode_chunk(inner, where, diagnostics) for where, inner in parts_in(result, place)]
        set_content(encoded, [chunk for chunk in chunks if chunk is not None], message)
        yield {**encoded, **fields}


def encode_tool_call(part: content_pb2.Part, field: str, diagnostics: MistralDiagnostics) -> Json:
    call = part.tool_call
    if call.HasField("input"):
        raise unsupported(field, "Mistral has no tools with free-form input")
    drop_unsent(part, field, diagnostics)
    fields = fields_for(part, CALL_FIELDS, field, diagnostics)
    function = {"name": call.name, "arguments": without_halves(call.arguments_json) or "{}"}
    encoded = merged({"type": "function", "function": function}, fields)
    if call.id:
        encoded["id"] = nine_of(call.id)
    return encoded


def drop_unsent(part: content_pb2.Part, field: str, diagnostics: MistralDiagnostics) -> None:
    """What Mistral has no place for."""
    if part.citations:
        diagnostics.drop(f"{field}.citations")
    if part.HasField("signature"):
        diagnostics.drop(f"{field}.signature", "only the provider that signed it can read it")


def encode_chunk(part: content_pb2.Part, field: str, diagnostics: MistralDiagnostics) -> Json | None:
    """The chunk, or None for what was dropped. Raises GatewayError for content Mistral does not take."""
    drop_unsent(part, field, diagnostics)
    match part.WhichOneof("kind"):
        case "text" | "refusal":
            # Mistral has no refusals; to the model it is its own text.
            encoded: Json = {"type": "text", "text": part.text or part.refusal}
        case "reasoning":
            return encode_thinking(part, field, diagnostics)
        case "media":
            encoded = encode_media(part, field)
        case "opaque" if part.opaque.dialect in (DIALECT, OPENAI):
            return object_of(part.opaque.json, field)
        case _:
            raise unusable_part(part, field)
    return merged(encoded, fields_for(part, NO_FIELDS, field, diagnostics)) if part.provider_details_json else encoded


def encode_thinking(part: content_pb2.Part, field: str, diagnostics: MistralDiagnostics) -> Json | None:
    reasoning = part.reasoning
    if (reasoning.signature or reasoning.encrypted) and reasoning.provider != DIALECT:
        diagnostics.drop(field, "it is signed reasoning of another provider")
        return None
    encoded: Json = {"type": "thinking", "thinking": [{"type": "text", "text": reasoning.text}]}
    if reasoning.signature:
        encoded["signature"] = reasoning.signature
    return {**encoded, **fields_for(part, THINKING_FIELDS, field, diagnostics)}


def encode_media(part: content_pb2.Part, field: str) -> Json:
    media, kind = part.media, media_kind(part.media)
    form = form_of(part, DIALECT, PartForm).media
    if kind == content_pb2.MEDIA_KIND_IMAGE:
        url = uri_of(media, field)
        image: Json = {"url": url, "detail": media.detail} if media.detail else {"url": url}
        return {"type": "image_url", "image_url": url if form == "string" else image}
    if kind == content_pb2.MEDIA_KIND_AUDIO:
        return {"type": "input_audio", "input_audio": encode_sound(media, field, form)}
    if kind == content_pb2.MEDIA_KIND_VIDEO:
        raise unsupported(field, "Mistral takes no video")
    if media.WhichOneof("source") == "file_id":
        return {"type": "file", "file_id": media.file_id}
    if (text := document_text(media, field)) is not None:
        return {"type": "text", "text": text}
    encoded: Json = {"type": "document_url", "document_url": uri_of(media, field)}
    return {**encoded, "document_name": media.filename} if media.filename else encoded


def refuses(media: content_pb2.Media, _endpoint: Endpoint) -> str:
    """See Dialect.refuses."""
    return refusal(lambda: encode_media(content_pb2.Part(media=media), "media"))


def for_others(part: content_pb2.Part) -> Sequence[content_pb2.Part] | None:
    """See Dialect.for_others. A gap to fill is all that the client asks: dialects without it refuse."""
    if part.HasField("opaque") and opaque_object(part).get("type") == GAP:
        return None
    return plain_reading(part)


def encode_sound(media: content_pb2.Media, field: str, form: str) -> Json | str:
    """By URL, as base64, or as an object of base64 and format."""
    uri = uri_of(media, field)
    if form == "uri" or not uri.startswith("data:"):
        return uri
    return uri.partition(",")[2] if form == "string" else encode_audio(media, field)
