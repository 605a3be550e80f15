"""Answers as Gemini writes them, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.stream_pb2 import StreamEvent, StreamResponse
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.kit.dialect import ServerSentEvent


def candidate(*parts: dict[str, Any] | str, finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"role": "model", "parts": [as_part(part) for part in parts]}, **fields}
    return {**found, "finishReason": finish} if finish else found


def as_part(part: dict[str, Any] | str) -> dict[str, Any]:
    return {"text": part} if isinstance(part, str) else part


def answer(*parts: dict[str, Any] | str, finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """An answer, or a chunk of one, with one candidate; fields are the answer's own."""
    return {"candidates": [candidate(*parts, finish=finish)], **fields}


def decoded(body: Any) -> ChatResponse:
    return GEMINI.chat.decode(json.dumps(body).encode(), "p")


def streamed(*chunks: Any) -> list[StreamEvent]:
    """All events of a whole stream."""
    decoder, batch = GEMINI.stream.decoder(), StreamResponse()
    for chunk in chunks:
        decoder.feed(ServerSentEvent(json.dumps(chunk).encode()), batch)
    decoder.finish(batch)
    return list(batch.events)


def failure(body: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        decoded(body)
    return caught.value
