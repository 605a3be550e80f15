"""The parts of an answer as output items. Every field of the schema is there, as typed clients need it.

Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers.
"""

from collections.abc import Iterable, Iterator, Sequence

from dragoman.v1.chat_pb2 import TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Part
from gateway_dialects.kit.carried_state import CarriedState, is_native, others, pack, reasoning_state
from gateway_dialects.kit.json import Json, decode_json, decode_object, text_of
from gateway_dialects.kit.media import base64_of
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.words import CUSTOM_CALL, DIALECT, PICTURE, PartForm, details_of, form_of, item_fields

PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", CUSTOM_CALL: "ctc", PICTURE: "ig"}


def id_of(part: Part, response_id: str, place: int) -> str:
    """The id of the item that begins with a part: its provider's, or one that is the same for the same answer, of at most 64
    characters, as providers take it."""
    kind = item_type(part)
    fields = item_fields(part) or {} if kind == "message" else details_of(part)
    own = part.reasoning.id if kind == "reasoning" and is_own(part) else text_of(fields.get("id"))
    return own or f"{PREFIXES.get(kind, 'item')}_{response_id.removeprefix('resp_')[-48:]}_{place}"


def is_content(part: Part) -> bool:
    """Whether it is content of a message: text, and sound as its transcript."""
    return words.is_piece(part) or (part.WhichOneof("kind") == "media" and part.media.kind != MEDIA_KIND_IMAGE)


def is_blank(part: Part) -> bool:
    """Whether it is empty, and no provider of this dialect gave it."""
    if DIALECT in part.provider_details_json:
        return False
    kind, reasoning = part.WhichOneof("kind"), part.reasoning
    if kind == "reasoning":
        return not (reasoning.text or reasoning.signature or reasoning.encrypted or is_own(part))
    return kind in words.TEXT_KINDS and not (part.text or part.refusal)


