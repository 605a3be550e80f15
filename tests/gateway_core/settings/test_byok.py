"""[byok]: which URLs clients may give."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.settings.byok import ByokSettings, is_plain
from gateway_core.settings.settings import SettingsError, load


def read(tmp_path: Path, text: str = "", **environ: str) -> ByokSettings:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    return load(path, environ).byok


def complaint(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, **environ)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://api.openai.com",
        "https://API.openai.com:443/v1/",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "https://api.anthropic.com",
        "https://api.cohere.com/v2",
        "https://my-resource.openai.azure.com",
        "https://api.cloudflare.com/client/v4/accounts/0123/ai/v1",
    ],
)
def test_the_vendors_own_urls_are_allowed_by_default(tmp_path: Path, url: str) -> None:
    settings = read(tmp_path)
    assert settings.enabled
    assert not settings.private_urls
    assert settings.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.example.com/v1",
        "https://openai.azure.com",
        "https://evil-openai.azure.com",
        "https://example.com/https://api.openai.com/v1",
        "http://127.0.0.1/v1",
        "http://ollama:8080/v1",
        "demo://demo",
    ],
)
def test_others_are_not(tmp_path: Path, url: str) -> None:
    assert not read(tmp_path).allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///v1",
        "api.openai.com/v1",
        "ftp://api.openai.com",
        "file:///etc/passwd",
        "https://user@api.openai.com/v1",
        "https://api.openai.com@example.com/v1",
        "https://api.openai.com\\@example.com/v1",
        "https://api.openai.com/v1?key=1",
        "https://api.openai.com/v1#a",
        "https://api.openai.com/../v1",
        "https://api.openai.com/v1/..",
        "https://api.openai.com/./v1",
        "https://api.openai.com//v1",
        "https://api.openai.com/%2e%2e/v1",
        "https://api.openai.com:0/v1",
        "https://api.openai.com:99999/v1",
        "https://api.openai.com:/v1",
        "https://api.openai.com/v 1",
        "https://api.openai.com/v1\r\nHost: a",
        "https://api.opénai.com/v1",
        "https://[::1/v1",
        "https://[1:2]/v1",
        "https://api.openai.com/" + "v" * 1024,
    ],
)
def test_urls_that_are_not_plain(tmp_path: Path, url: str) -> None:
    assert not is_plain(url)
    assert not read(tmp_path, '[byok]\nurls = ["https://*", "http://*"]').allows(url)


RULES = """
[byok]
urls = ["https://llm.example.com/team/", "https://*.example.org", "http://10.0.0.5:8000/v1", "http://[::1]:9000"]
"""


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://llm.example.com/team", True),
        ("https://llm.example.com/team/v1", True),
        ("https://llm.example.com/teams", False),
        ("https://llm.example.com/", False),
        ("https://llm.example.com/other/team/", False),
        ("http://llm.example.com/team/", False),
        ("https://a.example.org/any", True),
        ("https://a.b.EXAMPLE.org/any", True),
        ("https://example.org/any", False),
        ("https://aexample.org/any", False),
        ("http://10.0.0.5:8000/v1", True),
        ("http://10.0.0.5/v1", False),
        ("http://10.0.0.50:8000/v1", False),
        ("http://[::1]:9000/v1", True),
        ("https://api.openai.com/v1", False),
    ],
)
def test_an_operators_list_stands_in_place_of_the_default(tmp_path: Path, url: str, allowed: bool) -> None:
    assert read(tmp_path, RULES).allows(url) is allowed


def test_any_host(tmp_path: Path) -> None:
    settings = read(tmp_path, '[byok]\nurls = ["https://*"]')
    assert settings.allows("https://anything.example/v1")
    assert not settings.allows("http://anything.example/v1")


def test_no_url_at_all(tmp_path: Path) -> None:
    assert not read(tmp_path, "[byok]\nurls = []").allows("https://api.openai.com/v1")


def test_nothing_may_be_brought(tmp_path: Path) -> None:
    assert not read(tmp_path, "[byok]\nenabled = false").enabled


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.openai.com", "https://", "ftp://a", "https://a*", "https://*a.example", "https://a:0", "https://a:70000"),
        *("https://a/?b", "https://u@a", "https://a b", "*", "https://*:x"),
    ],
)
def test_rules_that_are_none(tmp_path: Path, url: str) -> None:
    told = complaint(tmp_path, f'[byok]\nenabled = true\nurls = ["https://a.example", "{url}"]')
    assert "line 3: byok.urls" in told
    assert repr(url) in told


def test_other_settings(tmp_path: Path) -> None:
    assert "line 2: byok.url is not a setting" in complaint(tmp_path, '[byok]\nurl = "https://a"')
    assert "byok.enabled must be true or false" in complaint(tmp_path, "[byok]\nenabled = 1")


@pytest.mark.parametrize(("value", "opened"), [("true", True), ("1", True), ("TRUE", True), ("false", False), ("", False)])
def test_private_addresses_are_opened_by_a_variable(tmp_path: Path, value: str, opened: bool) -> None:
    assert read(tmp_path, DRAGOMAN_ALLOW_PRIVATE_URLS=value).private_urls is opened
    assert read(tmp_path, "[byok]\nurls = []", DRAGOMAN_ALLOW_PRIVATE_URLS=value).private_urls is opened


def test_the_variable_says_true_or_false(tmp_path: Path) -> None:
    assert complaint(tmp_path, DRAGOMAN_ALLOW_PRIVATE_URLS="yes please").startswith("DRAGOMAN_ALLOW_PRIVATE_URLS must be")


def test_a_facade_alone_does_not_read_what_is_the_cores(tmp_path: Path) -> None:
    path = tmp_path / "dragoman.toml"
    path.write_text("[byok]\nenabled = false")
    assert load(path, {}, core=False).byok.enabled
