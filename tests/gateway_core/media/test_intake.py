"""What happens to media before a provider is asked."""

from __future__ import annotations

import asyncio
import base64

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    ROLE_TOOL,
    ROLE_USER,
    Media,
    Message,
    Opaque,
    Part,
    ToolResult,
)
from gateway_core.call import Deadline
from gateway_core.media.attachments import FetchLimits, MediaIntake
from gateway_core.transport.base import Download
from gateway_dialects.kit.dialect import Endpoint
from tests.gateway_core.media.samples import GIF, HTML, JPEG, M4A, MP3, MP4, OGG, PDF, PNG, SVG, TEXT, WAV, WEBM, WEBP

FIELD = "messages[0].parts[1]"
OPENAI = Endpoint("openai", "openai", "https://api.openai.com/v1")


class NothingToFetch:
    """A downloader that nobody should need."""

    async def download(self, url: str, max_bytes: int, deadline: Deadline) -> Download:
        raise AssertionError(url)

    async def close(self) -> None:
        """Nothing is open."""


INTAKE = MediaIntake(NothingToFetch(), FetchLimits())
BLIND = MediaIntake(NothingToFetch(), FetchLimits(), vision=False)


def asking(*media: Media) -> ChatRequest:
    parts = [Part(text="What is it?"), *(Part(media=one) for one in media)]
    return ChatRequest(model="openai/m", messages=[Message(role=ROLE_USER, parts=parts)])


def in_result(media: Media) -> ChatRequest:
    result = ToolResult(tool_call_id="c1", parts=[Part(text="here"), Part(media=media)])
    return ChatRequest(model="openai/m", messages=[Message(role=ROLE_TOOL, parts=[Part(tool_result=result)])])


def data_uri(data: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(data).decode()}"


def admitted(request: ChatRequest, intake: MediaIntake = INTAKE) -> ChatRequest:
    before = request.SerializeToString(deterministic=True)
    attachments = intake.admit(request)
    assert attachments is not None
    found = asyncio.run(attachments.request_for("m", OPENAI, Deadline()))
    assert request.SerializeToString(deterministic=True) == before
    return found


def refusal(request: ChatRequest, intake: MediaIntake = INTAKE) -> tuple[str, str]:
    with pytest.raises(GatewayError) as caught:
        intake.admit(request)
    assert caught.value.reason is Reason.INVALID_REQUEST
    return caught.value.field, caught.value.message


def test_a_request_without_media_has_no_attachments() -> None:
    assert INTAKE.admit(asking()) is None
    assert BLIND.admit(asking()) is None


@pytest.mark.parametrize(
    "media",
    [
        Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/png")),
        Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/png"), mime_type="image/png"),
        Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(SVG, "image/svg+xml")),
        Media(kind=MEDIA_KIND_IMAGE, data=WEBP, mime_type="image/webp"),
        Media(kind=MEDIA_KIND_AUDIO, uri=data_uri(MP3, "audio/mp3")),
        Media(kind=MEDIA_KIND_AUDIO, uri=data_uri(b"\x01\x02\x03\x04", "audio/pcm16")),
        Media(kind=MEDIA_KIND_AUDIO, data=MP4, mime_type="audio/mp4"),
        Media(kind=MEDIA_KIND_AUDIO, data=MP3, mime_type="audio/pcm16"),
        Media(kind=MEDIA_KIND_FILE, data=MP3, mime_type="application/x-mine"),
        Media(kind=MEDIA_KIND_FILE, data=b"PK\x03\x04", mime_type="application/octet-stream", filename="a.docx"),
        Media(kind=MEDIA_KIND_FILE, uri="data:application/octet-stream;base64,UEsDBA==", filename="a.docx"),
        Media(kind=MEDIA_KIND_FILE, data=TEXT),
        Media(kind=MEDIA_KIND_AUDIO, data=OGG, mime_type="audio/opus"),
        Media(kind=MEDIA_KIND_VIDEO, data=OGG, mime_type="video/ogg"),
        Media(kind=MEDIA_KIND_FILE, uri="data:text/plain,Hello"),
        Media(kind=MEDIA_KIND_FILE, uri=data_uri(TEXT, "text/plain;charset=utf-8")),
        Media(kind=MEDIA_KIND_FILE, data=b"PK\x03\x04", mime_type="application/vnd.oasis.opendocument.text"),
        Media(kind=MEDIA_KIND_FILE, data=b"\n" * 100 + PDF, mime_type="application/pdf"),
        Media(kind=MEDIA_KIND_FILE, data=b"before it " + PDF, mime_type="application/pdf"),
        Media(kind=MEDIA_KIND_IMAGE, uri="https://a.example/b.png"),
        Media(kind=MEDIA_KIND_IMAGE, uri="gs://bucket/object", mime_type="image/png"),
        Media(kind=MEDIA_KIND_FILE, file_id="file-1"),
        Media(data=PNG, mime_type="image/png"),
        Media(kind=MEDIA_KIND_IMAGE),
    ],
)
def test_what_is_as_it_says_stays_as_it_is(media: Media) -> None:
    request = asking(media)
    assert admitted(request) is request


