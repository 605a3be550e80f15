"""The JSON that travels beside the contract's typed fields, for this dialect.

What stands there, beside fields that the contract does not name:
- on a text or refusal part of the assistant: item, the fields of the message item that begins with this part (id, status,
  phase). A part without it continues the item before.
- on a reasoning part, a tool call or a picture: the fields of its item (id, status ...).
- on a message of any other role, and of a tool: the fields of its item.
Notes: $content (string or list), $type (whether the item names its type), $summary (the lengths of a reasoning's summaries).
"""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Json

DIALECT = "openai-responses"
REASONING_FORMAT = "openai-responses-v1"
"""OpenRouter's name for reasoning that this API gave (https://openrouter.ai/docs, reasoning tokens)."""
PICTURE = "image_generation_call"
SUMMARY_GAP = "\n\n"
"""Between the summaries of one reasoning item, which the contract holds as one text."""


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    return wire.details_of(holder, dialect)


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    wire.set_details(target, details, dialect)
