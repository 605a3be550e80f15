"""What bytes are, by how they begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_dialects.kit.sniff import agree, framed, sniffed, spelled
from tests.gateway_core.media.samples import FRAMES, PNG, SAMPLES, UNKNOWN


@pytest.mark.parametrize(("head", "mime_type"), SAMPLES)
def test_a_format_is_known_by_its_first_bytes(head: bytes, mime_type: str) -> None:
    assert sniffed(head) == mime_type
    assert sniffed(head + bytes(2000)) == mime_type


@pytest.mark.parametrize("head", UNKNOWN)
def test_what_shows_no_format_gets_none(head: bytes) -> None:
    assert (sniffed(head), framed(head)) == ("", "")


@pytest.mark.parametrize(("head", "mime_type"), FRAMES)
def test_frames_of_sound_are_known_only_to_who_looks_for_sound(head: bytes, mime_type: str) -> None:
    assert (sniffed(head), framed(head)) == ("", mime_type)


def test_what_has_a_head_is_no_stream_of_frames() -> None:
    assert [head for head, _ in SAMPLES if framed(head)] == []
    assert framed(PNG) == ""


@given(st.text())
def test_text_is_never_taken_for_anything_but_what_was_written_to_look_so(text: str) -> None:
    known = ("GIF8", "#!AMR\n", "%PDF-", "OggS", "fLaC", "8BPS", "FLV", "ID3", "BM", "II*", "MM", "RIFF", "FORM")
    head = text.encode()
    if (
        not text.lstrip("\ufeff\x00 \t\r\n").startswith(known)
        and head[4:8] != b"ftyp"
        and not head.startswith(b"\x00\x00\x01")
    ):
        assert sniffed(head) == ""


@given(st.binary(max_size=40))
def test_any_bytes_get_an_answer(head: bytes) -> None:
    assert sniffed(head) in {"", *(mime_type for _, mime_type in SAMPLES)}


@pytest.mark.parametrize(
    ("written", "mime_type"),
    [
        ("image/PNG", "image/png"),
        (" image/jpg ; q=1", "image/jpeg"),
        ("text/plain;charset=utf-8", "text/plain"),
        ("application/octet-stream", ""),
        ("", ""),
        ("*/*", ""),
    ],
)
def test_types_are_spelled_as_registries_do(written: str, mime_type: str) -> None:
    assert spelled(written) == mime_type


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("audio/mp3", "audio/mpeg"),
        ("audio/x-wav", "audio/wav"),
        ("audio/mp4", "video/mp4"),
        ("audio/webm", "video/webm"),
        ("audio/opus", "audio/ogg"),
        ("image/heif", "image/heic"),
        ("image/png", "image/png"),
        ("audio/pcm16", "audio/mpeg"),
    ],
)
def test_several_names_of_one_format_agree(declared: str, found: str) -> None:
    assert agree(declared, found)


@pytest.mark.parametrize(
    ("declared", "found"),
    [("image/png", "image/jpeg"), ("audio/mpeg", "audio/wav"), ("text/plain", "application/pdf"), ("", "image/png")],
)
def test_different_formats_do_not(declared: str, found: str) -> None:
    assert not agree(declared, found)
