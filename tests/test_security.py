"""SECURITY.md and docs/security.md promise what is tested, and name the defaults that are there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway_core.settings.server import ServerSettings
from gateway_core.settings.settings import Settings

ROOT = Path(__file__).parents[1]
PROMISES = (ROOT / "SECURITY.md").read_text()
LIMITS = (ROOT / "docs" / "security.md").read_text()
OF_MACHINES = {"http", "grpc", "http_tls", "grpc_tls"}
"""Where the server listens: no bound."""


def rows(text: str) -> Iterator[tuple[str, str]]:
    """(name, default) of each row."""
    yield from re.findall(r"^\| `([\w.]+)` \| (\S+) \|", text, re.MULTILINE)


SETTINGS, FIXED = (list(rows(part)) for part in LIMITS.split("## Fixed"))


def written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case float():
            return f"{value:g}"
    return str(value)


@pytest.mark.parametrize(("name", "default"), SETTINGS)
def test_a_setting_has_the_default_that_is_documented(name: str, default: str) -> None:
    value: Any = Settings()
    for part in name.split("."):
        value = getattr(value, part)
    assert default == written(value)


@pytest.mark.parametrize(("name", "value"), FIXED)
def test_a_bound_is_the_one_that_is_documented(name: str, value: str) -> None:
    module, *attributes = split(name)
    found: Any = importlib.import_module(module)
    for attribute in attributes:
        found = getattr(found() if isinstance(found, type) else found, attribute)
    assert value == str(found)


def split(name: str) -> list[str]:
    parts = name.split(".")
    first = next(index for index, part in enumerate(parts) if not part.islower())
    return [".".join(parts[:first]), *parts[first:]]


def test_every_bound_of_the_server_is_documented() -> None:
    documented = {name.removeprefix("server.") for name, _ in SETTINGS}
    assert set(ServerSettings.__dataclass_fields__) - OF_MACHINES <= documented


def promises() -> list[str]:
    return [line for line in PROMISES.splitlines() if line.startswith("| ") and "tests |" not in line]


def test_there_are_promises() -> None:
    assert len(promises()) > 20


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise[2:50])
def test_a_promise_names_its_tests(promise: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", promise)
    assert named
    for path in named:
        assert "def test_" in (ROOT / path).read_text(), path
