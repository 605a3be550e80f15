"""The JSON that travels beside the contract's typed fields, by dialect. Names that begin with $ are notes of the form that a
client used: they are no fields of the dialect's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_dialects.kit.json_fields import Json, decode_json, json_text


def details_for(dialect: str, details_json: Mapping[str, str]) -> Json:
    """The dialect's details, notes included."""
    text = details_json.get(dialect)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def without_notes(details: Json) -> Json:
    return {name: value for name, value in details.items() if not name.startswith("$")}


def put_details(dialect: str, target: Any, details: Json) -> None:
    """In place of those that the target has."""
    if details:
        target.provider_details_json[dialect] = json_text(details)
    elif dialect in target.provider_details_json:
        del target.provider_details_json[dialect]
