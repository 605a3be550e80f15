"""[contexts.NAME]: what is read, and what is complained of where."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.settings.contexts import RESERVED, ContextSettings, KeyPlace
from gateway_core.settings.settings import Settings, SettingsError, load
from http_facade.apis import APIS
from http_facade.router import context_names


def read(tmp_path: Path, text: str, *, core: bool = True) -> Settings:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    return load(path, {}, core=core)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return str(caught.value)


WHOLE = """
[contexts.sales]
provider = "anthropic"
auth = { header = "X-API-Key" }

[contexts.Help-desk_2]
model = "fast"

[contexts."web.shop"]
model = "demo/echo"
[contexts."web.shop".auth]
header = "X-Token"
prefix = "Bearer "
query = "Key"
"""


@pytest.mark.parametrize("core", [True, False])
def test_every_context(tmp_path: Path, core: bool) -> None:
    """A facade of its own reads them too: it must know where the keys are."""
    assert read(tmp_path, WHOLE, core=core).contexts == (
        ContextSettings("sales", provider="anthropic", auth=KeyPlace("x-api-key")),
        ContextSettings("Help-desk_2", model="fast"),
        ContextSettings("web.shop", model="demo/echo", auth=KeyPlace("x-token", "Key", "Bearer ")),
    )


@pytest.mark.parametrize(
    "text",
    [
        '[contexts.sales]\nauth = { header = "X-API-Key" }',
        '[contexts.sales]\nprovider = "demo"\nmodel = "fast"',
        '[contexts.sales]\nprovider = ""',
    ],
)
def test_a_context_is_bound_to_one_thing(tmp_path: Path, text: str) -> None:
    told = complaint(tmp_path, text)
    assert "line 1: contexts.sales needs either provider" in told
    assert "or model" in told


@pytest.mark.parametrize("name", [*sorted(RESERVED), "v1", "v1beta", "V2", "v10", "API", "HealthZ"])
def test_names_that_are_paths_already(tmp_path: Path, name: str) -> None:
    told = complaint(tmp_path, f'[chat]\n\n[contexts."{name}"]\nprovider = "demo"')
    assert "line 3" in told
    assert f"begin with /{name}" in told


@pytest.mark.parametrize("name", ["", "a/b", "a b", "-a", ".", "..", "ä", "a%2fb", "a?b", "x" * 64])
def test_names_that_cannot_be_part_of_a_path(tmp_path: Path, name: str) -> None:
    told = complaint(tmp_path, f'[contexts."{name}"]\nprovider = "demo"')
    assert "line 1" in told
    assert "may hold letters, digits" in told


def test_what_the_facade_takes_for_its_own_can_be_no_context(tmp_path: Path) -> None:
    for name in ("api", "chat", "models", "openai", "proxy", "v1", "v2beta"):
        assert not context_names(APIS)(name)
        assert "begin with" in complaint(tmp_path, f'[contexts.{name}]\nprovider = "demo"')


@pytest.mark.parametrize("name", ["sales", "anthropic", "a", "A-1", "x_y", "a.b", "vision", "apis", "x" * 63])
def test_names_that_are_free(tmp_path: Path, name: str) -> None:
    (context,) = read(tmp_path, f'[contexts."{name}"]\nprovider = "demo"').contexts
    assert context.name == name
    assert context_names(APIS)(name)


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ("{}", "auth needs header"),
        ('{ prefix = "Bearer " }', "auth needs header"),
        ('{ query = "key", prefix = "Bearer " }', "auth.prefix stands before the key in a header"),
        ('{ header = "X Key" }', "auth.header is 'X Key', which may hold letters"),
        ('{ header = "X-Schlüssel" }', "which may hold letters"),
        ('{ query = "a&b" }', "auth.query is 'a&b', which may hold letters"),
        ('{ header = "Content-Type" }', "which has another meaning already"),
        ('{ header = "X-Dragoman-Context" }', "which has another meaning already"),
        ('{ header = "x-inference-provider-api-key" }', "which has another meaning already"),
        ('{ header = "X-Request-Id" }', "which has another meaning already"),
        ('{ query = "alt" }', "which has another meaning already"),
        ('{ header = "key-bin" }', "which has another meaning already"),
        ('{ header = "grpc-timeout" }', "which has another meaning already"),
        ('{ header = "X-Key", prefix = "Bearer\\n" }', "auth.prefix must be printable ASCII"),
        ('{ header = "X-Key", name = "a" }', "auth.name is not a setting"),
        ("{ header = 7 }", "auth.header must be text"),
        ('"X-Key"', "auth must be a table"),
    ],
)
def test_where_a_key_cannot_be(tmp_path: Path, auth: str, problem: str) -> None:
    told = complaint(tmp_path, f'[contexts.sales]\nprovider = "demo"\nauth = {auth}')
    assert "line 3: contexts.sales." in told
    assert problem in told


def test_settings_that_a_context_does_not_have(tmp_path: Path) -> None:
    assert "line 3: contexts.sales.models is not a setting" in complaint(
        tmp_path, '[contexts.sales]\nprovider = "demo"\nmodels = "fast"'
    )


@pytest.mark.parametrize(
    ("place", "found", "keys"),
    [
        (KeyPlace("x-key"), [("x-key", " k ")], ["k"]),
        (KeyPlace("x-key"), [("other", "k")], []),
        (KeyPlace("x-key"), [("x-key", "a"), ("x-key", "b")], ["a", "b"]),
        (KeyPlace("x-key", prefix="Bearer "), [("x-key", "bearer k")], ["k"]),
        (KeyPlace("x-key", prefix="Bearer "), [("x-key", "k")], []),
        (KeyPlace("x-key", prefix="Bearer "), [("x-key", "Basic k")], []),
        (KeyPlace(query="Key"), [("key", "k")], ["k"]),
        (KeyPlace("x-key", "key"), [("key", "k")], ["k"]),
        (KeyPlace("x-key", "key"), [("key", "a"), ("x-key", "b")], ["a", "b"]),
    ],
)
def test_finding_keys(place: KeyPlace, found: list[tuple[str, str]], keys: list[str]) -> None:
    assert list(place.keys_in(found)) == keys


def test_where_to_put_a_key_in_words() -> None:
    assert str(KeyPlace("x-key")) == "the header x-key, as KEY"
    assert (
        str(KeyPlace("authorization", "key", "Token "))
        == "the header authorization, as Token KEY or the URL's query, as key=KEY"
    )
