"""Whole answers of Mistral's chat completions API. They are of OpenAI's form, and their details are kept under its name, so
that its face shows them; what differs is the content, which may be a list of thinking, text and references.

Source: https://docs.mistral.ai/api (chat completions) and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.content_pb2 import Part
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_body, unknown_fields
from gateway_dialects.kit.legacy import SHAPE_ERRORS, misshapen
from gateway_dialects.mistral.client.details import DIALECT
from gateway_dialects.openai.decode_response import decode_answer, is_text


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body)
    try:
        for choice in answer.get("choices") or ():
            message = choice.get("message")
            if isinstance(message, dict) and isinstance(content := message.get("content"), list):
                message["content"] = [piece for item in content for piece in pieces_of(item)]
        response = decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error
    for candidate in response.candidates:
        claim(candidate.parts)
    include_all(response.usage)
    return response


def claim(parts: Iterable[Part]) -> None:
    """Say of reasoning whose it is: what it is sealed with goes back to Mistral alone."""
    for part in parts:
        if part.HasField("reasoning"):
            part.reasoning.provider = DIALECT


def pieces_of(item: Any) -> Iterator[Any]:
    """A thinking chunk may hold references among its text: each run of text is a chunk of its own, and so is the rest."""
    inner = item.get("thinking") if isinstance(item, dict) and item.get("type") == "thinking" else None
    if not isinstance(inner, list) or all(map(is_text, inner)):
        yield item
        return
    said = dict(item)
    for is_plain, run in groupby(inner, is_text):
        for chunks in [list(run)] if is_plain else [[chunk] for chunk in run]:
            yield {**said, "thinking": chunks}
            # What it says of the whole it says once.
            said = {"type": "thinking"}


def include_all(usage: Usage) -> None:
    """The tokens of sound are in the total and not among prompt_tokens."""
    if usage.input_audio_tokens and usage.total_tokens > usage.input_tokens + usage.output_tokens:
        usage.input_tokens = usage.total_tokens - usage.output_tokens


def fields_beside(item: Json) -> Json:
    """What a thinking chunk says beside its text and its seal: closed."""
    return unknown_fields(item, frozenset({"type", "thinking", "signature"}))
