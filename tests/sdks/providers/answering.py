"""What the providers of the SDK tests answer, whatever their dialect: like the demo provider, they repeat what was said."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_core.providers.demo.schema import instance_of

REFUSED_MODEL = "too-small"
"""A model for which everything is too long."""
PERSON = {"name": "Ada", "age": 36}


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
    schema: Mapping[str, Any] | None = None
    """Of the answer, where it must be JSON."""


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
    if question.schema is not None and (question.result or not question.tools):
        return Answer(json.dumps(instance(question.schema)))
    if question.result:
        return Answer(f"The tool said: {question.result}")
    if question.tools:
        tool = question.tools[0]
        return Answer(tool=tool["name"], arguments=instance(tool["schema"]))
    return Answer(" ".join([question.text, *question.images]))


def instance(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object of such a schema; where it does not say enough of itself, a person's."""
    made = instance_of(dict(schema))
    return made if isinstance(made, dict) and made else PERSON


def described(mime_type: str, data: str) -> str:
    """An image in base64."""
    return f"[image {mime_type} {len(base64.b64decode(data))} bytes]"


def text_of(parts: object) -> str:
    """Of a string, or of parts that may have text."""
    if isinstance(parts, str):
        return parts
    return "".join(part.get("text", "") for part in parts) if isinstance(parts, list) else ""
