"""Carries what other providers need of their reasoning through a client of this dialect, which gives back only a signature.

Anthropic's own signature travels as it is; anything else is packed (see sealing).
"""

from __future__ import annotations

from dragoman.v1.content_pb2 import Part
from gateway_dialects.anthropic.server.details import DIALECT
from gateway_dialects.kit.sealing import PREFIX, Seal, restore_reasoning, seal_of_reasoning, unwrapped, wrapped


def is_own(part: Part) -> bool:
    return part.reasoning.provider == DIALECT


def signature_of(part: Part, details: dict[str, str]) -> str:
    """What the client sees as the signature. Empty: there is nothing to carry."""
    if is_own(part):
        return part.reasoning.signature
    seal = seal_of_reasoning(part, details)
    return "" if seal == Seal() else wrapped(seal)


def restore(part: Part, signature: str) -> None:
    """Set the part's provider, seal and details from what the client gave back. What nobody here can have packed is unsigned
    reasoning."""
    if not signature.startswith(PREFIX):
        part.reasoning.signature = signature
        if signature:
            part.reasoning.provider = DIALECT
    elif (seal := unwrapped(signature.removeprefix(PREFIX))) is not None:
        restore_reasoning(part, seal)
