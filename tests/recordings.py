"""Exchanges to test with: the project's own fixtures, always, and recorded provider traffic, where it is at hand.

Both are JSON files of one form: {"request": {"path", "body"}, "response": {"status", "headers", "body" | "stream"}}.
DRAGOMAN_RECORDINGS names the folder of recordings; default ../shared/recordings beside the project.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
FIXTURES = ROOT / "fixtures"
RECORDINGS = Path(os.environ.get("DRAGOMAN_RECORDINGS", ROOT.parent.parent / "shared" / "recordings"))
CHAT_PATH = "/chat/completions"


@dataclass(frozen=True)
class Exchange:
    """One request to a provider and its answer."""

    name: str
    """vendor/case."""
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def vendor(self) -> str:
        return self.name.partition("/")[0]

    @property
    def is_fixture(self) -> bool:
        return self.vendor.startswith("fixtures-")

    @property
    def body(self) -> Any:
        return self.response.get("body")

    @property
    def stream(self) -> bytes:
        text: str = self.response["stream"]
        return text.encode()


def exchanges(path: str = CHAT_PATH) -> list[Exchange]:
    """All exchanges with an endpoint, fixtures first."""
    return [found for found in read_all() if path in found.request["path"]]


@cache
def read_all() -> tuple[Exchange, ...]:
    """Every exchange there is, fixtures first. Tests share them and change none."""
    found = []
    for folder, prefix in ((FIXTURES, "fixtures-"), (RECORDINGS, "")):
        for file in sorted(folder.glob("*/*.json")):
            content = json.loads(file.read_text())
            found.append(Exchange(f"{prefix}{file.parent.name}/{file.stem}", content["request"], content["response"]))
    return tuple(found)


def recordings_absent() -> str:
    """Why only fixtures are tested; empty where the recordings are there."""
    is_there = any(not exchange.is_fixture for exchange in read_all())
    return "" if is_there else f"no recorded traffic at {RECORDINGS} (set DRAGOMAN_RECORDINGS)"
