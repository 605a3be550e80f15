"""Carries what other providers need of their reasoning through a client of this dialect, which gives back thoughtSignature.

Gemini's own signature travels as it is; anything else is packed (see kit.carried_state), as base64 because Google's clients
decode it. In a stream the seal comes after the thoughts, in a part without words, so it says how many words it belongs to.
"""

from __future__ import annotations

import base64
import binascii

from dragoman.v1.content_pb2 import Part
from gateway_dialects.gemini.server.details import DIALECT
from gateway_dialects.gemini.server.proto_json import standard_base64
from gateway_dialects.kit.carried_state import PREFIX, CarriedState, others, read_state, reasoning_state, restore_reasoning
from gateway_dialects.kit.json import encode_json

MARK = PREFIX.encode()


def seal_of(part: Part, length: int) -> str:
    """What the client sees as the thoughtSignature of a reasoning part. Empty: there is nothing to carry."""
    details = others(part.provider_details_json, DIALECT)
    if not (part.reasoning.signature or part.reasoning.encrypted or details):
        return ""
    return base64.b64encode(MARK + encode_json(reasoning_state(part, details, length))).decode()


def opened(signature: str) -> CarriedState | None:
    """The seal that a client gave back; None for what was never packed here."""
    try:
        content = base64.b64decode(standard_base64(signature), validate=True)
    except (binascii.Error, ValueError):
        return None
    return read_state(content.removeprefix(MARK)) if content.startswith(MARK) else None


def restore(part: Part, seal: CarriedState) -> None:
    """Put back what the seal carried, in place of the part's own details."""
    part.provider_details_json.clear()
    restore_reasoning(part, seal)
