"""What providers are sent of media that clients name by URL: the whole gateway, with real sockets on both sides."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, ROLE_USER, Media, Message, Part
from gateway_core.bootstrap import build_gateway
from gateway_core.call import Call, Deadline
from gateway_core.gateway import Gateway
from gateway_core.settings.models import MediaSettings
from gateway_core.settings.settings import ModelSettings, ProviderSettings, RetrySettings, Settings, load
from gateway_dialects.kit.dialect import Secret
from tests.gateway_core.media.samples import HTML, JPEG, MP3, PDF, PNG, TEXT
from tests.upstream import STALL, Handler, Received, Reply, Upstream, event_stream, json_reply

FIELD = "messages[0].parts[1]"
HELD: Mapping[str, Reply] = {
    # The server errs about the type.
    "/cat.png": Reply(headers={"content-type": "text/plain"}, body=JPEG),
    "/song": Reply(headers={"content-type": "audio/mpeg"}, body=MP3),
    "/paper.pdf": Reply(headers={"content-type": "application/octet-stream"}, body=PDF),
    "/notes.txt": Reply(headers={"content-type": "text/plain; charset=utf-8"}, body=TEXT),
    "/moved": Reply(302, {"location": "/cat.png"}),
    "/login": Reply(headers={"content-type": "text/html"}, body=HTML),
    "/large": Reply(body=PNG + bytes(5000)),
    "/slow": Reply(body=[b"\x89", STALL]),
    "/inward": Reply(302, {"location": "http://169.254.169.254/latest/meta-data/"}),
}
ANSWERS: Mapping[str, Any] = {
    "openai": {
        "id": "c",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "A cat"}, "finish_reason": "stop"}],
    },
    "anthropic": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "A cat"}],
        "stop_reason": "end_turn",
    },
    "gemini": {"candidates": [{"content": {"role": "model", "parts": [{"text": "A cat"}]}, "finishReason": "STOP"}]},
    "cohere": {
        "id": "c",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]},
    },
}
Check = Callable[[Gateway, Upstream], Awaitable[None]]


def run(check: Check, answer: Handler, *, limits: MediaSettings | None = None, private: bool = True) -> None:
    """The upstream is every provider, and the host of what is fetched."""

    def handler(request: Received) -> Reply:
        if request.method == "POST":
            return answer(request)
        return HELD.get(request.path, Reply(404, body=b"not here"))

    async def main() -> None:
        async with Upstream(handler) as upstream:
            gateway = build_gateway(settings_of(upstream.url, limits or MediaSettings(), private), sleep=at_once)
            try:
                await check(gateway, upstream)
            finally:
                await gateway.close()

    asyncio.run(main())


async def at_once(_: float) -> None:
    """No pause between attempts."""


def settings_of(url: str, media: MediaSettings, private: bool) -> Settings:
    key = (Secret("k"),)
    providers = [ProviderSettings(name, name, f"{url}/api", key) for name in ANSWERS]
    reads_nothing = ProviderSettings("ollama", "openai", f"{url}/api", key)
    return dataclasses.replace(
        load(None, {"DRAGOMAN_ALLOW_PRIVATE_URLS": "true"} if private else {}),
        providers=(*providers, reads_nothing),
        models=(ModelSettings("both", ("ollama/m", "openai/m")),),
        retries=RetrySettings(attempts=2),
        media=media,
    )


def asking(url: str, kind: int, model: str, mime_type: str = "") -> ChatRequest:
    media = Media(uri=url, mime_type=mime_type)
    media.kind = kind  # type: ignore[assignment]
    parts = [Part(text="What is it?"), Part(media=media)]
    return ChatRequest(model=model, messages=[Message(role=ROLE_USER, parts=parts)], max_output_tokens=10)


def answering(dialect: str) -> Handler:
    return lambda _: json_reply(ANSWERS[dialect])


def asked_of(upstream: Upstream) -> list[Any]:
    """The bodies that the provider got."""
    return [request.json() for request in upstream.requests if request.method == "POST"]


def fetched_from(upstream: Upstream) -> list[str]:
    return [request.path for request in upstream.requests if request.method == "GET"]


def part_in(body: Any) -> Any:
    """The second part of the first message, in each provider's place for it."""
    if "contents" in body:
        return body["contents"][0]["parts"][1]
    content = body["messages"][0]["content"]
    return content[1] if isinstance(content, list) else content


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_uri(data: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{encoded(data)}"


@pytest.mark.parametrize(
    ("model", "kind", "path", "part"),
    [
        (
            "ollama/m",
            MEDIA_KIND_IMAGE,
            "/cat.png",
            {"type": "image_url", "image_url": {"url": data_uri(JPEG, "image/jpeg")}},
        ),
        ("ollama/m", MEDIA_KIND_IMAGE, "/moved", {"type": "image_url", "image_url": {"url": data_uri(JPEG, "image/jpeg")}}),
        (
            "openai/m",
            MEDIA_KIND_AUDIO,
            "/song",
            {"type": "input_audio", "input_audio": {"data": encoded(MP3), "format": "mp3"}},
        ),
        (
            "openai/m",
            MEDIA_KIND_FILE,
            "/paper.pdf",
            {"type": "file", "file": {"filename": "paper.pdf", "file_data": data_uri(PDF, "application/pdf")}},
        ),
        (
            "anthropic/claude-sonnet-4-5",
            MEDIA_KIND_IMAGE,
            "/cat.png",
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": encoded(JPEG)}},
        ),
        (
            "anthropic/claude-sonnet-4-5",
            MEDIA_KIND_FILE,
            "/notes.txt",
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": TEXT.decode()},
                "title": "notes.txt",
            },
        ),
        (
            "gemini/gemini-2.5-flash",
            MEDIA_KIND_IMAGE,
            "/cat.png",
            {"inlineData": {"mimeType": "image/jpeg", "data": encoded(JPEG)}},
        ),
        (
            "gemini/gemini-2.5-flash",
            MEDIA_KIND_AUDIO,
            "/song",
            {"inlineData": {"mimeType": "audio/mpeg", "data": encoded(MP3)}},
        ),
        (
            "gemini/gemini-2.0-flash",
            MEDIA_KIND_FILE,
            "/paper.pdf",
            {"inlineData": {"mimeType": "application/pdf", "data": encoded(PDF)}},
        ),
    ],
)
def test_the_provider_gets_the_bytes_with_the_type_that_they_have(model: str, kind: int, path: str, part: Any) -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        answer = await gateway.chat(asking(upstream.url + path, kind, model), Call("r1"))
        assert answer.candidates[0].parts[0].text == "A cat"
        assert part_in(asked_of(upstream)[0]) == part
        assert len(fetched_from(upstream)) == (2 if path == "/moved" else 1)

    run(check, answering(model.partition("/")[0].replace("ollama", "openai")))


