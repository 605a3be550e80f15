"""A request's body as JSON."""

from __future__ import annotations

import pytest

from dragoman.reasons import GatewayError
from gateway_dialects.kit.fields import parse_object

DEEP = 10_000


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"{", "not valid JSON"),
        (b'{"a":1,}', "not valid JSON"),
        (b'{"a":1} x', "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":Infinity}', "not valid JSON"),
        (b'{"a":-Infinity}', "not valid JSON"),
        (b'{"a":1e400}', "not valid JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a":01}', "not valid JSON"),
        (b'{"a":"\x00"}', "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        ("{}".encode("utf-16"), "not valid JSON"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"\xc3\x28":1}', "not valid UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}", "nested too deeply"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "nested too deeply"),
        (b"[" * 1_000_000, "nested too deeply"),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_what_is_no_json(body: bytes, says: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_object(body)
    assert (caught.value.http_status, caught.value.code, caught.value.field) == (400, "invalid_json", "")
    assert says in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("body", "found"),
    [(b"[]", "an array"), (b'"a"', "a string"), (b"1", "an integer"), (b"null", "null"), (b"true", "a boolean")],
)
def test_json_that_is_no_object(body: bytes, found: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_object(body)
    assert caught.value.message == f"Invalid type for 'body': expected an object, but got {found}."


def test_an_object() -> None:
    body = '{"a":"ü\\u0000\\ud83d\\ude00","b":123456789012345678901234567890,"c":0.7,"a2":[null,true]} \n'.encode()
    assert parse_object(body) == {"a": "ü\0😀", "b": 123456789012345678901234567890, "c": 0.7, "a2": [None, True]}
