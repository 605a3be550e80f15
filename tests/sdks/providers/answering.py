"""What the providers of the SDK tests answer, whatever their dialect: like the demo provider, they repeat what was said."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REFUSED_MODEL = "too-small"
"""A model for which everything is too long."""
PERSON = {"name": "Ada", "age": 36}
CITY = {"city": "Paris"}


@dataclass(frozen=True)
class Question:
    """A request, in no dialect."""

    model: str
    text: str = ""
    """The last thing that the user said."""
    images: Sequence[str] = ()
    """Their descriptions."""
    result: str = ""
    """Of the tool that was called last; empty where the user spoke last."""
    tools: Sequence[Mapping[str, Any]] = ()
    """{name, schema}; only the one that must be called, where one must."""
    structured: bool = False


@dataclass(frozen=True)
class Answer:
    """Text, or the call of a tool."""

    text: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] = ()  # type: ignore[assignment]

    @property
    def words(self) -> Sequence[str]:
        return re.findall(r"\S+\s*", self.text)


def answer(question: Question) -> Answer:
    if question.result:
        return Answer(f"The tool said: {question.result}")
    if question.tools:
        tool = question.tools[0]
        return Answer(tool=tool["name"], arguments=PERSON if "name" in tool["schema"].get("properties", {}) else CITY)
    if question.structured:
        return Answer(json.dumps(PERSON))
    return Answer(" ".join([question.text, *question.images]))


def described(mime_type: str, data: str) -> str:
    """An image in base64."""
    return f"[image {mime_type} {len(base64.b64decode(data))} bytes]"


def text_of(parts: object) -> str:
    """Of a string, or of parts that may have text."""
    if isinstance(parts, str):
        return parts
    return "".join(part.get("text", "") for part in parts) if isinstance(parts, list) else ""
