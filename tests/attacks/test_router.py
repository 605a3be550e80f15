"""Paths that a client makes long: finding what serves them takes work in proportion to their length."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import pytest

from http_facade.admission import Admission
from http_facade.apis import APIS
from http_facade.core import Core, Limits
from http_facade.exchange import Exchange
from http_facade.router import PARAMETER, Router
from tests.attacks.work import growth

PATHS = sorted({path for api in APIS for path in api.paths()})
PIECES = ["/", ":", "a:", "/a", "/v1", "/v1beta", "/sales", ":generateContent", "/chat/completions", "%2F", ".", "/proxy"]


@pytest.mark.parametrize("path", [path for path in PATHS if ":path}" in path])
def test_a_pattern_cannot_try_a_text_twice(path: str) -> None:
    """An expression tries each end of the one parameter that takes any text. What follows stops at the next such end: it
    begins with a character that no later parameter takes."""
    (place,) = [found for found in PARAMETER.finditer(path) if found[2] == "path"]
    behind = path[place.end() :]
    for found in PARAMETER.finditer(behind):
        assert found[2] is not None
        assert re.fullmatch(rf"(?:\[\^[^\]]*{re.escape(behind[0])}[^\]]*\]\+|[\w|]+)", found[2])
        assert behind[0] not in found[2].replace(f"[^/{behind[0]}]", "")


@pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "/v1beta/models/x", "/sales/v1/models/x", "/openai/deployments/x"])
def test_a_long_path(start: str, piece: str, method: str) -> None:
    core = Core(cast("Any", None), Limits())
    router = Router(core, Admission(core), None, APIS)

    def finding(size: int) -> Callable[[], object]:
        path = start + piece * size
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
        exchange = Exchange(scope, cast("Any", None), cast("Any", None), APIS[0], 100)
        return lambda: router.find(exchange)

    assert growth(finding) == []
