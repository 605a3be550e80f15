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

from dragoman.v1.routing_pb2 import Warning
from gateway_core.errors import GatewayError, Reason
from gateway_core.providers.openai.details import Detailed, Json, decode_object, encode_json

DIALECT = "openai-responses"
CHAT_FORM = "openai"
"""Where clients of OpenAI's chat completions put what the contract does not name."""
REASONING_FORMAT = "openai-responses-v1"
"""OpenRouter's name for reasoning that this API gave (https://openrouter.ai/docs, reasoning tokens)."""
PICTURE = "image_generation_call"
SUMMARY_GAP = "\n\n"
"""Between the summaries of one reasoning item, which the contract holds as one text."""


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """The dialect's details, notes included."""
    text = holder.provider_details_json.get(dialect)
    return decode_object(text) if text else {}


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    if details:
        target.provider_details_json[dialect] = encode_json(details).decode()


def unknown_fields(body: Json, known: frozenset[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried."""
    return {name: value for name, value in body.items() if name not in known and value is not None}


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


def left_out(field: str, why: str) -> Warning:
    return Warning(field=field, message=f"{field} was left out: {why}")
