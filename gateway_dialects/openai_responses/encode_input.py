"""A conversation as the input items of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses/create (input) and recorded requests.
"""

import hashlib
from collections.abc import Sequence

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from gateway_dialects.kit.diagnostics import Diagnostics, refusal, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import Json, inverse, list_at, object_of, without_halves
from gateway_dialects.kit.media import document_name
from gateway_dialects.kit.tool_results import parts_in, results_in
from gateway_dialects.openai.encode_messages import encode_audio, media_kind, uri_of
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.words import DIALECT, PartForm, details_of, form_of, is_piece, item_fields

ROLE_NAMES = inverse(words.ROLES)
LONGEST_CALL_ID = 64


class InputEncoder:
    """Encodes one request's messages."""

    def __init__(self, diagnostics: Diagnostics, *, by_reference: bool) -> None:
        """by_reference: whether the client relies on what the provider stores of earlier turns."""
        self.items: list[Json] = []
        self.instructions: str | None = None
        self._diagnostics = diagnostics
        self._by_reference = by_reference
        self._custom_calls: set[str] = set()

    def add(self, message: content_pb2.Message, field: str) -> None:
        """Raises GatewayError naming the field for what the API cannot carry."""
        if message.name and message.role != content_pb2.ROLE_TOOL:
            self._diagnostics.drop(f"{field}.name", "this provider takes no names of participants")
        if message.provider_details_json:
            self._diagnostics.drop_foreign_details(message, field, DIALECT)
        if message.role == content_pb2.ROLE_ASSISTANT:
            self._add_assistant(message, field)
        elif message.role == content_pb2.ROLE_TOOL:
            self._add_results(message, field)
        elif message.role not in ROLE_NAMES:
            raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")
        else:
            self._add_input(message, field)

    def _add_input(self, message: content_pb2.Message, field: str) -> None:
        form = form_of(message, words.MessageForm)
        if form.instructions and self.instructions is None and not self.items:
            self.instructions = "".join(part.text for part in message.parts)
            return
        content = [self._content(part, f"{field}.parts[{index}]", "input_text") for index, part in enumerate(message.parts)]
        if form.item:
            self.items += content
            return
        head: Json = {"type": "message"} if form.typed else {}
        value = content if form.listed else shortest(content)
        self.items.append({**head, "role": ROLE_NAMES[message.role], "content": value, **details_of(message)})

    def _add_results(self, message: content_pb2.Message, field: str) -> None:
        form = form_of(message, words.MessageForm)
        for place, part in results_in(message, field):
            result = part.tool_result
            if not result.tool_call_id:
                raise unsupported(f"{field}.tool_call_id", "this provider needs the id of the call that a result answers")
            is_custom = form.custom or result.tool_call_id in self._custom_calls
            output = [self._content(inner, where, "input_text") for where, inner in parts_in(result, place)]
            item: Json = {
                "type": words.CUSTOM_OUTPUT if is_custom else "function_call_output",
                "call_id": short_id(result.tool_call_id),
                "output": output if form.listed else shortest(output),
            }
            self.items.append({**item, **details_of(message)})
            self._diagnostics.drop_foreign_details(part, place)

    def _add_assistant(self, message: content_pb2.Message, field: str) -> None:
        """Texts that follow each other become one message item, reasoning parts of one id one reasoning item; every other
        part is an item."""
        texts: dict[str, content_pb2.Part] = {}
        reasoning: list[content_pb2.Part] = []
        for index, part in enumerate(message.parts):
            where, kind = f"{field}.parts[{index}]", part.WhichOneof("kind")
            is_text = is_piece(part)
            if texts and (not is_text or item_fields(part) is not None):
                self._add_texts(texts)
            if reasoning and not (kind == "reasoning" and continues(reasoning[-1], part)):
                self._add_reasoning(reasoning, field)
            if is_text:
                texts[where] = part
            elif kind == "reasoning":
                reasoning.append(part)
            else:
                self.items.append(self._item(part, where))
        if texts:
            self._add_texts(texts)
        if reasoning:
            self._add_reasoning(reasoning, field)

    def _add_texts(self, texts: dict[str, content_pb2.Part]) -> None:
        """texts: parts by their field. Empties it."""
        first = next(iter(texts.values()))
        form, fields = form_of(first, PartForm), item_fields(first)
        content = [] if form.empty else [self._content(part, where, "output_text") for where, part in texts.items()]
        if fields is not None and "id" in fields:
            for piece in content:
                if piece.get("type") == "output_text":
                    piece.setdefault("annotations", [])
        is_list = fields is not None and not form.plain
        head: Json = {"type": "message"} if fields is not None and not form.untyped else {}
        value = content if is_list else shortest(content)
        self.items.append({**head, "role": "assistant", "content": value, **(fields or {})})
        texts.clear()

    def _add_reasoning(self, parts: list[content_pb2.Part], field: str) -> None:
        """Empties parts."""
        if any(part.reasoning.provider == DIALECT and part.reasoning.signature for part in parts):
            self._diagnostics.drop(f"{field}.reasoning.signature", "this provider encrypts reasoning and signs none")
        item = encode_reasoning(parts, by_reference=self._by_reference)
        if item is None:
            why = "this provider takes back only reasoning that it gave itself, and encrypted"
            self._diagnostics.drop(f"{field}.reasoning", why)
        else:
            self.items.append(item)
            for part in parts:
                self._diagnostics.drop_foreign_details(part, f"{field}.reasoning", DIALECT)
        parts.clear()

    def _item(self, part: content_pb2.Part, field: str) -> Json:
        match part.WhichOneof("kind"):
            case "tool_call":
                return self._call(part, field)
            case "media" if part.media.kind == content_pb2.MEDIA_KIND_IMAGE:
                self._report_details(part, field)
                return encode_picture(part, field)
            case "media":
                raise unsupported(field, "this provider takes no media but pictures in the assistant's messages")
            case _:
                return self._content(part, field, "output_text")

    def _call(self, part: content_pb2.Part, field: str) -> Json:
        call = part.tool_call
        self._report_details(part, field)
        if not call.id:
            raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
        if part.HasField("signature"):
            self._diagnostics.drop(f"{field}.signature", "only the provider that signed it can read it")
        named = {"call_id": short_id(call.id), "name": call.name}
        if call.namespace:
            named["namespace"] = call.namespace
        if call.HasField("input"):
            self._custom_calls.add(call.id)
            return {"type": words.CUSTOM_CALL, **named, "input": call.input, **details_of(part)}
        return {
            "type": "function_call",
            **named,
            "arguments": without_halves(call.arguments_json) or "{}",
            **details_of(part),
        }

    def _report_details(self, part: content_pb2.Part, field: str) -> None:
        if part.provider_details_json:
            self._diagnostics.drop_foreign_details(part, field, DIALECT)

    def _content(self, part: content_pb2.Part, field: str, text_type: str) -> Json:
        """A piece of content. text_type: input_text, or output_text in a message of the assistant."""
        piece = encode_content(part, field, text_type)
        self._report_details(part, field)
        if part.HasField("signature"):
            self._diagnostics.drop(f"{field}.signature", "only the provider that signed it can read it")
        if part.citations:
            self._cite(piece, part, field)
        return piece

    def _cite(self, piece: Json, part: content_pb2.Part, field: str) -> None:
        """Files are known by the ids of the provider that has them: only its own citations of them are sent."""
        if piece.get("type") != "output_text":
            self._diagnostics.drop(f"{field}.citations", "this provider takes them on the assistant's text only")
            return
        known = [one for one in part.citations if one.uri or DIALECT in one.provider_details_json]
        if len(known) < len(part.citations):
            self._diagnostics.drop(f"{field}.citations", "this provider does not know the files that they name")
        piece["annotations"] = [words.annotation_of(one) for one in known]


