"""data: URIs (RFC 2397), as clients write them."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

LONGEST_HEAD = 1024
_is_data_uri = re.compile("data:", re.IGNORECASE).match


@dataclass(frozen=True, slots=True)
class DataUri:
    """What a data: URI holds."""

    mime_type: str
    """As declared, with its parameters. Empty when nothing is."""
    data: bytes
    clean: bool
    """Whether it is written as everyone reads it: providers take a URI with white space or escapes in its base64 for
    broken."""


class BrokenDataUri(Exception):
    """Why it cannot be read, as the end of a sentence."""


def is_data_uri(uri: str) -> bool:
    return _is_data_uri(uri) is not None


def parse_data_uri(uri: str) -> DataUri:
    """uri: one that is_data_uri. Raises BrokenDataUri."""
    comma = uri.find(",", 0, LONGEST_HEAD)
    if comma < 0:
        raise BrokenDataUri("is not a data: URI: it has no comma")
    head = uri[len("data:") : comma]
    mime_type, _, last = head.rpartition(";")
    if last.strip().lower() != "base64":
        return DataUri(head, unquote_to_bytes(uri[comma + 1 :]), uri.startswith("data:"))
    payload = uri[comma + 1 :]
    data = decoded(payload)
    if data is not None:
        return DataUri(mime_type, data, uri.startswith("data:") and last == "base64")
    data = decoded("".join(unquote(payload).split()))
    if data is None:
        raise BrokenDataUri("does not hold valid base64")
    return DataUri(mime_type, data, False)


def decoded(base64: str) -> bytes | None:
    # Even a strict decoder takes padding that is not needed.
    if len(base64) % 4 or base64.endswith("==="):
        return None
    try:
        return binascii.a2b_base64(base64, strict_mode=True)
    except ValueError:
        return None
