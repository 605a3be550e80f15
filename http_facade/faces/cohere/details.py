"""This dialect's JSON beside the contract's typed fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from http_facade.faces.json_fields import Json, decode_json, json_text

DIALECT = "cohere"


def details_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details, notes included."""
    text = details_json.get(DIALECT)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def fields_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details without its notes."""
    return {name: value for name, value in details_of(details_json).items() if not name.startswith("$")}


def set_details(target: Any, details: Json) -> None:
    if details:
        target.provider_details_json[DIALECT] = json_text(details)