def shortest(content: list[Json]) -> str | list[Json]:
    """Plain text as a string."""
    if not content:
        return ""
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        text: str = content[0]["text"]
        return text
    return content


def encode_content(part: content_pb2.Part, field: str, text_type: str) -> Json:
    """A piece of content without its citations. Raises GatewayError naming the field for what the API cannot carry there."""
    match part.WhichOneof("kind"):
        case "text":
            return {"type": text_type, "text": part.text, **words.piece_fields(part)}
        case "refusal":
            return {"type": "refusal", "refusal": part.refusal, **words.piece_fields(part)}
        case "media":
            return {**encode_media(part.media, field), **words.piece_fields(part)}
        case "opaque" if part.opaque.dialect == DIALECT:
            return object_of(part.opaque.json, f"{field}.opaque.json")
        case "reasoning":
            raise invalid(field, f"{field}: reasoning belongs in a message of ROLE_ASSISTANT")
        case _:
            raise unusable_part(part, field)


def encode_media(media: content_pb2.Media, field: str) -> Json:
    kind = media_kind(media)
    if kind == content_pb2.MEDIA_KIND_AUDIO:
        return {"type": "input_audio", "input_audio": encode_audio(media, field)}
    if kind == content_pb2.MEDIA_KIND_VIDEO:
        raise unsupported(field, "this provider takes no video")
    if kind == content_pb2.MEDIA_KIND_IMAGE:
        name, value = source_of(media, field)
        image: Json = {"type": "input_image", "file_id" if name == "file_id" else "image_url": value}
        if media.detail:
            image["detail"] = media.detail
        return image
    return {"type": "input_file", **encode_file(media, field)}


