"""Halves of characters in JSON, whole and in pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.json import UNREADABLE, decode_body, decode_json, decode_object, json_text, verbatim

UNITS = st.sampled_from(["a", '"', "\\", "\n", "\ud83d", "\ude00", "\U0001f600", "u", "d8", "\\ud83d"])
TEXTS = st.lists(UNITS, max_size=12).map("".join)


def whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@given(TEXTS)
def test_any_text_is_read_with_its_halves_replaced(text: str) -> None:
    body = json.dumps({"a": text, text: 1}).encode()
    expected = {"a": whole(text), whole(text): 1}
    for read in (decode_json, decode_object, decode_body, parse_object):
        found = read(body)
        assert found == expected
        json_text(found).encode()


@given(TEXTS)
def test_what_is_sent_on_as_written_has_no_half(text: str) -> None:
    written = json.dumps({"a": text})
    sent = bytes(verbatim(written))
    assert json.loads(sent) == {"a": whole(text)}
    if whole(text) == text:
        assert sent.decode() == written


@pytest.mark.parametrize("body", [b'{"a":"\\ud83d"', b'{"a":"\\ud83', b'{"a":"\xed\xa0\x80"}', b'{"a":\\ud83d}', b"\\ud83d"])
def test_what_is_no_json_stays_none(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_json(body)
