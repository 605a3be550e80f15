"""What is fetched for which target, how often, and what it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    ROLE_TOOL,
    ROLE_USER,
    Media,
    Message,
    Part,
    ToolResult,
)
from gateway_core.call import Deadline
from gateway_core.media.attachments import CONCURRENT_FETCHES, Attachments, FetchLimits, MediaIntake
from gateway_core.transport.base import Download, Undeliverable
from gateway_dialects.kit.dialect import Endpoint, Quirks
from tests.gateway_core.media.samples import HTML, JPEG, MP3, PDF, PNG, TEXT, WAV

READS_PICTURES = Endpoint("openai", "openai", "https://api.openai.com/v1")
READS_NOTHING = Endpoint("ollama", "openai", "http://ollama/v1", quirks=Quirks(reads_urls_of=frozenset()))
NO_END = Deadline()
PICTURE = "https://a.example/b/cat.png?size=2"

Answer = Download | Exception | Callable[[], Awaitable[Download]]


class Downloads:
    """A downloader that holds what it gives."""

    def __init__(self, **held: Answer) -> None:
        self.held: Mapping[str, Answer] = held
        self.asked: list[str] = []
        self.limits: list[int] = []

    async def download(self, url: str, max_bytes: int, deadline: Deadline) -> Download:
        self.asked.append(url)
        self.limits.append(max_bytes)
        name = url.rpartition("/")[2].partition("?")[0].partition(".")[0]
        await asyncio.sleep(0)
        match self.held[name]:
            case Download() as found:
                return found
            case Exception() as failure:
                raise failure
            case make:
                return await make()

    async def close(self) -> None:
        """Nothing is open."""


def picture(url: str = PICTURE, detail: str = "", mime_type: str = "") -> Media:
    return Media(kind=MEDIA_KIND_IMAGE, uri=url, detail=detail, mime_type=mime_type)


def asking(*media: Media) -> ChatRequest:
    parts = [Part(text="What is it?"), *(Part(media=one) for one in media)]
    return ChatRequest(model="m", messages=[Message(role=ROLE_USER, parts=parts)])


def attached_to(
    request: ChatRequest, downloads: Downloads, limits: FetchLimits | None = None, *, vision: bool = True
) -> Attachments:
    attachments = MediaIntake(downloads, limits or FetchLimits(), vision=vision).admit(request)
    assert attachments is not None
    return attachments


def fetched(downloads: Downloads, *media: Media, limits: FetchLimits | None = None) -> list[Media]:
    """What the media becomes for a target that needs the bytes."""
    attachments = attached_to(asking(*media), downloads, limits)
    request = asyncio.run(attachments.request_for("m", READS_NOTHING, NO_END))
    return [part.media for part in request.messages[0].parts[1:]]


def refusal(downloads: Downloads, *media: Media, limits: FetchLimits | None = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        fetched(downloads, *media, limits=limits)
    return caught.value


def test_a_target_that_reads_urls_gets_them() -> None:
    downloads, request = Downloads(), asking(picture())
    assert asyncio.run(attached_to(request, downloads).request_for("m", READS_PICTURES, NO_END)) is request
    assert downloads.asked == []


def test_a_target_that_reads_none_gets_the_bytes() -> None:
    downloads, request = Downloads(cat=Download(PNG, "image/png")), asking(picture(detail="low"))
    filled = asyncio.run(attached_to(request, downloads).request_for("m", READS_NOTHING, NO_END))
    assert filled.messages[0].parts[0].text == "What is it?"
    assert filled.messages[0].parts[1].media == Media(kind=MEDIA_KIND_IMAGE, data=PNG, mime_type="image/png", detail="low")
    assert request == asking(picture(detail="low"))


def test_a_picture_in_a_tool_s_result_is_fetched_too() -> None:
    result = ToolResult(tool_call_id="c1", parts=[Part(media=picture())])
    request = ChatRequest(model="m", messages=[Message(role=ROLE_TOOL, parts=[Part(tool_result=result)])])
    attachments = attached_to(request, Downloads(cat=Download(PNG)))
    filled = asyncio.run(attachments.request_for("m", READS_NOTHING, NO_END))
    assert filled.messages[0].parts[0].tool_result.parts[0].media.data == PNG


def test_only_what_a_target_cannot_read_is_fetched() -> None:
    sound = Media(kind=MEDIA_KIND_AUDIO, uri="https://a.example/song.mp3")
    downloads = Downloads(song=Download(MP3))
    attachments = attached_to(asking(picture(), sound), downloads)
    parts = asyncio.run(attachments.request_for("m", READS_PICTURES, NO_END)).messages[0].parts
    assert parts[1].media == picture()
    assert (parts[2].media.data, parts[2].media.mime_type) == (MP3, "audio/mpeg")


def test_each_url_is_fetched_once_however_many_parts_and_targets_want_it() -> None:
    downloads = Downloads(cat=Download(PNG), dog=Download(JPEG))
    request = asking(picture(), picture(), picture("https://a.example/dog"))

    async def ask_three() -> list[ChatRequest]:
        attachments = attached_to(request, downloads)
        targets = (READS_NOTHING, READS_PICTURES, READS_NOTHING)
        return [await attachments.request_for("m", target, NO_END) for target in targets]

    first, second, third = asyncio.run(ask_three())
    assert first == third != second == request
    assert sorted(downloads.asked) == [PICTURE, "https://a.example/dog"]


def test_a_later_target_that_needs_more_fetches_only_that() -> None:
    sound = Media(kind=MEDIA_KIND_AUDIO, uri="https://a.example/song.mp3")
    downloads = Downloads(cat=Download(PNG), song=Download(MP3))

    async def ask_two() -> ChatRequest:
        attachments = attached_to(asking(picture(), sound), downloads)
        await attachments.request_for("m", READS_PICTURES, NO_END)
        return await attachments.request_for("m", READS_NOTHING, NO_END)

    parts = asyncio.run(ask_two()).messages[0].parts
    assert [part.media.data for part in parts[1:]] == [PNG, MP3]
    assert downloads.asked == ["https://a.example/song.mp3", PICTURE]


def test_several_urls_are_fetched_at_the_same_time_but_not_all_of_many() -> None:
    running, most = 0, 0

    async def give() -> Download:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(20):
            await asyncio.sleep(0)
        running -= 1
        return Download(PNG)

    pictures = [picture(f"https://a.example/{index}/cat") for index in range(3 * CONCURRENT_FETCHES)]
    assert [one.data for one in fetched(Downloads(cat=give), *pictures)] == [PNG] * len(pictures)
    assert most == CONCURRENT_FETCHES


def test_the_first_failure_gives_up_the_others() -> None:
    given_up: list[bool] = []

    async def stall() -> Download:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(True)
        return Download(PNG)

    downloads = Downloads(slow=stall, cat=Undeliverable("a.example answered with status 404"))
    failure = refusal(downloads, picture("https://a.example/slow"), picture())
    assert failure.reason is Reason.INVALID_REQUEST
    assert failure.field == "messages[0].parts[2]"
    assert failure.message == "messages[0].parts[2] cannot be fetched: a.example answered with status 404"
    assert given_up == [True]


def test_a_url_that_stands_twice_is_blamed_where_it_stands_first() -> None:
    assert refusal(Downloads(cat=Undeliverable("no")), picture(), picture()).field == "messages[0].parts[1]"


def test_the_deadline_is_told_as_such() -> None:
    passed = GatewayError(Reason.DEADLINE_EXCEEDED, "the deadline passed")
    assert refusal(Downloads(cat=passed), picture()).reason is Reason.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("media", "found", "mime_type"),
    [
        (picture(), Download(JPEG, "image/png"), "image/jpeg"),
        (picture(mime_type="image/gif"), Download(PNG, "text/html"), "image/png"),
        (
            Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat"),
            Download(PDF, "application/octet-stream"),
            "application/pdf",
        ),
        (Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat"), Download(TEXT, "text/markdown"), "text/markdown"),
        (Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat.csv?x=1"), Download(TEXT), "text/csv"),
        (Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat.csv", mime_type="text/plain"), Download(TEXT), "text/plain"),
        (Media(kind=MEDIA_KIND_AUDIO, uri="https://a.example/cat"), Download(WAV, "audio/mpeg"), "audio/wav"),
        (Media(kind=MEDIA_KIND_AUDIO, uri="https://a.example/cat"), Download(MP3, "audio/mp3"), "audio/mp3"),
    ],
)
def test_the_type_is_what_the_bytes_show_or_else_what_someone_said(media: Media, found: Download, mime_type: str) -> None:
    assert fetched(Downloads(cat=found), media)[0].mime_type == mime_type


def test_a_document_gets_the_name_that_its_url_has() -> None:
    document = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/reports/cat%20food.pdf?x=/y")
    named = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat", filename="mine.pdf")
    downloads = Downloads(**{"cat%20food": Download(PDF), "y": Download(PDF), "cat": Download(PDF)})
    assert [one.filename for one in fetched(downloads, document, named)] == ["cat food.pdf", "mine.pdf"]


@pytest.mark.parametrize(
    ("media", "found", "said"),
    [
        (picture(), Download(HTML, "text/html"), "should be an image, but its bytes are no type of image"),
        (picture(), Download(HTML, "image/png"), "should be an image, but its bytes are no type of image"),
        (picture(), Download(PDF, "image/png"), "should be an image, but its bytes are application/pdf"),
        (picture(), Download(b"", "image/png"), "is empty: it has no bytes"),
        (
            Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat.pdf", mime_type="application/pdf"),
            Download(HTML, "text/html"),
            "should be a PDF, but its bytes are not one",
        ),
    ],
)
def test_what_is_not_what_it_should_be_is_refused(media: Media, found: Download, said: str) -> None:
    failure = refusal(Downloads(cat=found), media)
    assert (failure.reason, failure.message) == (Reason.INVALID_REQUEST, f"messages[0].parts[1] {said}")


@pytest.mark.parametrize("count", [2, CONCURRENT_FETCHES, CONCURRENT_FETCHES + 1, 2 * CONCURRENT_FETCHES])
def test_all_urls_together_have_a_limit_too(count: int) -> None:
    pictures = [picture(f"https://a.example/{index}/cat") for index in range(count)]
    downloads = Downloads(cat=Download(PNG))
    limits = FetchLimits(bytes_each=100, bytes_all=count * len(PNG) - 1)
    failure = refusal(downloads, *pictures, limits=limits)
    assert failure.reason is Reason.INVALID_REQUEST
    assert "cannot be fetched: all URLs together deliver more than" in failure.message
    assert min(downloads.limits) > 0


def test_the_number_of_urls_has_a_limit() -> None:
    pictures = [picture(f"https://a.example/{index}/cat") for index in range(4)]
    downloads = Downloads(cat=Download(PNG))
    failure = refusal(downloads, *pictures, limits=FetchLimits(urls=3))
    assert (failure.field, downloads.asked) == ("messages", [])
    assert len(fetched(downloads, *pictures[:3], limits=FetchLimits(urls=3))) == 3


@pytest.mark.parametrize("scheme", ["HTTP", "HttpS"])
def test_schemes_are_schemes_in_any_case(scheme: str) -> None:
    assert fetched(Downloads(cat=Download(PNG)), picture(f"{scheme}://a.example/cat"))[0].data == PNG


@pytest.mark.parametrize("uri", ["gs://bucket/cat", "file:///etc/passwd", "ms://cat", "cat.png", "", "http:/a.example/cat"])
def test_what_is_no_web_address_is_left_to_the_dialect(uri: str) -> None:
    assert fetched(Downloads(), picture(uri)) == [picture(uri)]


@pytest.mark.parametrize("uri", ["https://[::1/cat", "http://a.example:x/cat"])
def test_a_broken_url_is_the_downloader_s_to_refuse(uri: str) -> None:
    assert "cannot be fetched: no" in refusal(Downloads(cat=Undeliverable("no")), picture(uri)).message


def test_without_vision_a_document_that_turns_out_to_be_a_picture_is_refused() -> None:
    document = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat")
    attachments = attached_to(asking(document), Downloads(cat=Download(PNG, "application/pdf")), vision=False)
    with pytest.raises(GatewayError, match="this gateway takes none") as caught:
        asyncio.run(attachments.request_for("m", READS_NOTHING, NO_END))
    assert caught.value.field == "messages[0].parts[1]"
