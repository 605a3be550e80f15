"""This dialect's JSON beside the contract's typed fields.

gateway_dialects/openai_responses/words.py says what stands where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import details_for, put_details

DIALECT = "openai-responses"
CHAT_FORM = "openai"
"""Where other providers tell sources in the form that clients of chat completions read."""
PICTURE = "image_generation_call"
SUMMARY_GAP = "\n\n"
"""Between the summaries of one reasoning item, which the contract holds as one text."""


def details_of(details_json: Mapping[str, str]) -> Json:
    """This dialect's details, notes included."""
    return details_for(DIALECT, details_json)


def set_details(target: Any, details: Json) -> None:
    put_details(DIALECT, target, details)
