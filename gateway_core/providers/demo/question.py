"""A chat completions request as the demo's models read it."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gateway_core.providers.demo.moves import words
from gateway_core.providers.demo.script import Unreadable, encode_json

Json = dict[str, Any]
STREAMING_FIELDS = ("stream", "stream_options")


class Named(Struct):
    """A function or custom tool, as it is described, chosen or called."""

    name: str
    parameters: Any = None


class ToolRow(Struct):
    """A tool, a choice of one, or a call of one."""

    type: str = "function"
    id: str | None = None
    function: Named | None = None
    custom: Named | None = None

    @property
    def name(self) -> str:
        """Empty for tools that are neither functions nor custom."""
        named = self.function or self.custom
        return named.name if named else ""


class Turn(Struct):
    """A message."""

    role: str
    content: Any = None
    name: str | None = None
    tool_calls: list[ToolRow] | None = None
    tool_call_id: str | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class Request(Struct):
    """The fields that the demo honours, by their names in the API; others are ignored."""

    model: str
    messages: Annotated[list[Turn], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[ToolRow] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    response_format: Json | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A request with its defaults filled in."""

    model: str
    messages: Sequence[Turn]
    stream: bool
    include_usage: bool
    count: int
    max_tokens: int | None
    stop: Sequence[str]
    logprobs: bool
    top_logprobs: int
    tools: Sequence[ToolRow]
    tool_choice: object
    parallel: bool
    response_format: Json
    digest: str
    """Of all that the answer depends on: the same whether it is streamed or not."""
    asked_before: Callable[[], int]
    """How often this very request came before."""

    def text(self) -> str:
        """What was said last: by the user if the user said anything."""
        said = [turn for turn in self.messages if turn.role == "user"]
        return text_of((said or self.messages)[-1].content)

    def prompt_tokens(self) -> int:
        return sum(len(words(text_of(turn.content))) for turn in self.messages)

    def tool_results(self) -> list[tuple[str, str]]:
        """(tool name, result) of the tool messages that the conversation ends with; empty when it does not."""
        names = {call.id: call.name for turn in self.messages for call in turn.tool_calls or ()}
        results: list[tuple[str, str]] = []
        for turn in reversed(self.messages):
            if turn.role not in ("tool", "function"):
                break
            results.append((names.get(turn.tool_call_id) or turn.name or "the tool", text_of(turn.content)))
        return results[::-1]


def read_question(body: bytes, asked_before: Callable[[], int]) -> Question:
    """Raises Unreadable."""
    try:
        request = msgspec.json.decode(body, type=Request)
        every_field = msgspec.json.decode(body, type=Json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"the request cannot be read: {error}") from None
    lasting = {name: value for name, value in every_field.items() if name not in STREAMING_FIELDS}
    stop = request.stop or []
    return Question(
        model=request.model,
        messages=request.messages,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        count=request.n or 1,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=[stop] if isinstance(stop, str) else stop,
        logprobs=bool(request.logprobs),
        top_logprobs=request.top_logprobs or 0,
        tools=request.tools or [],
        tool_choice=request.tool_choice,
        parallel=request.parallel_tool_calls is not False,
        response_format=request.response_format or {},
        digest=hashlib.sha256(encode_json(lasting)).hexdigest()[:16],
        asked_before=asked_before,
    )


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
