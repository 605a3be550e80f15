"""Requests and answers that several tests are about."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import ParseDict

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.completions.parse_request import ParsedTexts, parse_texts


def asked(prompt: Any = "Once", **fields: Any) -> ParsedTexts:
    return parse_texts(json.dumps({"model": "m", "prompt": prompt, **fields}).encode())


def answer(*texts: str, tokens: int = 1, **fields: Any) -> ChatResponse:
    """With a candidate for each text."""
    candidates = [
        {"index": index, "parts": [{"text": text}], "finishReason": "FINISH_REASON_STOP", "rawFinishReason": "end_turn"}
        for index, text in enumerate(texts)
    ]
    usage = {"inputTokens": tokens, "outputTokens": tokens, "totalTokens": 2 * tokens}
    return ParseDict({"id": "a-1", "model": "m", "candidates": candidates, "usage": usage, **fields}, ChatResponse())


def batch(*events: dict[str, Any]) -> StreamResponse:
    return ParseDict({"events": list(events)}, StreamResponse())


def stream_of(*texts: str, tokens: int = 1, name: str = "a-1") -> StreamResponse:
    """A whole stream with a candidate for each text."""
    usage = {"inputTokens": tokens, "outputTokens": tokens, "totalTokens": 2 * tokens}
    endings = [{"index": index, "finishReason": "FINISH_REASON_LENGTH"} for index in range(len(texts))]
    spoken = [
        event
        for index, text in enumerate(texts)
        for event in (
            {"partStarted": {"candidateIndex": index, "part": {"text": ""}}},
            {"partDelta": {"candidateIndex": index, "text": text}},
            {"partFinished": {"candidateIndex": index}},
        )
    ]
    started = {"started": {"id": name, "model": "m"}}
    return batch(started, *spoken, {"finished": {"candidates": endings, "usage": usage}})