@pytest.mark.parametrize(
    ("model", "kind", "mime_type"),
    [
        ("openai/m", MEDIA_KIND_IMAGE, ""),
        ("cohere/command-a-vision", MEDIA_KIND_IMAGE, ""),
        ("anthropic/claude-sonnet-4-5", MEDIA_KIND_IMAGE, ""),
        ("anthropic/claude-sonnet-4-5", MEDIA_KIND_FILE, "application/pdf"),
        ("gemini/gemini-2.5-flash", MEDIA_KIND_FILE, "application/pdf"),
    ],
)
def test_a_provider_that_reads_the_url_gets_it_and_nobody_else_fetches(model: str, kind: int, mime_type: str) -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        await gateway.chat(asking("https://pictures.invalid/cat", kind, model, mime_type), Call("r1"))
        assert "https://pictures.invalid/cat" in str(part_in(asked_of(upstream)[0]))
        assert fetched_from(upstream) == []

    run(check, answering(model.partition("/")[0]))


def test_a_document_in_text_reaches_a_provider_of_text() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        await gateway.chat(asking(f"{upstream.url}/notes.txt", MEDIA_KIND_FILE, "cohere/command-a"), Call("r1"))
        assert TEXT.decode() in str(asked_of(upstream)[0])

    run(check, answering("cohere"))


def test_attempts_and_targets_share_what_was_fetched_once() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        with pytest.raises(GatewayError) as caught:
            await gateway.chat(asking(f"{upstream.url}/cat.png", MEDIA_KIND_IMAGE, "both"), Call("r1"))
        assert caught.value.trace is not None
        assert len(caught.value.trace.attempts) == 4
        assert fetched_from(upstream) == ["/cat.png"]
        inline, url = {"url": data_uri(JPEG, "image/jpeg")}, {"url": f"{upstream.url}/cat.png"}
        assert [part_in(body)["image_url"] for body in asked_of(upstream)] == [inline, inline, url, url]

    run(check, lambda _: json_reply({"error": {"message": "later"}}, 503))


