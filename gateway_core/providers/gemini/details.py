"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gateway_core.errors import GatewayError, Reason

Json = dict[str, Any]

DIALECT = "gemini"
COMPATIBLE = "openai"
"""The dialect in whose details Google's own OpenAI-compatible API puts what only Gemini needs (extra_content.google)."""
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode


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
    """Fields the contract does not name; null says nothing and is not carried."""
    return {name: value for name, value in body.items() if name not in known and value is not None}


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)
