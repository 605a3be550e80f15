"""How many of the product's modules one chat enters: what a reader must open to follow it from the URL to the provider."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gateway_cli.core import local_core
from gateway_core.settings.settings import load
from http_facade.app import create_app
from tests.recordings import ROOT as TESTS
from tests.upstream import Reply, event_stream, json_reply, running_upstream

ROOT = TESTS.parent
PRODUCT = tuple(
    str(ROOT / name) for name in ("gateway_core", "gateway_dialects", "http_facade", "gateway_cli", "protos/dragoman")
)
MOST_ENTERED = {False: 51, True: 58}
"""By whether the answer is streamed. Four of them are the HTTP client, which was a library once."""
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def posted(path: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[], Awaitable[dict[str, Any]]]]:
    """An ASGI scope and its receive."""
    content = json.dumps(body).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))],
    }
    messages = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    return scope, receive


async def entered_by(url: str, path: str, body: Mapping[str, Any]) -> tuple[bytes, set[str]]:
    """The answer, and the modules that it entered. What happens once happens in a first request, which is not watched."""
    sent: list[bytes] = []
    entered: set[str] = set()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    def watch(frame: FrameType, event: str, argument: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(PRODUCT) and "_pb2" not in file:
            entered.add(str(Path(file).relative_to(ROOT)))

    environ = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_API_URL": url}
    async with local_core(load(None, environ)) as core:
        app = create_app(core.stub)
        for watching in (False, True):
            scope, receive = posted(path, body)
            sent.clear()
            sys.setprofile(watch if watching else None)
            try:
                await app(scope, receive, send)
            finally:
                sys.setprofile(None)
    return b"".join(sent), entered


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_openai_chat_to_anthropic_enters_few_modules(stream: bool) -> None:
    def answer(_: object) -> Reply:
        return event_stream(*EVENTS) if stream else json_reply(ANSWER)

    body = {"model": "anthropic/claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    with running_upstream(answer) as upstream:
        written, entered = asyncio.run(entered_by(upstream.url, "/v1/chat/completions", body))
    assert b"Hello." in written
    assert len(entered) <= MOST_ENTERED[stream], "\n".join(sorted(entered))


EVENTS = (
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)
