"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json

DIALECT = "gemini"
COMPATIBLE = "openai"
"""The dialect in whose details Google's own OpenAI-compatible API puts what only Gemini needs (extra_content.google)."""


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    return wire.details_of(holder, dialect)


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    wire.set_details(target, details, dialect)
