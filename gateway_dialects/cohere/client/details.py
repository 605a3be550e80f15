"""The JSON that travels beside the contract's typed fields, for this dialect, and what OpenAI's clients put there."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json, decode_json

DIALECT = "cohere"


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    return wire.details_of(holder, dialect)


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    wire.set_details(target, details, dialect)


def object_of(text: str, field: str) -> Json:
    """The JSON object that a client wrote as text. Raises GatewayError INVALID_REQUEST for anything else."""
    try:
        value = decode_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise GatewayError(Reason.INVALID_REQUEST, f"{field} is not a JSON object", field=field)
    return value
