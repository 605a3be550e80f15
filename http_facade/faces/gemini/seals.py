"""Carries what other providers need of their reasoning through a client of this dialect, which gives back thoughtSignature.

Gemini's own signature travels as it is. Anything else is wrapped, so that a later turn restores the part as it was, and so
that Gemini is never sent another's seal. Nothing is kept between requests. In a stream the seal comes after the thoughts, in
a part without words, so it says how many words it belongs to.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.v1.content_pb2 import Part
from http_facade.faces.gemini.details import DIALECT
from http_facade.faces.gemini.proto_json import standard_base64
from http_facade.faces.json_fields import decode_json, encode_json

MARK = b"dragoman.1."


class Seal(msgspec.Struct, omit_defaults=True, rename={"details": "d", "encrypted": "e", "length": "n"}):
    """What stands in a wrapped signature."""

    provider: str = ""
    signature: str = ""
    encrypted: str = ""
    summary: bool = False
    details: dict[str, str] = {}
    length: int = 0
    """Of the text that was signed, in characters."""


decode_seal = msgspec.json.Decoder(Seal).decode


def seal_of(part: Part, length: int) -> str:
    """What the client sees as the thoughtSignature of a reasoning part. Empty: there is nothing to carry."""
    reasoning = part.reasoning
    details = others(part.provider_details_json)
    if not (reasoning.signature or reasoning.encrypted or details):
        return ""
    seal = Seal(reasoning.provider, reasoning.signature, reasoning.encrypted, reasoning.summary, details, length)
    return base64.b64encode(MARK + encode_json(seal)).decode()


def others(details_json: Mapping[str, str]) -> dict[str, str]:
    return {dialect: text for dialect, text in details_json.items() if dialect != DIALECT}


def opened(signature: str) -> Seal | None:
    """The seal that a client gave back; None for what was never wrapped here."""
    try:
        content = base64.b64decode(standard_base64(signature), validate=True)
        if not content.startswith(MARK):
            return None
        seal = decode_seal(content.removeprefix(MARK))
        objects: list[Any] = [decode_json(text) for text in seal.details.values()]
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
    return seal if all(isinstance(item, dict) for item in objects) else None


def restore(part: Part, seal: Seal) -> None:
    """Put back what the seal carried."""
    reasoning = part.reasoning
    reasoning.provider, reasoning.signature, reasoning.encrypted = seal.provider, seal.signature, seal.encrypted
    reasoning.summary = seal.summary
    part.provider_details_json.clear()
    for dialect, text in seal.details.items():
        part.provider_details_json[dialect] = text