def test_a_stream_fetches_too() -> None:
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "A cat"}, "finish_reason": "stop"}]}

    async def check(gateway: Gateway, upstream: Upstream) -> None:
        request = asking(f"{upstream.url}/cat.png", MEDIA_KIND_IMAGE, "ollama/m")
        batches = [batch async for batch in gateway.stream(request, Call("r1"))]
        assert any(event.part_delta.text == "A cat" for batch in batches for event in batch.events)
        assert part_in(asked_of(upstream)[0])["image_url"] == {"url": data_uri(JPEG, "image/jpeg")}

    run(check, lambda _: event_stream(chunk, b"data: [DONE]\n\n"))


def test_a_count_of_tokens_fetches_too() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        request = asking(f"{upstream.url}/cat.png", MEDIA_KIND_IMAGE, "anthropic/claude-sonnet-4-5")
        assert (await gateway.count_tokens(request, Call("r1"))).input_tokens == 7
        assert part_in(asked_of(upstream)[0])["source"]["data"] == encoded(JPEG)

    run(check, lambda _: json_reply({"input_tokens": 7}))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nothing", "cannot be fetched: 127.0.0.1 answered with status 404"),
        ("/login", "should be an image, but its bytes are no type of image"),
        ("/paper.pdf", "should be an image, but its bytes are application/pdf"),
        ("/large", "cannot be fetched: what 127.0.0.1 delivers is larger than 1000 bytes"),
        ("/slow", "cannot be fetched: 127.0.0.1 did not deliver within 0.5 s"),
        ("/inward", "cannot be fetched: 169.254.169.254 is not a public address"),
    ],
)
def test_what_cannot_be_had_is_told_by_field_and_no_provider_is_asked(path: str, said: str) -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        with pytest.raises(GatewayError) as caught:
            await gateway.chat(asking(upstream.url + path, MEDIA_KIND_IMAGE, "both"), Call("r1"))
        failure = caught.value
        assert (failure.reason, failure.field, failure.message) == (Reason.INVALID_REQUEST, FIELD, f"{FIELD} {said}")
        assert asked_of(upstream) == []
        assert len(fetched_from(upstream)) == 1

    run(check, answering("openai"), limits=MediaSettings(max_bytes=1000, timeout=0.5))


def test_private_addresses_are_refused_unless_the_operator_opens_them() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        with pytest.raises(GatewayError) as caught:
            await gateway.chat(asking(f"{upstream.url}/cat.png", MEDIA_KIND_IMAGE, "ollama/m"), Call("r1"))
        failure = caught.value
        message = f"{FIELD} cannot be fetched: 127.0.0.1 is not a public address"
        assert (failure.reason, failure.message) == (Reason.INVALID_REQUEST, message)
        assert upstream.connections == []

    run(check, answering("openai"), private=False)


def test_the_deadline_of_the_call_holds_for_what_is_fetched() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        with pytest.raises(GatewayError) as caught:
            request = asking(f"{upstream.url}/slow", MEDIA_KIND_IMAGE, "both")
            await gateway.chat(request, Call("r1", Deadline.after(0.5)))
        assert caught.value.reason is Reason.DEADLINE_EXCEEDED
        await upstream.connections[0].wait()

    run(check, answering("openai"))


def test_giving_up_the_call_gives_up_what_is_fetched() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        task = asyncio.ensure_future(gateway.chat(asking(f"{upstream.url}/slow", MEDIA_KIND_IMAGE, "both"), Call("r1")))
        await upstream.arrival().wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.connections[0].wait()
        assert asked_of(upstream) == []

    run(check, answering("openai"))


def test_a_pdf_for_a_provider_without_documents_stays_unsupported() -> None:
    async def check(gateway: Gateway, upstream: Upstream) -> None:
        with pytest.raises(GatewayError) as caught:
            await gateway.chat(asking(f"{upstream.url}/paper.pdf", MEDIA_KIND_FILE, "cohere/command-a"), Call("r1"))
        assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, FIELD)
        assert asked_of(upstream) == []

    run(check, answering("cohere"))
