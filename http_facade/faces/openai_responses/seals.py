"""Carries what other providers need of their reasoning, and content that only they understand, through a client of this
dialect: in encrypted_content of a reasoning item, which clients give back unread.

This dialect's own encrypted content travels as it is. Anything else is wrapped, so that a later turn restores the part as
it was, and so that no provider is sent another's seal. Nothing is kept between requests.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from dragoman.v1.content_pb2 import Part
from http_facade.faces.json_fields import Json, decode_json, encode_json
from http_facade.faces.openai_responses.details import DIALECT

PREFIX = "dragoman.1."


class Seal(msgspec.Struct, omit_defaults=True, rename={"details": "d", "encrypted": "e"}):
    """What stands in wrapped encrypted content."""

    provider: str = ""
    signature: str = ""
    encrypted: str = ""
    summary: bool = False
    details: dict[str, str] = {}
    dialect: str = ""
    """Of content that is no reasoning; then encrypted is its JSON."""


decode_seal = msgspec.json.Decoder(Seal).decode


def is_own(part: Part) -> bool:
    """Whether it came from a provider that speaks this dialect."""
    kind = part.WhichOneof("kind")
    return part.opaque.dialect == DIALECT if kind == "opaque" else part.reasoning.provider == DIALECT


def sealed(part: Part) -> str:
    """The encrypted_content of a reasoning or opaque part. Empty: this dialect's own, and not encrypted."""
    if part.WhichOneof("kind") == "opaque":
        return wrapped(Seal(dialect=part.opaque.dialect, encrypted=part.opaque.json))
    reasoning = part.reasoning
    if reasoning.provider == DIALECT:
        return reasoning.encrypted
    details = {dialect: text for dialect, text in part.provider_details_json.items() if dialect != DIALECT}
    return wrapped(Seal(reasoning.provider, reasoning.signature, reasoning.encrypted, reasoning.summary, details))


def wrapped(seal: Seal) -> str:
    return PREFIX + base64.urlsafe_b64encode(encode_json(seal)).decode()


def restore(part: Part, text: str, encrypted: str) -> bool:
    """Make the part what its encrypted content says. text: the reasoning in words. True: it is this dialect's own."""
    if not encrypted.startswith(PREFIX):
        part.reasoning.text, part.reasoning.encrypted, part.reasoning.provider = text, encrypted, DIALECT
        return True
    # What nobody here can have wrapped is unsigned reasoning.
    seal = unwrapped(encrypted.removeprefix(PREFIX)) or Seal(summary=True)
    if seal.dialect:
        part.opaque.dialect, part.opaque.json = seal.dialect, seal.encrypted
        return False
    reasoning = part.reasoning
    reasoning.text, reasoning.summary = text, seal.summary
    reasoning.provider, reasoning.signature, reasoning.encrypted = seal.provider, seal.signature, seal.encrypted
    for dialect, details in seal.details.items():
        part.provider_details_json[dialect] = details
    return False


def unwrapped(text: str) -> Seal | None:
    try:
        seal = decode_seal(base64.b64decode(text, altchars=b"-_", validate=True))
        objects = [decode_json(details) for details in seal.details.values()]
        if seal.dialect:
            objects.append(decode_json(seal.encrypted))
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
    return seal if all(isinstance(item, dict) for item in objects) else None


def carried_details(details_json: dict[str, str]) -> Json:
    """Other dialects' details of a tool call, in the form of its item's provider_details."""
    return {dialect: decode_json(text) for dialect, text in details_json.items() if dialect != DIALECT}
