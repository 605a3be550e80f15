"""The parts of an answer as output items. Every field of the schema is there, as typed clients need it.

Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence

from dragoman.v1.chat_pb2 import TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Part
from gateway_dialects.kit.carried_state import CarriedState, others, pack, reasoning_state
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.openai_responses.words import (
    CARRIED,
    CUSTOM_CALL,
    DIALECT,
    FORM,
    PICTURE,
    SIGNATURE,
    TEXT_KINDS,
    PartForm,
    annotation_of,
    begins_item,
    details_of,
    form_of,
    is_piece,
    item_fields,
    pieces,
)

PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", CUSTOM_CALL: "ctc", PICTURE: "ig"}


class ItemIds:
    """Ids for items to which the provider gave none: the same for the same answer."""

    def __init__(self, response_id: str) -> None:
        # Providers take ids of 64 characters at most.
        self._stem = response_id.removeprefix("resp_")[-48:]

    def make(self, kind: str, place: int) -> str:
        return f"{PREFIXES.get(kind, 'item')}_{self._stem}_{place}"


class Tokens:
    """The answer's log-probabilities, dealt out to its texts: by their number where it is recorded, or all to the first."""

    def __init__(self, tokens: Iterable[TokenLogprob]) -> None:
        self._tokens = list(tokens)

    def take(self, part: Part) -> list[TokenLogprob]:
        if not self._tokens or part.WhichOneof("kind") != "text":
            return []
        is_own = DIALECT in part.provider_details_json or FORM in part.provider_details_json
        count = form_of(part, PartForm).logprobs if is_own else len(self._tokens)
        taken, self._tokens = self._tokens[:count], self._tokens[count:]
        return taken


def is_content(part: Part) -> bool:
    """Whether it is content of a message: text, and sound as the words spoken in it."""
    return is_piece(part) or (part.WhichOneof("kind") == "media" and part.media.kind != MEDIA_KIND_IMAGE)


def is_blank(part: Part) -> bool:
    """Whether it is empty, and no provider of this dialect gave it."""
    if DIALECT in part.provider_details_json:
        return False
    kind, reasoning = part.WhichOneof("kind"), part.reasoning
    if kind == "reasoning":
        return not (reasoning.text or reasoning.signature or reasoning.encrypted or is_own(part))
    return kind in TEXT_KINDS and not (part.text or part.refusal)