def grouped(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts of each item: texts of one message together, any other part alone."""
    group: list[Part] = []
    for part in parts:
        if group and is_content(part) and is_content(group[-1]) and item_fields(part) is None:
            group.append(part)
            continue
        if group:
            yield group
        group = [part]
    if group:
        yield group


def render_output(parts: Sequence[Part], logprobs: Iterable[TokenLogprob], response_id: str, *, is_cut: bool) -> list[Json]:
    """is_cut: the last item is incomplete."""
    tokens = list(logprobs)
    groups = list(grouped(part for part in parts if not is_blank(part)))
    statuses = ["completed"] * (len(groups) - 1) + ["incomplete" if is_cut else "completed"]
    return [render_item(group, response_id, place, tokens, statuses[place]) for place, group in enumerate(groups)]


def render_item(group: list[Part], response_id: str, place: int, tokens: list[TokenLogprob], status: str) -> Json:
    part = group[0]
    item_id = id_of(part, response_id, place)
    if is_content(part):
        content = [] if form_of(part, PartForm).empty else [render_content(one, take_tokens(tokens, one)) for one in group]
        return message_item(item_id, content, item_fields(part), status)
    match part.WhichOneof("kind"):
        case "tool_call":
            return call_item(part, item_id, status)
        case "reasoning":
            return reasoning_item(part, item_id)
        case "media":
            return picture_item(part, item_id, status)
        case _:
            return opaque_item(part, item_id)


def item_type(part: Part) -> str:
    """The type of the item that the part becomes. Content that only another dialect understands is packed into reasoning."""
    if is_content(part):
        return "message"
    match part.WhichOneof("kind"):
        case "tool_call":
            return CUSTOM_CALL if part.tool_call.HasField("input") else "function_call"
        case "media":
            return PICTURE
        case _:
            return "reasoning"


def take_tokens(tokens: list[TokenLogprob], part: Part) -> list[TokenLogprob]:
    """The log-probabilities of a text, taken out of the rest of the answer's: as many as are recorded for it, or all."""
    if not tokens or not part.HasField("text"):
        return []
    count = form_of(part, PartForm).logprobs or (0 if DIALECT in part.provider_details_json else len(tokens))
    taken = tokens[:count]
    del tokens[:count]
    return taken


def message_item(item_id: str, content: list[Json], fields: Json | None, status: str) -> Json:
    head = {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}
    return {**head, **(fields or {})}


def render_content(part: Part, tokens: Sequence[TokenLogprob]) -> Json:
    text = part.text or part.refusal or transcript_of(part.media)
    return content_piece(part, text, tokens, [words.annotation_of(citation) for citation in part.citations])


def content_piece(part: Part, text: str, tokens: Sequence[TokenLogprob], annotations: list[Json]) -> Json:
    """A piece of a message's content. part: its kind, details and signature."""
    kind = part.WhichOneof("kind")
    if kind == "opaque":
        return decode_object(part.opaque.json)
    own = {**words.piece_fields(part), **signature_of(part)}
    if kind == "refusal":
        return {"type": "refusal", "refusal": text, **own}
    return {"type": "output_text", "annotations": annotations, "logprobs": render_tokens(tokens), "text": text, **own}


def signature_of(part: Part) -> Json:
    """Where clients carry another provider's signature of a text or a tool call."""
    if not part.HasField("signature"):
        return {}
    return {words.SIGNATURE: {"provider": part.signature.provider, "value": part.signature.value}}


def transcript_of(media: Media) -> str:
    """Media for which this dialect has no item, as text: what is spoken, or where it is."""
    return media.transcript or (media.uri if not media.uri.startswith("data:") else "") or media.file_id


def render_tokens(tokens: Iterable[TokenLogprob]) -> list[Json]:
    return [{**render_token(token), "top_logprobs": [render_token(other) for other in token.top]} for token in tokens]


def render_token(token: TokenLogprob) -> Json:
    octets = token.token_bytes if token.HasField("token_bytes") else token.token.encode()
    return {"token": token.token, "bytes": list(octets), "logprob": token.logprob}


def call_item(part: Part, item_id: str, status: str) -> Json:
    call, kind = part.tool_call, item_type(part)
    item: Json = {"id": item_id, "type": kind, "status": status, "call_id": call.id, "name": call.name}
    if call.namespace:
        item["namespace"] = call.namespace
    item |= {"arguments": call.arguments_json} if kind == "function_call" else {"input": call.input}
    item |= {**details_of(part), **signature_of(part)}
    if carried := others(part.provider_details_json, DIALECT):
        item[words.CARRIED] = {dialect: decode_json(text) for dialect, text in carried.items()}
    return item


def reasoning_item(part: Part, item_id: str) -> Json:
    """Another provider's reasoning is shown as a summary, which is where clients look for it."""
    item: Json = {"id": item_id, "type": "reasoning", "summary": [], **details_of(part)}
    texts = words.pieces(part.reasoning.text, form_of(part, PartForm).lengths)
    if shows_summary(part):
        item["summary"] = [{"type": "summary_text", "text": text} for text in texts]
    else:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
    if not is_own(part):
        item["encrypted_content"] = pack(reasoning_state(part, others(part.provider_details_json, DIALECT)))
    elif part.reasoning.encrypted:
        item["encrypted_content"] = part.reasoning.encrypted
    return item


def is_own(part: Part) -> bool:
    """Whether a reasoning or opaque part came from a provider that speaks this dialect."""
    kind = part.WhichOneof("kind")
    return part.opaque.dialect == DIALECT if kind == "opaque" else is_native(part, DIALECT)


def shows_summary(part: Part) -> bool:
    return part.reasoning.summary or not is_own(part)


def picture_item(part: Part, item_id: str, status: str) -> Json:
    """A picture, as the item of the tool that draws one; where its bytes are not here, its address as text."""
    media = part.media
    if not (media.data or media.uri.startswith("data:")):
        return message_item(item_id, [render_content(part, ())], None, status)
    head = {"id": item_id, "type": PICTURE, "status": "completed", "result": base64_of(media)}
    return {**head, **details_of(part)}


def opaque_item(part: Part, item_id: str) -> Json:
    """What only another dialect understands is packed, in an item that every client takes."""
    if is_own(part):
        return decode_object(part.opaque.json)
    packed = pack(CarriedState(dialect=part.opaque.dialect, encrypted=part.opaque.json))
    return {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": packed}
