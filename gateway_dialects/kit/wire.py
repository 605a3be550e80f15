"""What the JSON of every dialect has in common: how it is read and written, and how what the contract does not name travels
beside its typed fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.routing_pb2 import Warning

Json = dict[str, Any]

encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode
decode_object = msgspec.json.Decoder(Json).decode
check_json = msgspec.json.Decoder(msgspec.Raw).decode

CHAT_FORM = "openai"
"""The dialect in whose details clients of OpenAI's form put what they mean for other providers, and read what those say."""
LONGEST_MESSAGE = 2000
SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes. Caught once around a whole request, answer or event:
checking each value before it is read would cost every good one."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed, dialect: str) -> Json:
    """The dialect's details, notes included."""
    text = holder.provider_details_json.get(dialect)
    return decode_object(text) if text else {}


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def set_details(target: Any, details: Json, dialect: str) -> None:
    if details:
        target.provider_details_json[dialect] = encode_json(details).decode()


def unknown_fields(body: Json, known: frozenset[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried, nor is what would pass for a note."""
    return {name: value for name, value in body.items() if name not in known and value is not None and name[:1] != "$"}


def set_if_present(body: Json, message: Any, names: Iterable[str]) -> None:
    """Copy optional scalar fields that are set."""
    for name in names:
        if message.HasField(name):
            body[name] = getattr(message, name)


def raw_json(text: str, field: str) -> msgspec.Raw:
    """The JSON as its sender wrote it, key order and numbers included. Raises GatewayError unless it is exactly one value:
    two would break out of their place in the body."""
    try:
        return check_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise invalid(field, f"{field} is not JSON") from None


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def decode_body(body: bytes, what: str = "the provider's answer") -> Json:
    """The JSON object that a provider answered. Raises GatewayError UPSTREAM_INVALID_RESPONSE for anything else."""
    if not body or body.isspace():
        raise invalid_answer(f"{what} is empty")
    try:
        answer = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_answer(f"{what} is not JSON; it begins with {body[:80]!r}") from None
    if not isinstance(answer, dict):
        raise invalid_answer(f"{what} is a JSON {type(answer).__name__}, not an object")
    return answer


def invalid_answer(message: str) -> GatewayError:
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)


def misshapen(error: Exception) -> GatewayError:
    """For one of SHAPE_ERRORS in what a provider sent."""
    return invalid_answer(f"the provider's answer has another form than is documented: {error}"[:LONGEST_MESSAGE])


def broken_request(error: Exception) -> GatewayError:
    """For one of SHAPE_ERRORS in what a gRPC caller sent: a face writes these fields itself."""
    message = f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
    return invalid("", message)


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


def left_out(field: str, why: str) -> Warning:
    return Warning(field=field, message=f"{field} was left out: {why}")
