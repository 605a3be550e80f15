"""A chat completions request as the demo's models read it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_core.providers.demo.moves import words
from gateway_core.providers.demo.script import encode_json

Json = dict[str, Any]
STREAMING_FIELDS = ("stream", "stream_options")


class Unreadable(Exception):
    """The request is not one. Its text says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """The fields of a request that the demo honours."""

    model: str
    messages: Sequence[Json]
    stream: bool
    include_usage: bool
    count: int
    max_tokens: int | None
    stop: Sequence[str]
    logprobs: bool
    top_logprobs: int
    tools: Sequence[Json]
    tool_choice: object
    parallel: bool
    response_format: Json
    digest: str
    """Of all that the answer depends on: the same whether it is streamed or not."""
    asked_before: Callable[[], int]
    """How often this very request came before."""

    def text(self) -> str:
        """What was said last: by the user if the user said anything."""
        said = [message for message in self.messages if message.get("role") == "user"]
        return text_of((said or self.messages)[-1].get("content"))

    def prompt_tokens(self) -> int:
        return sum(len(words(text_of(message.get("content")))) for message in self.messages)

    def tool_results(self) -> list[tuple[str, str]]:
        """(tool name, result) of the tool messages that the conversation ends with; empty when it does not."""
        names = {
            call.get("id"): (call.get("function") or call.get("custom") or {}).get("name")
            for message in self.messages
            for call in message.get("tool_calls") or ()
        }
        results: list[tuple[str, str]] = []
        for message in reversed(self.messages):
            if message.get("role") not in ("tool", "function"):
                break
            name = names.get(message.get("tool_call_id")) or message.get("name") or "the tool"
            results.append((name, text_of(message.get("content"))))
        return results[::-1]


def read_question(body: bytes, asked_before: Callable[[], int]) -> Question:
    """Raises Unreadable."""
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    match request:
        case {"model": str(model), "messages": [_, *_] as messages} if all(isinstance(item, dict) for item in messages):
            return question_from(request, model, messages, asked_before)
        case _:
            raise Unreadable("model or messages are missing")


def question_from(request: Json, model: str, messages: Sequence[Json], asked_before: Callable[[], int]) -> Question:
    stop = request.get("stop") or []
    lasting = {name: value for name, value in request.items() if name not in STREAMING_FIELDS}
    return Question(
        model=model,
        messages=messages,
        stream=bool(request.get("stream")),
        include_usage=bool((request.get("stream_options") or {}).get("include_usage")),
        count=integer(request, "n", 1, 128) or 1,
        max_tokens=integer(request, "max_completion_tokens", 1) or integer(request, "max_tokens", 1),
        stop=[stop] if isinstance(stop, str) else stop,
        logprobs=bool(request.get("logprobs")),
        top_logprobs=integer(request, "top_logprobs", 0, 20) or 0,
        tools=request.get("tools") or [],
        tool_choice=request.get("tool_choice"),
        parallel=request.get("parallel_tool_calls") is not False,
        response_format=request.get("response_format") or {},
        digest=hashlib.sha256(encode_json(lasting)).hexdigest()[:16],
        asked_before=asked_before,
    )


def integer(request: Json, name: str, least: int, most: int = 1 << 53) -> int | None:
    value = request.get(name)
    if value is not None and not (isinstance(value, int) and least <= value <= most):
        raise Unreadable(f"{name} is not an integer from {least} to {most}")
    return value


def text_of(content: object) -> str:
    """Content in words, whatever its form; media parts are described."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(part_text(part) for part in content if isinstance(part, dict))


def part_text(part: Mapping[str, Any]) -> str:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return describe("image", url)
        case {"type": "video_url", "video_url": {"url": str(url)}}:
            return describe("video", url)
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(form)}}:
            return f"[audio {form} {size_of(data)} bytes]"
        case {"type": "file", "file": {"file_data": str(url), **rest}}:
            return describe(f"file {name}" if (name := rest.get("filename")) else "file", url)
        case {"type": "file", "file": {"file_id": str(file_id)}}:
            return f"[file {file_id}]"
        case _:
            return f"[{part.get('type', 'part')}]"


def describe(what: str, url: str) -> str:
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:")):
        return f"[{what} {url}]"
    kind = head.removeprefix("data:").partition(";")[0] or "text/plain"
    return f"[{what} {kind} {size_of(data)} bytes]"


def size_of(data: str) -> int:
    try:
        return len(base64.b64decode(data))
    except binascii.Error:
        return len(data)
