"""The JSON that travels beside the contract's typed fields, for this dialect only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from gateway_core.errors import GatewayError, Reason

Json = dict[str, Any]

DIALECT = "openai"
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed) -> Json:
    """This dialect's details, notes included."""
    text = holder.provider_details_json.get(DIALECT)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def set_if_present(body: Json, message: Any, names: Iterable[str]) -> None:
    """Copy optional scalar fields that are set."""
    for name in names:
        if message.HasField(name):
            body[name] = getattr(message, name)


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)
