"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gateway_core.errors import GatewayError, Reason, invalid

Json = dict[str, Any]

DIALECT = "gemini"
COMPATIBLE = "openai"
"""The dialect in whose details Google's own OpenAI-compatible API puts what only Gemini needs (extra_content.google)."""
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode
decode_object = msgspec.json.Decoder(Json).decode
check_json = msgspec.json.Decoder(msgspec.Raw).decode

SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes. Caught once around a whole request, answer or event:
checking each value before it is read would cost every good one."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """A dialect's details, notes included."""
    text = holder.provider_details_json.get(dialect)
    if not text:
        return {}
    return decode_object(text)


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    if details:
        target.provider_details_json[dialect] = encode_json(details).decode()


def unknown_fields(body: Json, known: frozenset[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried."""
    return {name: value for name, value in body.items() if name not in known and value is not None}


def raw_json(text: str, field: str) -> msgspec.Raw:
    """The JSON as its sender wrote it, key order and numbers included. Raises GatewayError unless it is exactly one value:
    two would break out of their place in the body."""
    try:
        return check_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise invalid(field, f"{field} is not JSON") from None


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)
