"""Request bodies in content codings: understood at every API, bounded while they are decompressed, refused where unknown."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from http_facade.content_codings import MOST_FRAMES, PIECE_BYTES, codings_of, decompressed
from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade, asking, server_settings, serving, settings_for, text_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    import backports.zstd as zstd

LIMIT = 1_000_000
BOMB = bytes(50 * LIMIT)


def bare_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


Encoder = Callable[[bytes], bytes]
ENCODERS: dict[str, Encoder] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "br": lambda data: bytes(brotli.compress(data, quality=4)),
}
each_coding = pytest.mark.parametrize("coding", ENCODERS)


@each_coding
@pytest.mark.parametrize("client", [client for client in CLIENTS if client.api.server.parse_chat], ids=str)
def test_every_api_reads_it(facade: Facade, client: ApiClient, coding: str) -> None:
    body = ENCODERS[coding](json.dumps(client.body("Compressed", "demo/echo", False)).encode())
    headers = {**client.headers, "content-type": "application/json", "content-encoding": coding}
    answer = facade.client.post(client.path("demo/echo", False), content=body, headers=headers)
    assert client.text(answer.json()) == "Compressed"


@pytest.mark.parametrize("named", ["GZIP", "identity, gzip", "gzip,"])
def test_how_a_coding_may_be_written(facade: Facade, named: str) -> None:
    answer = facade.post(gzip.compress(json.dumps(asking("Hi")).encode()), {"content-encoding": named})
    assert text_of(answer) == "Hi"


def test_one_over_the_other(facade: Facade) -> None:
    body = ENCODERS["br"](gzip.compress(json.dumps(asking("Hi")).encode()))
    assert text_of(facade.post(body, {"content-encoding": "gzip, br"})) == "Hi"


@pytest.mark.parametrize("named", ["compress", "aes128gcm", "gzip, rot13", "gzip, gzip, gzip"])
def test_what_is_not_taken(facade: Facade, named: str) -> None:
    answer = facade.post(json.dumps(asking("Hi")).encode(), {"content-encoding": named})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "unsupported_content_encoding")
    assert answer.headers["accept-encoding"] == "gzip, deflate, zstd, br"
    assert "gzip, deflate, zstd, br" in error["message"]


@each_coding
def test_what_is_in_another_form(facade: Facade, coding: str) -> None:
    whole = ENCODERS[coding](json.dumps(asking("Hi")).encode())
    for body in (json.dumps(asking("Hi")).encode(), whole[:-5], whole + b"more"):
        answer = facade.post(body, {"content-encoding": coding})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_encoding")


@each_coding
def test_a_bomb(coding: str) -> None:
    with serving(settings_for(server=server_settings(max_body_bytes=LIMIT))) as facade:
        body = ENCODERS[coding](BOMB)
        assert len(body) < LIMIT
        answer = facade.post(body, {"content-encoding": coding})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
        facade.assert_serves()


@each_coding
def test_a_bomb_is_left_when_it_is_too_large(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is decompressed, not by what comes out of it."""
    from http_facade import content_codings

    name = codings_of(coding.encode())[0]
    made: list[int] = []

    def counted(pieces: content_codings.Pieces) -> content_codings.Pieces:
        for piece in content_codings.DECODERS[name](pieces):
            made.append(len(piece))
            yield piece

    taken = content_codings.bounded(counted([ENCODERS[coding](BOMB)]), LIMIT)
    with pytest.raises(GatewayError) as caught:
        b"".join(taken)
    assert caught.value.http_status == 413
    assert max(made) <= 2 * PIECE_BYTES
    assert sum(made) <= LIMIT + 2 * PIECE_BYTES


def test_a_bomb_in_a_bomb() -> None:
    with pytest.raises(GatewayError, match="larger than"):
        decompressed(gzip.compress(gzip.compress(BOMB)), ["gzip", "gzip"], LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_one_after_the_other(coding: str) -> None:
    members = [ENCODERS[coding](b"one "), ENCODERS[coding](b"two")]
    assert decompressed(b"".join(members), [coding], LIMIT) == b"one two"
    with pytest.raises(GatewayError, match="in more than"):
        decompressed(ENCODERS[coding](b"") * (MOST_FRAMES + 1), [coding], LIMIT)


def test_bare_deflate() -> None:
    assert decompressed(bare_deflate(b"as some clients send it"), ["deflate"], LIMIT) == b"as some clients send it"


@each_coding
@given(data=st.binary(max_size=3000), repeated=st.integers(1, 200))
def test_any_bytes(coding: str, data: bytes, repeated: int) -> None:
    body = data * repeated
    assert decompressed(ENCODERS[coding](body), codings_of(coding.encode()), LIMIT) == body
