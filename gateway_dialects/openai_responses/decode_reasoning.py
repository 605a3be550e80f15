"""Reasoning items: how they become parts, and how parts that belong to one item go back to it, unmodified.

Source: https://platform.openai.com/docs/guides/reasoning (encrypted reasoning items) and recorded items.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.v1.content_pb2 import Part, Reasoning
from gateway_dialects.kit.json import Json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of
from gateway_dialects.openai_responses.words import DIALECT, REASONING_FORMAT, SUMMARY_GAP, details_of, set_details

ITEM_FIELDS = frozenset({"type", "summary", "content", "encrypted_content"})


def decode_reasoning(item: Json, index: int) -> Part:
    """The whole part of a finished item. index: its place among the reasoning parts of the answer."""
    summaries, thoughts = texts_of(item.get("summary")), texts_of(item.get("content"))
    part = begin_reasoning(item, index, is_summary=bool(summaries) or not thoughts)
    part.reasoning.text = SUMMARY_GAP.join(summaries or thoughts)
    part.reasoning.encrypted = text_of(item.get("encrypted_content"))
    set_details(part, reasoning_details(item))
    return part


def begin_reasoning(item: Json, index: int, *, is_summary: bool) -> Part:
    """The part without its text and seal, and with what a client of OpenAI's chat form must give back for it to be known."""
    part = Part(reasoning=Reasoning(provider=DIALECT, summary=is_summary))
    told = {
        "$field": "reasoning_details",
        "$also": "reasoning_content",
        "type": "reasoning.summary" if is_summary else "reasoning.text",
        "format": REASONING_FORMAT,
        "index": index,
    }
    item_id = text_of(item.get("id"))
    set_details(part, {**told, "id": item_id} if item_id else told, CHAT_FORM)
    set_details(part, {"id": item_id} if item_id else {})
    return part


def reasoning_details(item: Json) -> Json:
    """The item's fields beside its text and seal. Where it has summaries and thoughts, the thoughts are carried here."""
    summaries, thoughts = texts_of(item.get("summary")), texts_of(item.get("content"))
    details = unknown_fields(item, ITEM_FIELDS)
    if summaries and thoughts:
        details["content"] = item["content"]
    if len(summaries or thoughts) > 1:
        details["$summary"] = [len(text) for text in summaries or thoughts]
    return details


def texts_of(value: Any) -> list[str]:
    """The texts of a list of summary_text or reasoning_text objects. Raises GatewayError for what has no words."""
    found = []
    for item in value or ():
        if not isinstance(item, dict) or not isinstance(text := item.get("text"), str):
            raise malformed("reasoning of the provider's output has content without its words")
        found.append(text)
    return found


def encode_reasoning(parts: Sequence[Part], *, by_reference: bool) -> Json | None:
    """One item of the parts that share its id. None: it is not this dialect's own, or cannot be understood without what the
    provider has kept, which it has only where the client lets it (by_reference)."""
    if not all(is_own(part) for part in parts):
        return None
    details = {name: value for part in parts for name, value in details_of(part).items()}
    item: Json = {"type": "reasoning", **fields_of(details)}
    if item_id := id_of(parts[0]):
        item["id"] = item_id
    item.setdefault("summary", [])
    for part in parts:
        for text in pieces(part.reasoning.text, details.get("$summary")):
            if part.reasoning.summary:
                item["summary"].append({"type": "summary_text", "text": text})
            else:
                item.setdefault("content", []).append({"type": "reasoning_text", "text": text})
    if encrypted := "".join(part.reasoning.encrypted for part in parts):
        item["encrypted_content"] = encrypted
    elif not (by_reference and item_id) and not item.get("content"):
        return None
    return item


def is_own(part: Part) -> bool:
    """Whether this dialect's provider made it: as the part says, or the client that gives it back in OpenRouter's form."""
    if part.reasoning.provider:
        return part.reasoning.provider == DIALECT
    return details_of(part, CHAT_FORM).get("format") == REASONING_FORMAT


def id_of(part: Part) -> str:
    return text_of(details_of(part).get("id")) or text_of(details_of(part, CHAT_FORM).get("id"))


def pieces(text: str, lengths: Any) -> list[str]:
    """The summaries that one text was joined of; the text itself where their lengths do not fit it."""
    if not text:
        return []
    if not isinstance(lengths, list) or not all(type(length) is int for length in lengths):
        return [text]
    found, start = [], 0
    for length in lengths:
        found.append(text[start : start + length])
        start += length + len(SUMMARY_GAP)
    return found if SUMMARY_GAP.join(found) == text else [text]
