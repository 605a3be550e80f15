"""What the dialects still share of the first edition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.json import Json, decode_json, json_text, malformed

CHAT_FORM = "openai"
"""The dialect in whose details clients of OpenAI's form put what they mean for other providers, and read what those say."""
SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes."""


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


without_notes = fields_of


def misshapen(error: Exception) -> GatewayError:
    """For one of SHAPE_ERRORS in what a provider sent."""
    return malformed(f"the provider's answer has another form than is documented: {error}")


def broken_request(error: Exception) -> GatewayError:
    """For one of SHAPE_ERRORS in what a gRPC caller sent: a face writes these fields itself."""
    return invalid(
        "", f"a JSON field of the request (options or details) is broken or has another form than is known: {error}"
    )


def left_out(field: str, why: str) -> Warning:
    return Warning(field=field, message=f"{field} was left out: {why}")


def details_for(dialect: str, details_json: Mapping[str, str]) -> Json:
    """The dialect's details, notes included."""
    text = details_json.get(dialect)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def put_details(dialect: str, target: Any, details: Json) -> None:
    """In place of those that the target has."""
    if details:
        target.provider_details_json[dialect] = json_text(details)
    elif dialect in target.provider_details_json:
        del target.provider_details_json[dialect]
