"""Carries what other providers need of their reasoning through a client of this dialect, which gives back only a signature.

Anthropic's own signature travels as it is. Anything else is wrapped, so that a later turn restores the part as it was, and
so that Anthropic is never sent another's signature. Nothing is kept between requests.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from dragoman.v1.content_pb2 import Part, Reasoning
from http_facade.faces.anthropic.details import DIALECT
from http_facade.faces.json_fields import decode_json, encode_json

PREFIX = "dragoman.1."


class Seal(msgspec.Struct, omit_defaults=True, rename={"details": "d", "encrypted": "e"}):
    """What stands in a wrapped signature."""

    provider: str = ""
    signature: str = ""
    encrypted: str = ""
    summary: bool = False
    details: dict[str, str] = {}


decode_seal = msgspec.json.Decoder(Seal).decode


def is_own(reasoning: Reasoning) -> bool:
    return reasoning.provider == DIALECT


def signature_of(reasoning: Reasoning, details: dict[str, str]) -> str:
    """What the client sees as the signature. Empty: there is nothing to carry."""
    if is_own(reasoning):
        return reasoning.signature
    seal = Seal(reasoning.provider, reasoning.signature, reasoning.encrypted, reasoning.summary, details)
    return "" if seal == Seal() else PREFIX + base64.urlsafe_b64encode(encode_json(seal)).decode()


def restore(part: Part, signature: str) -> None:
    """Set the part's provider, seal and details from what the client gave back."""
    if not signature.startswith(PREFIX):
        part.reasoning.signature = signature
        if signature:
            part.reasoning.provider = DIALECT
        return
    seal = unwrapped(signature.removeprefix(PREFIX))
    if seal is None:
        return
    reasoning = part.reasoning
    reasoning.provider, reasoning.signature, reasoning.encrypted = seal.provider, seal.signature, seal.encrypted
    reasoning.summary = seal.summary
    for dialect, text in seal.details.items():
        part.provider_details_json[dialect] = text


def unwrapped(text: str) -> Seal | None:
    """None for what nobody here can have wrapped: then the reasoning counts as unsigned."""
    try:
        seal = decode_seal(base64.b64decode(text, altchars=b"-_", validate=True))
        objects: list[Any] = [decode_json(details) for details in seal.details.values()]
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
    return seal if all(isinstance(item, dict) for item in objects) else None
