"""Decompression in bounded steps."""

import gzip
import zlib

import pytest

from gateway_core.transport.http1.decompress import MOST_AT_ONCE, Inflater, Unreadable, inflater_for

TEXT = bytes(range(256)) * 40
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACKED = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "x-gzip": ("x-gzip", gzip.compress(TEXT)),
    "two members": ("gzip", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "deflate without its header": ("deflate", RAW.compress(TEXT) + RAW.flush()),
}


def inflated(inflater: Inflater, data: bytes, size: int) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(data), size):
        found.append(inflater.feed(data[start : start + size]))
        while inflater.pending:
            found.append(inflater.more())
    return found


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(("coding", "data"), PACKED.values(), ids=PACKED.keys())
def test_what_is_compressed_is_read_however_it_is_cut(coding: str, data: bytes, size: int) -> None:
    inflater = Inflater(coding)
    assert inflater.complete
    assert b"".join(inflated(inflater, data, size)) == TEXT
    assert inflater.complete


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize(("coding", "data"), PACKED.values(), ids=PACKED.keys())
def test_what_is_cut_is_not_complete(coding: str, data: bytes, size: int) -> None:
    for end in (1, len(data) // 2, len(data) - 1):
        inflater = Inflater(coding)
        inflated(inflater, data[:end], size)
        assert not inflater.complete or end < len(data) // 2


def test_a_bomb_goes_off_in_steps() -> None:
    inflater = Inflater("gzip")
    steps = inflated(inflater, gzip.compress(bytes(50 * MOST_AT_ONCE)), 1 << 20)
    assert max(len(step) for step in steps) == MOST_AT_ONCE
    assert sum(len(step) for step in steps) == 50 * MOST_AT_ONCE


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"not gzip"),
        ("deflate", b"\xff not deflate"),
        ("gzip", gzip.compress(b"a", mtime=0) + b"and more than that"),
    ],
)
def test_what_is_not_compressed_so_is_refused(coding: str, data: bytes) -> None:
    with pytest.raises(zlib.error):
        inflated(Inflater(coding), data, 1 << 20)


@pytest.mark.parametrize("header", ["br", "zstd", "compress", "gzip, br", "gzip, gzip"])
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(Unreadable, match="which it was not asked for"):
        inflater_for(header)


def test_what_is_no_compression_is_left_alone() -> None:
    assert [inflater_for(header) for header in ("identity", "", "utf-8", "aws-chunked")] == [None] * 4
    assert inflater_for(" GZIP ") is not None
