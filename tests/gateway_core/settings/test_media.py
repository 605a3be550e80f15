"""[media] and ENABLE_VISION."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.models import MediaSettings
from gateway_core.settings.settings import Settings, SettingsError, load


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "dragoman.toml"
    path.write_text(text)
    return load(path, environ)


def test_pictures_are_taken_unless_somebody_says_otherwise() -> None:
    assert load(None, {}).media == MediaSettings(vision=True, max_bytes=20 * 1024 * 1024, timeout=10.0)


def test_the_file_says_all_of_it(tmp_path: Path) -> None:
    text = "[media]\nvision = false\nmax_bytes = 1000\ntimeout = 2.5"
    assert read(tmp_path, text).media == MediaSettings(vision=False, max_bytes=1000, timeout=2.5)


@pytest.mark.parametrize(
    ("value", "vision"), [("true", True), ("1", True), ("TRUE", True), ("false", False), ("False ", False), ("0", False)]
)
def test_the_environment_wins_over_the_file(tmp_path: Path, value: str, vision: bool) -> None:
    text = f"[media]\nvision = {'false' if vision else 'true'}\nmax_bytes = 1000"
    assert read(tmp_path, text, ENABLE_VISION=value).media == MediaSettings(vision=vision, max_bytes=1000)
    assert load(None, {"ENABLE_VISION": value}).media.vision is vision


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_variable_says_nothing(tmp_path: Path, value: str) -> None:
    assert read(tmp_path, "[media]\nvision = false", ENABLE_VISION=value).media.vision is False
    assert load(None, {"ENABLE_VISION": value}).media.vision is True


@pytest.mark.parametrize("value", ["maybe", "2", "none"])
def test_any_other_word_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="ENABLE_VISION must be true or false"):
        load(None, {"ENABLE_VISION": value})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vision = 1", "media.vision must be true or false"),
        ("max_bytes = 0", "media.max_bytes must be 1 or more"),
        ("timeout = -1", "media.timeout must be a number of seconds"),
        ("visoin = true", "media.visoin is not a setting that Dragoman knows. Did you mean vision"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, f"[media]\n{line}")


def test_a_facade_of_its_own_leaves_it_to_the_core(tmp_path: Path) -> None:
    path = tmp_path / "dragoman.toml"
    path.write_text("[media]\nvision = false")
    assert load(path, {"ENABLE_VISION": "maybe"}, core=False).media == MediaSettings()


def test_a_server_of_one_s_own_can_be_kept_from_fetching(tmp_path: Path) -> None:
    corp = '[providers.corp]\ndialect = "openai"\nurl = "http://10.0.0.5:8000/v1"\n'
    text = f"{corp}reads_urls = false\n{corp.replace('corp', 'other')}"
    endpoints = ModelResolver(read(tmp_path, text)).providers
    picture = Media(kind=MEDIA_KIND_IMAGE, uri="https://a.example/cat.png")
    needs_bytes = DIALECTS["openai"].needs_bytes
    assert needs_bytes(picture, "m", endpoints["corp"])
    assert not needs_bytes(picture, "m", endpoints["other"])
