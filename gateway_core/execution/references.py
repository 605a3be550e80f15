"""Content that a request only refers to, because one dialect's providers keep it."""

from __future__ import annotations

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Dialect

_decode = msgspec.json.Decoder(dict[str, object]).decode


def refuse_references(request: ChatRequest, dialect: Dialect) -> None:
    """Raises GatewayError UNSUPPORTED, naming the field, for what the providers of another dialect keep."""
    for name, text in request.provider_options_json.items():
        other = DIALECTS.get(name)
        if other is None or other is dialect:
            continue
        for field in other.reference_fields:
            if field in text and is_set(text, field):
                message = (
                    f"{field}: what it refers to is kept by providers of the {other.name} dialect alone, and this target is"
                    " none: send its content"
                )
                raise GatewayError(Reason.UNSUPPORTED, message, field=field)


def is_set(options_json: str, field: str) -> bool:
    """Broken options are told of by the dialect that reads them."""
    try:
        return _decode(options_json).get(field) is not None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
