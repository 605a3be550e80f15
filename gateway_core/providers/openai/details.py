"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from gateway_core.errors import GatewayError, Reason, invalid

Json = dict[str, Any]

DIALECT = "openai"
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode
decode_object = msgspec.json.Decoder(Json).decode
check_json = msgspec.json.Decoder(msgspec.Raw).decode

SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes. Caught once around a whole answer or event: checking
each value before it is read would cost every good answer."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed) -> Json:
    """This dialect's details, notes included."""
    text = holder.provider_details_json.get(DIALECT)
    if not text:
        return {}
    return decode_object(text)


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def raw_json(text: str, field: str) -> msgspec.Raw:
    """The JSON as its sender wrote it, key order and numbers included. Raises GatewayError unless it is exactly one value:
    two would break out of their place in the body."""
    try:
        return check_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise invalid(field, f"{field} is not JSON") from None


def set_if_present(body: Json, message: Any, names: Iterable[str]) -> None:
    """Copy optional scalar fields that are set."""
    for name in names:
        if message.HasField(name):
            body[name] = getattr(message, name)


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)