@pytest.mark.parametrize(
    ("media", "mime_type"),
    [
        (Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(JPEG, "image/png")), "image/jpeg"),
        (Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(JPEG, "image/jpg")), "image/jpeg"),
        (Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "")), "image/png"),
        (Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "application/octet-stream")), "image/png"),
        (Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/png"), mime_type="image/gif"), "image/png"),
        (Media(kind=MEDIA_KIND_IMAGE, data=GIF), "image/gif"),
        (Media(kind=MEDIA_KIND_IMAGE, data=WEBP, mime_type="image/jpeg"), "image/webp"),
        (Media(kind=MEDIA_KIND_AUDIO, uri=data_uri(WAV, "audio/mp3")), "audio/wav"),
        (Media(kind=MEDIA_KIND_AUDIO, data=WEBM), "audio/webm"),
        (Media(kind=MEDIA_KIND_AUDIO, data=MP3, mime_type="audio/wav"), "audio/mpeg"),
        (Media(data=MP3, mime_type="audio/wav"), "audio/mpeg"),
        (Media(kind=MEDIA_KIND_AUDIO, data=MP4), "audio/mp4"),
        (Media(kind=MEDIA_KIND_VIDEO, data=M4A), "video/mp4"),
        (Media(kind=MEDIA_KIND_FILE, uri=data_uri(PDF, "application/octet-stream")), "application/pdf"),
        (Media(kind=MEDIA_KIND_FILE, data=PDF, mime_type="text/plain"), "application/pdf"),
        (Media(kind=MEDIA_KIND_FILE, data=PNG, mime_type="application/pdf"), "image/png"),
        (Media(data=PDF, mime_type="image/png"), "application/pdf"),
    ],
)
def test_a_wrong_or_missing_type_is_corrected(media: Media, mime_type: str) -> None:
    found = (admitted(asking(media))).messages[0].parts[1].media
    assert (found.mime_type, found.kind, found.filename) == (mime_type, media.kind, "")
    assert found.data == (media.data or base64.b64decode(media.uri.partition(",")[2]))


def test_base64_that_others_cannot_read_is_written_anew() -> None:
    written = data_uri(PNG, "image/png")
    broken_lines = Media(kind=MEDIA_KIND_IMAGE, uri=f"{written[:40]}\r\n{written[40:]}")
    found = (admitted(asking(broken_lines))).messages[0].parts[1].media
    assert (found.data, found.mime_type) == (PNG, "image/png")


def test_only_what_is_wrong_is_corrected() -> None:
    right = Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/png"), detail="low")
    wrong = Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/gif"), detail="high")
    parts = (admitted(asking(right, wrong))).messages[0].parts
    assert parts[0].text == "What is it?"
    assert parts[1].media == right
    assert parts[2].media == Media(kind=MEDIA_KIND_IMAGE, data=PNG, mime_type="image/png", detail="high")


def test_media_in_a_tool_s_result_is_looked_at_too() -> None:
    found = admitted(in_result(Media(kind=MEDIA_KIND_IMAGE, data=PNG)))
    assert found.messages[0].parts[0].tool_result.parts[1].media.mime_type == "image/png"


