"""Carries what other providers need of their reasoning, and content that only they understand, through a client of this
dialect: in encrypted_content of a reasoning item, which clients give back unread.

This dialect's own encrypted content travels as it is; anything else is packed (see kit.carried_state).
"""

from __future__ import annotations

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.carried_state import (
    CarriedState,
    is_packed,
    others,
    pack,
    reasoning_state,
    restore_reasoning,
    unpack,
)
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.openai_responses.server_details import DIALECT


def is_own(part: Part) -> bool:
    """Whether it came from a provider that speaks this dialect."""
    kind = part.WhichOneof("kind")
    return part.opaque.dialect == DIALECT if kind == "opaque" else part.reasoning.provider == DIALECT


def sealed(part: Part) -> str:
    """The encrypted_content of a reasoning or opaque part. Empty: this dialect's own, and not encrypted."""
    if part.WhichOneof("kind") == "opaque":
        return pack(CarriedState(dialect=part.opaque.dialect, encrypted=part.opaque.json))
    if part.reasoning.provider == DIALECT:
        return part.reasoning.encrypted
    return pack(reasoning_state(part, others(part.provider_details_json, DIALECT)))


def restore(part: Part, text: str, encrypted: str) -> bool:
    """Make the part what its encrypted content says. text: the reasoning in words. True: it is this dialect's own."""
    if not is_packed(encrypted):
        part.reasoning.text, part.reasoning.encrypted, part.reasoning.provider = text, encrypted, DIALECT
        return True
    # What this gateway cannot have packed is unsigned reasoning.
    state = unpack(encrypted) or CarriedState(summary=True)
    if state.dialect:
        part.opaque.dialect, part.opaque.json = state.dialect, state.encrypted
        return False
    part.reasoning.text = text
    restore_reasoning(part, state)
    return False


def carried_details(details_json: dict[str, str]) -> Json:
    """Other dialects' details of a tool call, in the form of its item's provider_details."""
    return {dialect: decode_json(text) for dialect, text in details_json.items() if dialect != DIALECT}
