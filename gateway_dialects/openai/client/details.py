"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json

DIALECT = "openai"


def details_of(holder: Detailed) -> Json:
    """This dialect's details, notes included."""
    return wire.details_of(holder, DIALECT)


def set_details(target: Any, details: Json) -> None:
    wire.set_details(target, details, DIALECT)
