"""Which URLs each provider reads itself, and of which it is sent the bytes."""

from __future__ import annotations

import pytest

from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.kit.dialect import Endpoint
from tests.fitted import endpoint_at

IMAGE = Media(kind=MEDIA_KIND_IMAGE, uri="https://a.example/cat")
INSECURE_IMAGE = Media(kind=MEDIA_KIND_IMAGE, uri="http://a.example/cat.png")
UNTOLD_IMAGE = Media(uri="https://a.example/cat", mime_type="image/png")
SOUND = Media(kind=MEDIA_KIND_AUDIO, uri="https://a.example/song.mp3")
VIDEO = Media(kind=MEDIA_KIND_VIDEO, uri="https://a.example/film.mp4")
FILM = Media(kind=MEDIA_KIND_VIDEO, uri="https://www.youtube.com/watch?v=1")
PDF = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/paper.pdf")
TOLD_PDF = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/paper", mime_type="application/pdf")
TEXT = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/notes.txt?v=2")
TOLD_TEXT = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/notes", mime_type="text/markdown")
FILE = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/download")
PICTURE_FILE = Media(kind=MEDIA_KIND_FILE, uri="https://a.example/cat.webp")
UPLOADED = Media(kind=MEDIA_KIND_FILE, uri="https://generativelanguage.googleapis.com/v1beta/files/1")
BROKEN = Media(kind=MEDIA_KIND_IMAGE, uri="https://[::1/cat.png")

KINDS = (MEDIA_KIND_IMAGE, MEDIA_KIND_AUDIO, MEDIA_KIND_VIDEO, MEDIA_KIND_FILE)


def needed(vendor: str, media: Media, model: str = "m", dialect: str = "") -> bool:
    row = next(row for row in VENDORS if row.name == vendor and dialect in ("", row.dialect))
    return DIALECTS[row.dialect].needs_bytes(media, model, endpoint_at(row))


@pytest.mark.parametrize(
    ("vendor", "reads", "needs"),
    [
        ("openai", (IMAGE, INSECURE_IMAGE, UNTOLD_IMAGE, VIDEO), (SOUND, PDF, TEXT, FILE)),
        ("openrouter", (IMAGE, VIDEO, FILM, PDF, TEXT), (SOUND,)),
        ("groq", (IMAGE, INSECURE_IMAGE), (SOUND, PDF)),
        ("ollama", (), (IMAGE, INSECURE_IMAGE, SOUND, VIDEO, PDF)),
        ("ollama_cloud", (), (IMAGE, SOUND)),
        ("cloudflare", (), (IMAGE, UNTOLD_IMAGE, SOUND)),
        ("moonshot", (), (IMAGE, VIDEO)),
        ("azure", (IMAGE,), (SOUND, PDF)),
        (
            "anthropic",
            (IMAGE, UNTOLD_IMAGE, PDF, TOLD_PDF, FILE, SOUND, VIDEO),
            (INSECURE_IMAGE, TEXT, TOLD_TEXT, PICTURE_FILE),
        ),
        ("cohere", (IMAGE, INSECURE_IMAGE, PDF, TOLD_PDF, SOUND, VIDEO), (TEXT, TOLD_TEXT, FILE)),
        ("mistral", (IMAGE, INSECURE_IMAGE, PDF, FILE, SOUND, VIDEO), ()),
    ],
)
def test_each_vendor_s_own_way(vendor: str, reads: tuple[Media, ...], needs: tuple[Media, ...]) -> None:
    assert [media for media in reads if needed(vendor, media)] == []
    assert [media for media in needs if not needed(vendor, media)] == []


def test_the_responses_api_fetches_all_but_sound() -> None:
    assert [media for media in (IMAGE, PDF, FILE, VIDEO) if needed("openai", media, dialect="openai-responses")] == []
    assert needed("openai", SOUND, dialect="openai-responses")


def test_google_s_compatible_api_takes_bytes() -> None:
    assert needed("google", IMAGE, dialect="openai")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview", "gemini-flash-latest", "tunedModels/mine"])
def test_google_reads_https_urls_whose_type_it_is_told_and_what_is_its_own(model: str) -> None:
    reads = (UNTOLD_IMAGE, TOLD_PDF, TOLD_TEXT, FILM, UPLOADED)
    assert [media for media in reads if needed("google", media, model)] == []
    told_insecure = Media(kind=MEDIA_KIND_IMAGE, uri="http://a.example/cat.png", mime_type="image/png")
    needs = (IMAGE, INSECURE_IMAGE, told_insecure, SOUND, VIDEO, PDF, TEXT, FILE, BROKEN)
    assert [media for media in needs if not needed("google", media, model)] == []


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-1.5-pro", "gemma-3-27b-it", "models/gemini-2.0-flash"])
def test_older_models_of_google_read_only_what_is_its_own(model: str) -> None:
    assert [media for media in (FILM, UPLOADED) if needed("google", media, model)] == []
    assert [media for media in (UNTOLD_IMAGE, TOLD_PDF, IMAGE) if not needed("google", media, model)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_url_is_too_broken_to_judge(dialect: str) -> None:
    endpoint = Endpoint("p", dialect, "https://p.example/v1")
    for uri in ("https://[::1/cat.png", "http://", "https://a.example:x/", "https://\x00", "http://%"):
        for media in (Media(uri=uri), *(Media(uri=uri, kind=kind) for kind in KINDS)):
            assert DIALECTS[dialect].needs_bytes(media, "m", endpoint) in (True, False)