def grouped(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts of each item: texts of one message together, any other part alone."""
    group: list[Part] = []
    for part in parts:
        if group and is_content(part) and is_content(group[-1]) and not begins_item(part):
            group.append(part)
            continue
        if group:
            yield group
        group = [part]
    if group:
        yield group


def render_output(parts: Sequence[Part], logprobs: Iterable[TokenLogprob], ids: ItemIds, *, is_cut: bool) -> list[Json]:
    """is_cut: the last item is incomplete."""
    tokens = Tokens(logprobs)
    groups = list(grouped(part for part in parts if not is_blank(part)))
    return [
        render_item(group, ids, place, tokens, "incomplete" if is_cut and place == len(groups) - 1 else "completed")
        for place, group in enumerate(groups)
    ]


def render_item(group: list[Part], ids: ItemIds, place: int, tokens: Tokens, status: str) -> Json:
    part = group[0]
    if is_content(part):
        content = [] if form_of(part, PartForm).empty else [render_content(one, tokens.take(one)) for one in group]
        fields = item_fields(details_of(part)) or {}
        return message_item(ids.make("message", place), content, fields, status)
    match part.WhichOneof("kind"):
        case "tool_call":
            return call_item(part, ids.make(call_type(part), place), status)
        case "reasoning":
            return reasoning_item(part, ids.make("reasoning", place))
        case "media":
            return picture_item(part, ids.make(PICTURE, place), status)
        case _:
            return opaque_item(part, ids.make("reasoning", place))


def message_item(item_id: str, content: list[Json], fields: Json, status: str) -> Json:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content, **fields}


def render_content(part: Part, tokens: Sequence[TokenLogprob]) -> Json:
    text = part.text or part.refusal or transcript_of(part.media)
    return content_piece(part, text, tokens, [annotation_of(citation) for citation in part.citations])


def content_piece(part: Part, text: str, tokens: Sequence[TokenLogprob], annotations: list[Json]) -> Json:
    """A piece of a message's content. part: its kind, details and signature."""
    own = {**details_of(part), **signature_of(part)}
    own.pop("item", None)
    if part.WhichOneof("kind") == "opaque":
        return own_opaque(part)
    if part.WhichOneof("kind") == "refusal":
        return {"type": "refusal", "refusal": text, **own}
    return {"type": "output_text", "annotations": annotations, "logprobs": render_tokens(tokens), "text": text, **own}


def signature_of(part: Part) -> Json:
    """Where clients carry another provider's signature of a text or a tool call."""
    if not part.HasField("signature"):
        return {}
    return {SIGNATURE: {"provider": part.signature.provider, "value": part.signature.value}}


def transcript_of(media: Media) -> str:
    """Media for which this dialect has no item, as text: what is spoken, or where it is."""
    return media.transcript or (media.uri if not media.uri.startswith("data:") else "") or media.file_id


def render_tokens(tokens: Iterable[TokenLogprob]) -> list[Json]:
    return [{**render_token(token), "top_logprobs": [render_token(other) for other in token.top]} for token in tokens]


def render_token(token: TokenLogprob) -> Json:
    octets = token.token_bytes if token.HasField("token_bytes") else token.token.encode()
    return {"token": token.token, "bytes": list(octets), "logprob": token.logprob}


def call_type(part: Part) -> str:
    return CUSTOM_CALL if part.tool_call.HasField("input") else "function_call"


def call_item(part: Part, item_id: str, status: str) -> Json:
    call, kind = part.tool_call, call_type(part)
    item: Json = {"id": item_id, "type": kind, "status": status, "call_id": call.id, "name": call.name}
    item |= {"arguments": call.arguments_json} if kind == "function_call" else {"input": call.input}
    item |= {**details_of(part), **signature_of(part)}
    if carried := others(part.provider_details_json, DIALECT):
        item[CARRIED] = {dialect: decode_json(text) for dialect, text in carried.items()}
    return item


def reasoning_item(part: Part, item_id: str) -> Json:
    """Another provider's reasoning is shown as a summary, which is where clients look for it."""
    item: Json = {"id": reasoning_id(part) or item_id, "type": "reasoning", "summary": [], **details_of(part)}
    texts = pieces(part.reasoning.text, form_of(part, PartForm).lengths)
    if shows_summary(part):
        item["summary"] = [{"type": "summary_text", "text": text} for text in texts]
    else:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
    if encrypted := encrypted_content(part):
        item["encrypted_content"] = encrypted
    return item


def is_own(part: Part) -> bool:
    """Whether it came from a provider that speaks this dialect."""
    kind = part.WhichOneof("kind")
    return part.opaque.dialect == DIALECT if kind == "opaque" else part.reasoning.provider == DIALECT


def reasoning_id(part: Part) -> str:
    """The id of this dialect's own reasoning; another provider's is packed with its state."""
    return part.reasoning.id if is_own(part) else ""


def shows_summary(part: Part) -> bool:
    return part.reasoning.summary or not is_own(part)


def encrypted_content(part: Part) -> str:
    """Of a reasoning or opaque part: this dialect's own as it is, any other packed. Empty: own, and not encrypted."""
    if part.WhichOneof("kind") == "opaque":
        return pack(CarriedState(dialect=part.opaque.dialect, encrypted=part.opaque.json))
    if is_own(part):
        return part.reasoning.encrypted
    return pack(reasoning_state(part, others(part.provider_details_json, DIALECT)))


def has_picture(media: Media) -> bool:
    """Whether the bytes of a picture are here."""
    return media.kind == MEDIA_KIND_IMAGE and (media.uri.startswith("data:") or bool(media.data))


def picture_item(part: Part, item_id: str, status: str) -> Json:
    """A picture, as the item of the tool that draws one; where its bytes are not here, its address as text."""
    media = part.media
    if not has_picture(media):
        return message_item(item_id, [render_content(part, ())], {}, status)
    result = media.uri.partition(",")[2] if media.uri else base64.b64encode(media.data).decode()
    return {"id": item_id, "type": PICTURE, "status": "completed", "result": result, **details_of(part)}


def opaque_item(part: Part, item_id: str) -> Json:
    """What only another dialect understands is packed, in an item that every client takes."""
    if is_own(part):
        return own_opaque(part)
    return {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": encrypted_content(part)}


def own_opaque(part: Part) -> Json:
    value = decode_json(part.opaque.json)
    return value if isinstance(value, dict) else {"type": "opaque", "content": value}
