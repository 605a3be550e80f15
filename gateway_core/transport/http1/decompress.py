"""Decompression of bodies, in bounded steps: gzip and deflate (RFC 9110, section 8.4.1), without I/O."""

from __future__ import annotations

import zlib
from typing import Any

MOST_AT_ONCE = 1024 * 1024
"""Bytes of one step: a few bytes may stand for gigabytes."""
WINDOW_BITS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
OTHER_CODINGS = ("br", "zstd", "compress", "x-compress")
"""What is compressed too, and cannot be read. Anything else that is called a coding is none: some servers name a charset."""


class Unreadable(Exception):
    """A body in a coding that nobody asked for."""


def inflater_for(header: str) -> Inflater | None:
    """header: content-encoding. None for what is no compression. Raises Unreadable."""
    coding = header.strip().lower()
    if coding in WINDOW_BITS:
        return Inflater(coding)
    if any(name.strip() in (*WINDOW_BITS, *OTHER_CODINGS) for name in coding.split(",")):
        raise Unreadable(f"with the content-encoding {coding[:40]}, which it was not asked for")
    return None


class Inflater:
    """One for each body. Raises zlib.error for what is not compressed so."""

    def __init__(self, coding: str) -> None:
        """coding: one of WINDOW_BITS."""
        self._bits = WINDOW_BITS[coding]
        # Typeshed keeps the type of zlib's objects to itself.
        self._zlib: Any = None
        self._rest = b""

    @property
    def pending(self) -> bool:
        """Whether more() has something to decompress."""
        return bool(self._rest)

    @property
    def complete(self) -> bool:
        """Whether the body may end here."""
        return self._zlib is None or (self._zlib.eof and not self._rest)

    def feed(self, data: bytes) -> bytes:
        """The first step of the data. Those that follow are more()'s, until nothing is pending."""
        if self._zlib is None:
            if self._bits == zlib.MAX_WBITS and data[0] & 0x0F != zlib.DEFLATED:
                # Without zlib's header, as some servers understand deflate.
                self._bits = -zlib.MAX_WBITS
            self._zlib = zlib.decompressobj(self._bits)
        self._rest = data
        return self.more()

    def more(self) -> bytes:
        if self._zlib.eof:
            # Another member of a gzip file, or what is no part of it.
            self._zlib = zlib.decompressobj(self._bits)
        text: bytes = self._zlib.decompress(self._rest, MOST_AT_ONCE)
        self._rest = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        return text
