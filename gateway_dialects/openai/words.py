"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from typing import Any

from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json

DIALECT = "openai"


def details_of(holder: Detailed) -> Json:
    """This dialect's details, notes included."""
    return wire.details_of(holder, DIALECT)


def set_details(target: Any, details: Json) -> None:
    wire.set_details(target, details, DIALECT)


Efforts = tuple[tuple[str, tuple[str, ...]], ...]
"""See Quirks.efforts."""

SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All words, from the least. What is not among them is a provider's own word and is sent as it is."""
THREE = ("low", "medium", "high")
THREE_AND_NONE = ("none", *THREE)
ON_OR_OFF = ("none", "high")
OPENAI_EFFORTS: Efforts = (
    ("o1", THREE),
    ("o3", THREE),
    ("o4", THREE),
    ("gpt-5-pro", ("high",)),
    ("gpt-5.1-codex-max", ("none", *THREE, "xhigh")),
    ("gpt-5.1", THREE_AND_NONE),
    ("gpt-5.", ()),
    ("gpt-5", ("minimal", *THREE)),
)
"""What is said of the models that came later differs from one to the next: they get the client's word."""


def known_effort(effort: str, model: str, efforts: Efforts, warnings: list[Warning]) -> str:
    """The effort, or the nearest one that the model takes, the lower of two as near. Whoever asks for some reasoning gets
    some."""
    words = next((words for prefix, words in efforts if model.startswith(prefix)), ())
    if not words or effort in words or effort not in SCALE:
        return effort
    nearest = min((word for word in words if word != "none"), key=lambda word: distance(word, effort))
    message = f"reasoning.effort {effort} is not known to this model; {nearest} was sent"
    warnings.append(Warning(field="reasoning.effort", message=message))
    return nearest


def distance(word: str, other: str) -> int:
    return abs(SCALE.index(word) - SCALE.index(other))
