"""Tool-call ids as Mistral takes them: exactly nine letters or digits.

A conversation that began elsewhere brings ids of another form. Each becomes the same nine characters wherever it stands, in
the call and in its result, in this turn and in later ones: nothing is remembered. What Mistral makes needs no way back: its
own ids are taken everywhere.
"""

from __future__ import annotations

import hashlib
import re

NINE = re.compile(r"[A-Za-z0-9]{9}")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def nine_of(call_id: str) -> str:
    """The id itself where it has the form; otherwise nine characters of its hash."""
    if NINE.fullmatch(call_id):
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    characters = []
    for _ in range(9):
        number, position = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[position])
    return "".join(characters)
