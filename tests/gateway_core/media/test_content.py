"""data: URIs, whole and broken."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.media.content import DataUri, MalformedDataUri, parse_data_uri
from gateway_core.media.places import is_data_uri


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("data:image/png;base64,iVBO", DataUri("image/png", b"\x89PN", True)),
        ("data:;base64,iVBO", DataUri("", b"\x89PN", True)),
        ("data:text/plain;charset=utf-8;base64,SGk=", DataUri("text/plain;charset=utf-8", b"Hi", True)),
        ("data:text/plain,Hi%20you", DataUri("text/plain", b"Hi you", True)),
        ("data:,Hi", DataUri("", b"Hi", True)),
        ("data:image/png;base64,", DataUri("image/png", b"", True)),
        ("data:image/png;base64,aVZC\nTw==", DataUri("image/png", b"iVBO", False)),
        ("data:image/png;base64, aVZC Tw%3D%3D", DataUri("image/png", b"iVBO", False)),
        ("data:image/png;BASE64,iVBO", DataUri("image/png", b"\x89PN", False)),
        ("DATA:image/png;base64,iVBO", DataUri("image/png", b"\x89PN", False)),
    ],
)
def test_a_data_uri_is_read(uri: str, found: DataUri) -> None:
    assert is_data_uri(uri)
    assert parse_data_uri(uri) == found


@pytest.mark.parametrize(
    "payload",
    ["iVB", "iVBORw0", "iV=BO", "iVBO=", "=", "!!!!", "iVB0\u00e9A==", "iVBO====", "-_-_", "iVBOA===", "{}", "iVBO,iVBO"],
)
def test_broken_base64(payload: str) -> None:
    with pytest.raises(MalformedDataUri, match="does not hold valid base64"):
        parse_data_uri(f"data:image/png;base64,{payload}")


@pytest.mark.parametrize("uri", ["data:", "data:image/png;base64", f"data:{'a' * 5000},b"])
def test_no_comma(uri: str) -> None:
    with pytest.raises(MalformedDataUri, match="no comma"):
        parse_data_uri(uri)


@given(st.binary(), st.sampled_from(["image/png", "", "text/plain;charset=utf-8"]))
def test_whatever_is_encoded_comes_back(data: bytes, mime_type: str) -> None:
    found = parse_data_uri(f"data:{mime_type};base64,{base64.b64encode(data).decode()}")
    assert found == DataUri(mime_type, data, True)


@given(st.text())
def test_nothing_else_is_raised(text: str) -> None:
    try:
        parse_data_uri(f"data:{text}")
    except MalformedDataUri as broken:
        assert str(broken)
