"""Thought signatures: Gemini's seals over its own thoughts, which may sit on any part and must come back where they were.

A client of another dialect can carry them in several ways, and each is read: Google's own OpenAI-compatible API writes
tool_calls[].extra_content.google.thought_signature, OpenRouter reasoning_details of the format google-gemini-v1, LiteLLM
provider_specific_fields. Source: https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.gemini.client.details import COMPATIBLE, details_of
from gateway_dialects.kit.json import Json

FIELD = "thoughtSignature"
SKIP = "skip_thought_signature_validator"
"""What a model that wants a signature takes in place of one that was lost, or of a call that another model made."""
FORMAT = "google-gemini-v1"


def compatible(signature: str) -> Json:
    """The details with which Google's compatible API hands a signature to OpenAI's clients."""
    return {"extra_content": {"google": {"thought_signature": signature}}}


def signature_of_call(part: Part) -> str:
    """The signature that came with a tool call, however its client carried it."""
    if not part.provider_details_json:
        return ""
    return text_at(details_of(part), FIELD) or carried(details_of(part, COMPATIBLE))


def carried(details: Json) -> str:
    return (
        text_at(details, "extra_content", "google", "thought_signature")
        or text_at(details, "provider_specific_fields", "thought_signature")
        or text_at(details, "function", "provider_specific_fields", "thought_signature")
    )


def text_at(value: Any, *path: str) -> str:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


class LooseSignatures:
    """The signatures of an assistant message that its client carried apart from their parts."""

    __slots__ = ("_by_call", "_rest")

    def __init__(self, message: Message) -> None:
        self._by_call: dict[str, str] = {}
        self._rest: list[str] = []
        if COMPATIBLE in message.provider_details_json and (found := carried(details_of(message, COMPATIBLE))):
            self._rest.append(found)
        for part in message.parts:
            if part.WhichOneof("kind") == "reasoning" and part.reasoning.encrypted and is_ours(part):
                self._keep(part)

    def of_call(self, call_id: str) -> str:
        return self._by_call.pop(call_id, "")

    def place(self, parts: list[Json]) -> None:
        """Give what no call has claimed to the last words, where Gemini signs an answer, or else to the first call."""
        for signature in (*self._by_call.values(), *self._rest):
            free = [part for part in parts if FIELD not in part and not part.get("thought")]
            spoken = [part for part in free if "text" in part]
            called = [part for part in free if "functionCall" in part]
            if spoken:
                spoken[-1][FIELD] = signature
            elif called:
                called[0][FIELD] = signature

    def _keep(self, part: Part) -> None:
        owner = details_of(part, COMPATIBLE).get("id")
        if isinstance(owner, str):
            self._by_call[owner] = part.reasoning.encrypted
        else:
            self._rest.append(part.reasoning.encrypted)


def is_ours(part: Part) -> bool:
    """Whether a reasoning part says that Gemini made it."""
    return details_of(part, COMPATIBLE).get("format") == FORMAT


def skip_where_lost(parts: list[Json]) -> None:
    """The first of the calls that a model makes at once carries their signature."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any(FIELD in call for call in calls):
        calls[0][FIELD] = SKIP