@pytest.mark.parametrize(
    ("media", "said"),
    [
        (Media(kind=MEDIA_KIND_IMAGE, uri="data:image/png;base64,!"), "does not hold valid base64"),
        (Media(kind=MEDIA_KIND_AUDIO, uri="data:audio/wav;base64,UklGR"), "does not hold valid base64"),
        (Media(kind=MEDIA_KIND_FILE, uri="data:application/pdf"), "is not a data: URI: it has no comma"),
        (Media(kind=MEDIA_KIND_IMAGE, uri="data:image/png;base64,"), "is empty: it has no bytes"),
        (Media(kind=MEDIA_KIND_IMAGE, data=b"", mime_type="image/png"), "is empty: it has no bytes"),
        (
            Media(kind=MEDIA_KIND_IMAGE, data=TEXT, mime_type="image/png"),
            "should be an image, but its bytes are no type of image",
        ),
        (Media(kind=MEDIA_KIND_IMAGE, data=HTML), "should be an image, but its bytes are no type of image"),
        (Media(data=TEXT, mime_type="image/png"), "should be an image, but its bytes are no type of image"),
        (
            Media(kind=MEDIA_KIND_IMAGE, data=TEXT, mime_type="image/svg+xml"),
            "should be an image, but its bytes are no type of image",
        ),
        (
            Media(kind=MEDIA_KIND_IMAGE, data=PDF, mime_type="image/png"),
            "should be an image, but its bytes are application/pdf",
        ),
        (Media(kind=MEDIA_KIND_AUDIO, data=PNG, mime_type="audio/wav"), "should be sound, but its bytes are image/png"),
        (Media(kind=MEDIA_KIND_VIDEO, data=GIF, mime_type="video/mp4"), "should be a video, but its bytes are image/gif"),
        (Media(kind=MEDIA_KIND_FILE, data=HTML, mime_type="application/pdf"), "should be a PDF, but its bytes are not one"),
    ],
)
def test_what_cannot_be_what_it_says_is_refused_by_name(media: Media, said: str) -> None:
    assert refusal(asking(media)) == (FIELD, f"{FIELD} {said}")


def test_the_field_is_named_inside_a_tool_s_result() -> None:
    field, message = refusal(in_result(Media(kind=MEDIA_KIND_IMAGE, data=TEXT)))
    assert field == "messages[0].parts[0].tool_result.parts[1]"
    assert message.startswith(field)


@pytest.mark.parametrize(
    "media",
    [
        Media(kind=MEDIA_KIND_IMAGE, uri="https://a.example/b.png"),
        Media(kind=MEDIA_KIND_IMAGE, uri=data_uri(PNG, "image/png")),
        Media(kind=MEDIA_KIND_IMAGE, file_id="file-1"),
        Media(kind=MEDIA_KIND_VIDEO, uri="https://a.example/b"),
        Media(data=PNG, mime_type="image/png"),
        Media(kind=MEDIA_KIND_FILE, data=PNG, mime_type="IMAGE/PNG"),
        Media(kind=MEDIA_KIND_FILE, uri=data_uri(PNG, "image/png")),
        Media(kind=MEDIA_KIND_FILE, data=PNG, mime_type="application/pdf"),
        Media(kind=MEDIA_KIND_FILE, uri=data_uri(PNG, "text/plain")),
        Media(uri=data_uri(PNG, "")),
    ],
)
@pytest.mark.parametrize("place", [asking, in_result])
def test_without_vision_no_picture_is_let_in_whatever_it_is_called(media: Media, place: object) -> None:
    assert callable(place)
    field, message = refusal(place(media), BLIND)
    assert message == f"{field} holds an image, and this gateway takes none: its operator has set ENABLE_VISION=false"


@pytest.mark.parametrize(
    "media",
    [
        Media(kind=MEDIA_KIND_FILE, data=PDF, mime_type="application/pdf"),
        Media(kind=MEDIA_KIND_AUDIO, data=WAV, mime_type="audio/wav"),
        Media(kind=MEDIA_KIND_FILE, file_id="file-1"),
    ],
)
def test_without_vision_sounds_and_documents_are_let_in(media: Media) -> None:
    request = asking(media)
    assert admitted(request, BLIND) is request


@pytest.mark.parametrize(
    "json",
    [
        '{"type":"image","source":{"type":"new","at":"https://a.example"}}',
        '{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "https://a.example"}}',
        '{"type":"document","source":{"type":"content","content":[{"type": "image"}]}}',
        '{"url":"data:image/png;base64,iVBO"}',
        '{"inlineData":{"mimeType":"image/png","data":"iVBO"}}',
    ],
)
def test_without_vision_pictures_in_what_only_one_dialect_understands_are_refused_too(json: str) -> None:
    parts = [Part(opaque=Opaque(dialect="anthropic", json=json))]
    request = ChatRequest(model="m", messages=[Message(role=ROLE_USER, parts=parts)])
    assert refusal(request, BLIND)[0] == "messages[0].parts[0]"
    assert INTAKE.admit(request) is None


def test_without_vision_words_about_pictures_are_let_in() -> None:
    json = r'{"type":"search_result","text":"{\"type\": \"image\"}, data:image/png and an image"}'
    parts = [Part(opaque=Opaque(dialect="anthropic", json=json)), Part(text='{"type": "image"}')]
    assert BLIND.admit(ChatRequest(model="m", messages=[Message(role=ROLE_USER, parts=parts)])) is None
