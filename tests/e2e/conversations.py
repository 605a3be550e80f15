"""What the tests say to models, and what a provider of OpenAI's API answers on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openai.types.chat import ChatCompletionMessageParam

from tests.upstream import Reply, Step, event_stream, json_reply

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
DONE = b"data: [DONE]\n\n"


def said(text: str) -> list[ChatCompletionMessageParam]:
    """A conversation of one user message."""
    return [{"role": "user", "content": text}]


def completion(text: str, **fields: object) -> Reply:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "real-model-2026"}
    return json_reply({**head, "choices": [choice], "usage": USAGE, **fields})


def refused(status: int, message: str, headers: dict[str, str] | None = None, **fields: str) -> Reply:
    """An error as OpenAI's API writes it."""
    error = {"message": message, "type": "provider_error_type", "param": None, "code": None, **fields}
    return json_reply({"error": error}, status, headers)


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "real-model-2026"}
    return {**head, "choices": [choice]}


def word(text: str) -> dict[str, Any]:
    return chunk({"role": "assistant", "content": text})


ENDING: Sequence[dict[str, Any] | Step] = (chunk({}, "stop"), {**chunk({}), "choices": [], "usage": USAGE}, DONE)


def streamed(*steps: dict[str, Any] | Step) -> Reply:
    """A stream that says these and then ends well."""
    return event_stream(*steps, *ENDING)
