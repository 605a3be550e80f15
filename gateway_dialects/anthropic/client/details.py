"""The JSON that travels beside the contract's typed fields, for this dialect, and what OpenAI's clients put there."""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of

DIALECT = "anthropic"


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    return wire.details_of(holder, dialect)


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    wire.set_details(target, details, dialect)


def block_fields(holder: Detailed) -> Json:
    """What goes onto a block as it is: this dialect's fields, and cache_control from wherever a client put it."""
    if not holder.provider_details_json:
        return {}
    fields = fields_of(details_of(holder))
    if "cache_control" not in fields and (found := chat_cache_control(holder)):
        fields["cache_control"] = found
    return fields


def chat_cache_control(holder: Detailed) -> Json | None:
    """cache_control of a client of OpenAI's form: beside the content, or inside a tool's function."""
    details = details_of(holder, CHAT_FORM)
    function = details.get("function")
    found = details.get("cache_control") or (isinstance(function, dict) and function.get("cache_control"))
    return found if isinstance(found, dict) else None