def refuses(media: content_pb2.Media, _endpoint: Endpoint) -> str:
    """See Dialect.refuses."""
    return refusal(lambda: encode_media(media, "media"))


def takes_back(part: content_pb2.Part, _endpoint: Endpoint) -> bool:
    """See Dialect.takes_back. The provider takes back only pictures that it drew itself, and as bytes."""
    return part.media.kind == content_pb2.MEDIA_KIND_IMAGE and not refusal(lambda: encode_picture(part, "media"))


def needs_bytes(media: content_pb2.Media, _model: str, _endpoint: Endpoint) -> bool:
    """See Dialect.needs_bytes."""
    return bool(media_kind(media) == content_pb2.MEDIA_KIND_AUDIO)


def encode_file(media: content_pb2.Media, field: str) -> Json:
    name, value = source_of(media, field)
    if name == "file_id" or not value.startswith("data:"):
        source = {"file_id" if name == "file_id" else "file_url": value}
        return {**source, "filename": media.filename} if media.filename else source
    # The provider refuses a document's bytes without a name.
    return {"filename": document_name(media, value), "file_data": value}


def source_of(media: content_pb2.Media, field: str) -> tuple[str, str]:
    """(uri or file_id, its value); bytes as a data: URI."""
    if media.HasField("file_id"):
        return "file_id", media.file_id
    return "uri", uri_of(media, field)


def encode_picture(part: content_pb2.Part, field: str) -> Json:
    """A picture that the model drew, as the item of the tool that drew it."""
    name, value = source_of(part.media, field)
    if name != "uri" or not value.startswith("data:"):
        raise unsupported(field, "this provider takes back pictures only as bytes")
    fields = details_of(part)
    if "id" not in fields:
        raise unsupported(field, "this provider takes back only pictures that it drew itself")
    return {"type": words.PICTURE, "result": value.partition(",")[2], **fields}


def encode_reasoning(parts: Sequence[content_pb2.Part], *, by_reference: bool) -> Json | None:
    """One item of the parts that share its id. None: another provider's, or one that is empty without what the provider
    stores, which it does only where the client lets it (by_reference)."""
    if any(part.reasoning.provider != DIALECT for part in parts):
        return None
    item: Json = {"type": "reasoning"}
    if item_id := parts[0].reasoning.id:
        item["id"] = item_id
    for part in parts:
        item.update(details_of(part))
    summary, content = list_at(item, "summary"), list_at(item, "content")
    for part in parts:
        texts = words.pieces(part.reasoning.text, form_of(part, PartForm).lengths)
        if part.reasoning.summary:
            summary += [{"type": "summary_text", "text": text} for text in texts]
        else:
            content += [{"type": "reasoning_text", "text": text} for text in texts]
    item["summary"] = summary
    if content:
        item["content"] = content
    if encrypted := "".join(part.reasoning.encrypted for part in parts):
        item["encrypted_content"] = encrypted
    elif not (by_reference and item_id) and not content:
        return None
    return item


def continues(part: content_pb2.Part, following: content_pb2.Part) -> bool:
    """Whether both are of one reasoning item. One without an id ends with its encrypted content."""
    reasoning = part.reasoning
    return reasoning.id == following.reasoning.id and bool(reasoning.id or not reasoning.encrypted)


def short_id(call_id: str) -> str:
    """An id that the provider takes, which are short: the same for the same id, and another for another."""
    if len(call_id) <= LONGEST_CALL_ID:
        return call_id
    return f"{call_id[:48]}_{hashlib.sha256(call_id.encode()).hexdigest()[:15]}"


def encode_input(
    messages: Sequence[content_pb2.Message], diagnostics: Diagnostics, *, by_reference: bool
) -> tuple[list[Json], str | None]:
    """(input items, instructions or None). Raises GatewayError naming the field at fault."""
    encoder = InputEncoder(diagnostics, by_reference=by_reference)
    for index, message in enumerate(messages):
        encoder.add(message, f"messages[{index}]")
    return encoder.items, encoder.instructions
