"""This dialect's JSON beside the contract's typed fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import details_for, put_details, without_notes

DIALECT = "cohere"


def details_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details, notes included."""
    return details_for(DIALECT, details_json)


def fields_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details without its notes."""
    return without_notes(details_of(details_json))


def set_details(target: Any, details: Json) -> None:
    put_details(DIALECT, target, details)
