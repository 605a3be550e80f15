"""Carries what other providers need of their reasoning through a client of this dialect, which gives back only a signature.

Anthropic's own signature travels as it is; anything else is packed (see kit.carried_state).
"""

from __future__ import annotations

from dragoman.v1.content_pb2 import Part
from gateway_dialects.anthropic.server.details import DIALECT
from gateway_dialects.kit.carried_state import CarriedState, is_packed, pack, reasoning_state, restore_reasoning, unpack


def is_own(part: Part) -> bool:
    return part.reasoning.provider == DIALECT


def signature_of(part: Part, details: dict[str, str]) -> str:
    """What the client sees as the signature. Empty: there is nothing to carry."""
    if is_own(part):
        return part.reasoning.signature
    state = reasoning_state(part, details)
    return "" if state == CarriedState() else pack(state)


def restore(part: Part, signature: str) -> None:
    """Sets the part's provider, signature and details from what the client returns. What this gateway cannot have packed
    is unsigned reasoning."""
    if not is_packed(signature):
        part.reasoning.signature = signature
        if signature:
            part.reasoning.provider = DIALECT
    elif (state := unpack(signature)) is not None:
        restore_reasoning(part, state)
