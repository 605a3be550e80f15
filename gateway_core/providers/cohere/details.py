"""The JSON that travels beside the contract's typed fields, for this dialect, and what OpenAI's clients put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gateway_core.errors import GatewayError, Reason

Json = dict[str, Any]

DIALECT = "cohere"
CHAT_FORM = "openai"
"""Where clients of OpenAI's form find what only Cohere says (citations, the native finish reason), and give it back."""
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode

SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes. Caught once around a whole answer or event."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    text = holder.provider_details_json.get(dialect)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    if details:
        target.provider_details_json[dialect] = encode_json(details).decode()


def unknown_fields(body: Json, known: frozenset[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried, nor is what would pass for a note."""
    return {name: value for name, value in body.items() if name not in known and value is not None and name[:1] != "$"}


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def object_of(text: str, field: str) -> Json:
    """The JSON object that a client wrote as text. Raises GatewayError INVALID_REQUEST for anything else."""
    try:
        value = decode_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise GatewayError(Reason.INVALID_REQUEST, f"{field} is not a JSON object", field=field)
    return value


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


def invalid_answer(message: str) -> GatewayError:
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)
