"""What other providers need of their reasoning or content, packed so that a client gives it back unread.

So a later turn restores the part as it was, and no provider is sent another's seal. Nothing is kept between requests. Each
face says where its clients carry it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import decode_json, encode_json

PREFIX = "dragoman.1."


class Seal(msgspec.Struct, omit_defaults=True, rename={"details": "d", "encrypted": "e", "length": "n"}):
    """What is packed."""

    provider: str = ""
    signature: str = ""
    encrypted: str = ""
    summary: bool = False
    details: dict[str, str] = {}
    length: int = 0
    """Of the text that was signed, in characters, where the seal comes after it."""
    dialect: str = ""
    """Of content that is no reasoning; then encrypted is its JSON."""


decode_seal = msgspec.json.Decoder(Seal).decode


def seal_of_reasoning(part: Part, details: dict[str, str], length: int = 0) -> Seal:
    """details: those that the client's own dialect does not tell."""
    reasoning = part.reasoning
    return Seal(reasoning.provider, reasoning.signature, reasoning.encrypted, reasoning.summary, details, length)


def others(details_json: Mapping[str, str], dialect: str) -> dict[str, str]:
    """The details of all dialects but one."""
    return {name: text for name, text in details_json.items() if name != dialect}


def restore_reasoning(part: Part, seal: Seal) -> None:
    reasoning = part.reasoning
    reasoning.provider, reasoning.signature, reasoning.encrypted = seal.provider, seal.signature, seal.encrypted
    reasoning.summary = seal.summary
    for dialect, text in seal.details.items():
        part.provider_details_json[dialect] = text


def wrapped(seal: Seal) -> str:
    return PREFIX + base64.urlsafe_b64encode(encode_json(seal)).decode()


def unwrapped(text: str) -> Seal | None:
    """text: what follows the prefix. None for what nobody here can have wrapped."""
    try:
        return read_seal(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None


def read_seal(content: bytes) -> Seal | None:
    """None for what nobody here can have packed."""
    try:
        seal = decode_seal(content)
        objects = [decode_json(details) for details in seal.details.values()]
        if seal.dialect:
            objects.append(decode_json(seal.encrypted))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    return seal if all(isinstance(item, dict) for item in objects) else None
