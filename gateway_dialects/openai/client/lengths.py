"""Ids that a vendor takes only up to some length."""

from __future__ import annotations

import hashlib

from dragoman.v1.routing_pb2 import Warning


def shortened(text: str, most: int) -> str:
    """The text, or what stands for it where it is longer than the vendor takes: the same for the same text, and another for
    another. most: in characters; 0: no bound."""
    if not most or len(text) <= most:
        return text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:most]


def short_user(user: str, most: int, warnings: list[Warning]) -> str:
    """The id of an end user, shortened, with a warning where it was."""
    sent = shortened(user, most)
    if sent != user:
        message = f"user is longer than this provider takes ({most} characters); a hash of it was sent, always the same"
        warnings.append(Warning(field="user", message=message))
    return sent
