"""This dialect's JSON beside the contract's typed fields.

gateway_core/providers/openai_responses/details.py says what stands where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from http_facade.faces.json_fields import Json, decode_json, json_text

DIALECT = "openai-responses"
CHAT_FORM = "openai"
"""Where other providers tell sources in the form that clients of chat completions read."""
PICTURE = "image_generation_call"
SUMMARY_GAP = "\n\n"
"""Between the summaries of one reasoning item, which the contract holds as one text."""


def details_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details, notes included."""
    text = details_json.get(DIALECT)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def without_notes(details: Json) -> Json:
    return {name: value for name, value in details.items() if not name.startswith("$")}


def set_details(target: Any, details: Json) -> None:
    if details:
        target.provider_details_json[DIALECT] = json_text(details)
