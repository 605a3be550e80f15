"""What a check has at hand: the gateway's address, a key, models, and the document's program."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

Names = dict[str, Any]
"""Of a program that has run."""
SHOWN_URL, SHOWN_KEY = "http://127.0.0.1:8080", "YOUR-DRAGOMAN-KEY"
SHOWN_MODELS = {"demo/echo": "chat", "demo/tools": "tools"}
"""What the document's programs hold in place of the real ones."""
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = "[image image/png 70 bytes]"
"""How the models of the tests describe it."""
WEATHER = "18 degrees, light rain"
"""What the tool of the checks returns."""
PROMPT = "Hello, Dragoman!"
BEGINS = [{"text": "Hello"}]
BREAKS = [{"text": "Hello "}, {"error": {"status": 500, "message": "broken on purpose"}}]
"""What the scripted model does, instead of what the document's programs say."""
TASK_HEADER = "x-inference-task-id"


class Printed(io.TextIOBase):
    """Takes what programs print, in pieces, while it is entered."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def __enter__(self) -> Self:
        self._redirection = contextlib.redirect_stdout(self)
        self._redirection.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._redirection.__exit__(*error)

    def write(self, text: str) -> int:
        if text:
            self.pieces.append(text)
        return len(text)

    @contextlib.contextmanager
    def caught(self) -> Iterator[list[str]]:
        """What is printed meanwhile."""
        self.pieces = []
        yield self.pieces


class World:
    def __init__(
        self, url: str, key: str, models: Mapping[str, str], blocks: Sequence[str], task: str, printed: Printed
    ) -> None:
        self.url = url
        self.key = key
        self.models = models
        self.task = task
        """An id that no other check sends."""
        self.prompt = PROMPT
        """What the document's programs say; the models repeat it."""
        self.blocks = blocks
        self._printed = printed

    def built(self, model: str = "", key: str = "") -> Names:
        """The names of the document's first program, which has built a client and asked once."""
        names: Names = {"__name__": "snippet"}
        exec(compile(self._text(0, model, key), "docs/clients.md", "exec"), names)
        return names

    def shown(self, block: int) -> str:
        with self._printed.caught() as pieces:
            self.built()
        return "".join(pieces)

    def streamed(self, model: str = "", *scripts: object) -> list[str]:
        """What the document's second program prints, which goes on where the first ended. With scripts they say these."""
        first, second = (self._text(block, model, "") for block in (0, 1))
        if scripts:
            first, second = (with_prompt(text, script) for text, script in zip((first, second), scripts, strict=True))
        names: Names = {"__name__": "snippet"}
        exec(compile(first, "docs/clients.md", "exec"), names)
        with self._printed.caught() as pieces:
            exec(compile(second, "docs/clients.md", "exec"), names)
        return [piece for piece in pieces if piece.strip()]

    def _text(self, block: int, model: str, key: str) -> str:
        text = self.blocks[block].replace(SHOWN_URL, self.url).replace(SHOWN_KEY, key or self.key)
        for shown, kind in SHOWN_MODELS.items():
            text = text.replace(shown, model or self.models[kind])
        return text


def with_prompt(text: str, script: object) -> str:
    assert f'"{PROMPT}"' in text, text
    return text.replace(f'"{PROMPT}"', json.dumps(json.dumps(script)))


def has_result(text: object) -> None:
    """Whether a model's last words quote the tool's result."""
    assert WEATHER in str(text), text


def is_person(name: object, age: object) -> None:
    assert isinstance(name, str), name
    assert name, "no name"
    assert isinstance(age, int), age
