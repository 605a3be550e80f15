"""The parts of an answer as output items. Every field of the schema is there, as typed clients need it.

Source: https://platform.openai.com/docs/api-reference/responses/object and recorded answers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Part
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import without_notes
from gateway_dialects.openai_responses.parse_items import CARRIED
from gateway_dialects.openai_responses.seals import carried_details, is_own, sealed
from gateway_dialects.openai_responses.server_details import DIALECT, PICTURE, SUMMARY_GAP, details_of

WORDS = frozenset({"text", "refusal"})
PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc", PICTURE: "ig"}


class ItemIds:
    """Ids for items to which the provider gave none: the same for the same answer."""

    def __init__(self, response_id: str) -> None:
        # Providers take ids of 64 characters at most.
        self._stem = response_id.removeprefix("resp_")[-48:]

    def make(self, kind: str, place: int) -> str:
        return f"{PREFIXES.get(kind, 'item')}_{self._stem}_{place}"


class Tokens:
    """The answer's log-probabilities, dealt out to its texts: as noted, or all to the first."""

    def __init__(self, tokens: Iterable[TokenLogprob]) -> None:
        self._tokens = list(tokens)

    def take(self, part: Part) -> list[TokenLogprob]:
        details = details_of(part.provider_details_json)
        if not self._tokens or part.WhichOneof("kind") != "text":
            return []
        count = details.get("$logprobs", 0) if DIALECT in part.provider_details_json else len(self._tokens)
        taken, self._tokens = self._tokens[:count], self._tokens[count:]
        return taken


def is_words(part: Part) -> bool:
    """Whether it stands in a message: words, and sound as the words spoken in it."""
    kind = part.WhichOneof("kind")
    return kind in WORDS or (kind == "media" and part.media.kind != MEDIA_KIND_IMAGE)


def is_blank(part: Part) -> bool:
    """Whether it says nothing, and no provider of this dialect says that it is there."""
    if DIALECT in part.provider_details_json:
        return False
    kind, reasoning = part.WhichOneof("kind"), part.reasoning
    if kind == "reasoning":
        return not (reasoning.text or reasoning.signature or reasoning.encrypted or is_own(part))
    return kind in WORDS and not (part.text or part.refusal)


def begins_item(part: Part) -> bool:
    return "item" in details_of(part.provider_details_json)


def grouped(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts of each item: words that belong to one message stand together, anything else alone."""
    group: list[Part] = []
    for part in parts:
        if group and is_words(part) and is_words(group[-1]) and not begins_item(part):
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
    if is_words(part):
        content = [] if is_empty(part) else [render_content(one, tokens.take(one)) for one in group]
        fields = details_of(part.provider_details_json).get("item", {})
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


def is_empty(part: Part) -> bool:
    """A message without any content."""
    return bool(details_of(part.provider_details_json).get("$empty"))


def message_item(item_id: str, content: list[Json], fields: Json, status: str) -> Json:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content, **fields}


def render_content(part: Part, tokens: Sequence[TokenLogprob]) -> Json:
    own = without_notes(details_of(part.provider_details_json))
    own.pop("item", None)
    if part.WhichOneof("kind") == "refusal":
        return {"type": "refusal", "refusal": part.refusal, **own}
    text = part.text if part.WhichOneof("kind") == "text" else words_of(part.media)
    return {"type": "output_text", "annotations": [], "logprobs": render_tokens(tokens), "text": text, **own}


def words_of(media: Media) -> str:
    """Media for which this dialect has no item, in words: what is spoken, or where it is."""
    return media.transcript or (media.uri if not media.uri.startswith("data:") else "") or media.file_id


def render_tokens(tokens: Iterable[TokenLogprob]) -> list[Json]:
    return [{**render_token(token), "top_logprobs": [render_token(other) for other in token.top]} for token in tokens]


def render_token(token: TokenLogprob) -> Json:
    octets = token.token_bytes if token.HasField("token_bytes") else token.token.encode()
    return {"token": token.token, "bytes": list(octets), "logprob": token.logprob}


def call_type(part: Part) -> str:
    return "custom_tool_call" if part.tool_call.HasField("input") else "function_call"


def call_item(part: Part, item_id: str, status: str) -> Json:
    call, kind = part.tool_call, call_type(part)
    item: Json = {"id": item_id, "type": kind, "status": status, "call_id": call.id, "name": call.name}
    item |= {"arguments": call.arguments_json} if kind == "function_call" else {"input": call.input}
    if part.provider_details_json:
        item |= without_notes(details_of(part.provider_details_json))
        if carried := carried_details(dict(part.provider_details_json)):
            item[CARRIED] = carried
    return item


def reasoning_item(part: Part, item_id: str) -> Json:
    """Another provider's reasoning is shown as a summary, which is where clients look for it."""
    details = details_of(part.provider_details_json)
    item: Json = {"id": item_id, "type": "reasoning", "summary": [], **without_notes(details)}
    texts = pieces(part.reasoning.text, details.get("$summary"))
    if shows_summary(part):
        item["summary"] = [{"type": "summary_text", "text": text} for text in texts]
    else:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
    if encrypted := sealed(part):
        item["encrypted_content"] = encrypted
    return item


def shows_summary(part: Part) -> bool:
    return part.reasoning.summary or not is_own(part)


def pieces(text: str, lengths: Any) -> list[str]:
    """The summaries that one text was joined of; the text itself where their lengths do not fit it."""
    if not text:
        return []
    found, start = [], 0
    for length in lengths if isinstance(lengths, list) else ():
        found.append(text[start : start + length])
        start += length + len(SUMMARY_GAP)
    return found if found and SUMMARY_GAP.join(found) == text else [text]


def has_picture(media: Media) -> bool:
    """Whether the bytes of a picture are here."""
    return media.kind == MEDIA_KIND_IMAGE and (media.uri.startswith("data:") or bool(media.data))


def picture_item(part: Part, item_id: str, status: str) -> Json:
    """A picture, as the tool's item that draws one; where its bytes are not here, its address in words."""
    media = part.media
    if not has_picture(media):
        return message_item(item_id, [render_content(part, ())], {}, status)
    result = media.uri.partition(",")[2] if media.uri else base64.b64encode(media.data).decode()
    own = without_notes(details_of(part.provider_details_json))
    return {"id": item_id, "type": PICTURE, "status": "completed", "result": result, **own}


def opaque_item(part: Part, item_id: str) -> Json:
    """What another dialect alone understands travels sealed, in an item that every client takes."""
    if is_own(part):
        item = decode_json(part.opaque.json)
        return item if isinstance(item, dict) else {"type": "opaque", "content": item}
    return {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": sealed(part)}
