"""Pictures, sounds, films and documents as Gemini takes them."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.content_pb2 import MediaKind, Part
from tests.gateway_dialects.gemini.client.asking import FLASH, NEWER, URL, asked, contents, media, sent, user

IMAGE, AUDIO, VIDEO, FILE = (MediaKind.Value(f"MEDIA_KIND_{kind}") for kind in ("IMAGE", "AUDIO", "VIDEO", "FILE"))
YOUTUBE = "https://www.youtube.com/watch?v=abc"


def inline(mime_type: str, data: str = "AAE=") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def file(uri: str, mime_type: str = "") -> dict[str, Any]:
    return {"fileData": {"mimeType": mime_type, "fileUri": uri} if mime_type else {"fileUri": uri}}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (media(kind=IMAGE, data=b"\0\1", mime_type="image/png"), inline("image/png")),
        (media(kind=IMAGE, data=b"\0\1", mime_type="image/jpg"), inline("image/jpeg")),
        (media(kind=IMAGE, data=b"\0\1"), inline("image/jpeg")),
        (media(kind=AUDIO, data=b"\0\1", mime_type="audio/x-wav"), inline("audio/wav")),
        (media(kind=AUDIO, data=b"\0\1"), inline("audio/mp3")),
        (media(kind=VIDEO, data=b"\0\1"), inline("video/mp4")),
        (media(kind=FILE, data=b"\0\1", mime_type="application/pdf"), inline("application/pdf")),
        (media(data=b"\0\1"), inline("application/pdf")),
        (media(kind=IMAGE, uri="data:image/webp;base64,AAE="), inline("image/webp")),
        (media(kind=FILE, uri="data:text/plain;charset=utf-8,a%20b"), inline("text/plain", "YSBi")),
        (media(kind=IMAGE, uri="data:;base64,AAE="), inline("image/jpeg")),
        (media(kind=IMAGE, uri="https://example.com/a.png?x=1"), file("https://example.com/a.png?x=1", "image/png")),
        (media(kind=IMAGE, uri="https://example.com/a"), file("https://example.com/a", "image/jpeg")),
        (media(kind=FILE, uri="https://example.com/a", filename="a.csv"), file("https://example.com/a", "text/csv")),
        (media(kind=VIDEO, uri=YOUTUBE), file(YOUTUBE)),
        (media(kind=VIDEO, uri="gs://bucket/a.mp4", mime_type="video/mp4"), file("gs://bucket/a.mp4", "video/mp4")),
        (media(kind=FILE, uri=f"{URL}/files/abc"), file(f"{URL}/files/abc")),
        (media(kind=FILE, file_id="files/abc"), file(f"{URL}/files/abc")),
        (media(kind=FILE, file_id="files/abc", mime_type="application/pdf"), file(f"{URL}/files/abc", "application/pdf")),
    ],
)
def test_sources(part: Part, expected: dict[str, Any]) -> None:
    assert contents(user("See:", part))[0]["parts"] == [{"text": "See:"}, expected]


def test_detail_is_a_resolution_where_parts_have_one() -> None:
    picture = media(kind=IMAGE, data=b"\0\1", mime_type="image/png", detail="high")
    resolution = {"mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}
    assert contents(user(picture), model=NEWER)[0]["parts"] == [{**inline("image/png"), **resolution}]
    body, lost = sent(asked(user(picture)), FLASH)
    assert body["contents"][0]["parts"] == [inline("image/png")]
    assert lost == ["messages[0].parts[0].media.detail"]


def test_automatic_detail_says_nothing() -> None:
    assert contents(user(media(kind=IMAGE, data=b"\0\1", detail="auto")))[0]["parts"] == [inline("image/jpeg")]


@pytest.mark.parametrize("part", [media(kind=IMAGE), media(kind=IMAGE, uri="data:image/png;base64")])
def test_media_without_a_source_is_refused(part: Part) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(asked(user(part)))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "messages[0].parts[0]")


def test_a_part_s_own_fields_come_back() -> None:
    film = media(kind=VIDEO, uri="gs://b/a.mp4", mime_type="video/mp4")
    film.provider_details_json["gemini"] = '{"videoMetadata":{"fps":2},"fileData":{"displayName":"a"}}'
    expected = {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/a.mp4", "displayName": "a"}}
    assert contents(user(film))[0]["parts"] == [{**expected, "videoMetadata": {"fps": 2}}]
