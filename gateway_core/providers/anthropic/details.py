"""The JSON that travels beside the contract's typed fields, for this dialect, and what OpenAI's clients put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from dragoman.v1.routing_pb2 import Warning
from gateway_core.errors import GatewayError, Reason

Json = dict[str, Any]

DIALECT = "anthropic"
CHAT_FORM = "openai"
"""Where clients of OpenAI's form put what they mean for Anthropic: cache_control (as OpenRouter takes it), thinking_blocks
(LiteLLM), reasoning_details (OpenRouter)."""
encode_json = msgspec.json.Encoder().encode
decode_json = msgspec.json.Decoder().decode

SHAPE_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading JSON of another shape than the documented one provokes. Caught once around a whole request, answer or event:
checking each value before it is read would cost every good one."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> Mapping[str, str]: ...


def details_of(holder: Detailed, dialect: str = DIALECT) -> Json:
    """The dialect's details, notes included."""
    text = holder.provider_details_json.get(dialect)
    if not text:
        return {}
    details: Json = decode_json(text)
    return details


def fields_of(details: Json) -> Json:
    """The details that are fields of the dialect's JSON, without the notes."""
    return {name: value for name, value in details.items() if not name.startswith("$")}


def block_fields(holder: Detailed) -> Json:
    """What goes onto a block as it is: this dialect's fields, and cache_control from wherever a client put it."""
    if not holder.provider_details_json:
        return {}
    fields = fields_of(details_of(holder))
    if "cache_control" not in fields and (found := chat_cache_control(holder)):
        fields["cache_control"] = found
    return fields


def chat_cache_control(holder: Detailed) -> Json | None:
    """cache_control of a client of OpenAI's form: beside the content, or inside a tool's function."""
    details = details_of(holder, CHAT_FORM)
    function = details.get("function")
    found = details.get("cache_control") or (isinstance(function, dict) and function.get("cache_control"))
    return found if isinstance(found, dict) else None


def set_details(target: Any, details: Json, dialect: str = DIALECT) -> None:
    if details:
        target.provider_details_json[dialect] = encode_json(details).decode()


def unsupported(field: str, message: str) -> GatewayError:
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


def left_out(field: str, why: str) -> Warning:
    return Warning(field=field, message=f"{field} was left out: {why}")
