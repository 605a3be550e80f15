"""Content codings of request bodies (RFC 9110, section 8.4.1): gzip, deflate, zstd and br. Decompressed in small pieces,
each counted against the limit: a body that would become larger is refused before it has."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from dragoman.reasons import GatewayError, Reason, invalid

PIECE_BYTES = 65_536
"""The most that is decompressed at once."""
LARGEST_WINDOW_LOG = 23
"""8 MiB, the most that zstd may use in HTTP (RFC 9659, section 3)."""
MOST_CODINGS = 2
"""One over the other. Nobody has use for more."""
MOST_FRAMES = 1000
"""Members of gzip and frames of zstd one after the other: each costs more than its bytes."""

Pieces: TypeAlias = "Iterable[bytes]"
Decoder: TypeAlias = "Callable[[Pieces], Iterator[bytes]]"


class MalformedCoding(Exception):
    """The bytes are not in the coding that the client names. The message continues a sentence."""


def decompressed(body: bytes, codings: Iterable[str], limit: int) -> bytes:
    """codings: in the order in which they were applied. limit: in bytes, of what each gives.
    Raises GatewayError: 413 beyond the limit, 400 for what is not in the coding."""
    pieces: Pieces = (body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES))
    try:
        for coding in reversed([*codings]):
            pieces = bounded(DECODERS[coding](pieces), limit)
        return b"".join(pieces)
    except MalformedCoding as error:
        raise invalid("", f"The request body {error}.", "invalid_encoding") from None


def codings_of(header: bytes) -> list[str]:
    """What Content-Encoding names, without identity. Raises GatewayError 415 for what is not taken."""
    names = [name.strip().lower() for name in header.decode("latin-1").split(",")]
    codings = [ALIASES.get(name, name) for name in names if name not in ("", "identity")]
    unknown = next((name for name in codings if name not in DECODERS), "")
    if not unknown and len(codings) <= MOST_CODINGS:
        return codings
    taken = ", ".join(DECODERS)
    fault = f"Content-Encoding {unknown[:64]} is not supported" if unknown else f"At most {MOST_CODINGS} codings are taken"
    raise GatewayError(
        Reason.INVALID_REQUEST,
        f"{fault}: send the body as it is, or in one of {taken}.",
        code="unsupported_content_encoding",
        headers={"accept-encoding": taken},
        status=415,
    )


def bounded(pieces: Pieces, limit: int) -> Iterator[bytes]:
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            message = f"The request body is larger than {limit} bytes once decompressed ([server] max_body_bytes)."
            raise GatewayError(Reason.REQUEST_TOO_LARGE, message, code="request_too_large")
        yield piece


def gunzipped(pieces: Pieces) -> Iterator[bytes]:
    """gzip (RFC 1952)."""
    return inflated(pieces, "gzip", 16 + zlib.MAX_WBITS)


def from_deflate(pieces: Pieces) -> Iterator[bytes]:
    """deflate in the format of zlib (RFC 1950), or bare, as some clients send it."""
    source = iter(pieces)
    first = next(source, b"")
    is_zlib = len(first) > 1 and first[0] & 0x0F == zlib.DEFLATED and int.from_bytes(first[:2], "big") % 31 == 0

    def rejoined() -> Iterator[bytes]:
        yield first
        yield from source

    return inflated(rejoined(), "deflate", zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def inflated(pieces: Pieces, name: str, wbits: int) -> Iterator[bytes]:
    decoder, frames = zlib.decompressobj(wbits), 1
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if decoder.eof:
                    decoder, frames = zlib.decompressobj(wbits), frames + 1
                    check_frames(frames, name)
                yield decoder.decompress(rest, PIECE_BYTES)
                rest = decoder.unused_data or decoder.unconsumed_tail
        yield decoder.flush()
    except zlib.error:
        raise MalformedCoding(f"is not valid {name}") from None
    check_end(decoder.eof, name)


def from_zstd(pieces: Pieces) -> Iterator[bytes]:
    """zstd (RFC 8878)."""
    # Loaded where it is needed: few clients compress.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        import backports.zstd as zstd

    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW_LOG}
    decoder, frames = zstd.ZstdDecompressor(options=options), 1
    try:
        for piece in pieces:
            rest = piece
            while rest or not (decoder.needs_input or decoder.eof):
                if decoder.eof:
                    decoder, frames = zstd.ZstdDecompressor(options=options), frames + 1
                    check_frames(frames, "zstd")
                yield decoder.decompress(rest, PIECE_BYTES)
                rest = decoder.unused_data if decoder.eof else b""
    except zstd.ZstdError:
        raise MalformedCoding("is not valid zstd with a window of at most 8 MiB") from None
    check_end(decoder.eof, "zstd")


def from_brotli(pieces: Pieces) -> Iterator[bytes]:
    """br (RFC 7932)."""
    import brotli

    decoder = brotli.Decompressor()
    try:
        for piece in pieces:
            rest = piece
            while rest or not decoder.can_accept_more_data():
                yield decoder.process(rest, output_buffer_limit=PIECE_BYTES)
                rest = b""
    except brotli.error:
        raise MalformedCoding("is not valid br") from None
    check_end(decoder.is_finished(), "br")


def check_frames(frames: int, name: str) -> None:
    if frames > MOST_FRAMES:
        raise MalformedCoding(f"is {name} in more than {MOST_FRAMES} pieces")


def check_end(ended: bool, name: str) -> None:
    if not ended:
        raise MalformedCoding(f"ends before its {name} does")


DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {"gzip": gunzipped, "deflate": from_deflate, "zstd": from_zstd, "br": from_brotli}
)
ALIASES = {"x-gzip": "gzip"}
