"""Cohere's chat API: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import copy
import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.models.table import ModelTable
from gateway_dialects.cohere import CLIENT
from gateway_dialects.cohere.parse_request import parse_chat
from gateway_dialects.cohere.render_response import render_chat
from gateway_dialects.cohere.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.language import Language, Least
from tests.laws.languages.openai import without_nulls
from tests.recordings import Exchange

ENDPOINT = Endpoint("p", "cohere", "http://upstream", capabilities_of=ModelTable("p", "cohere"))
STREAM_FLAGS = ("stream", "model")


def is_own(exchange: Exchange) -> bool:
    return "/v2/chat" in exchange.request["path"] and "cohere" in exchange.name


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_chat(json.dumps(exchange.request["body"]).encode())
    return parsed.chat, parsed.stream


def canonical_request(body: dict[str, Any]) -> Any:
    """Without the model and the stream flag; tools are functions, and not strict, unless said."""
    plain = copy.deepcopy({name: value for name, value in body.items() if name not in STREAM_FLAGS})
    for tool in plain.get("tools", []):
        tool.setdefault("type", "function")
    if plain.get("strict_tools") is False:
        del plain["strict_tools"]
    return without_nulls(plain)


def canonical_answer(body: dict[str, Any]) -> Any:
    """A tool that takes nothing is called with {}, also where Cohere writes null or nothing."""
    plain = without_nulls(copy.deepcopy(body))
    for call in plain["message"].get("tool_calls", []):
        if call["function"].get("arguments") in (None, "", "null"):
            call["function"]["arguments"] = "{}"
    if plain["message"].get("tool_plan") == "":
        del plain["message"]["tool_plan"]
    return plain


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """Fails where the event line and the data's type differ."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.splitlines() if line)
        if "data" in lines and lines["data"].strip() != "[DONE]":
            data = json.loads(lines["data"])
            assert lines["event"].strip() == data["type"]
            found.append(data)
    return found


def fold_stream(stream: bytes) -> dict[str, Any]:
    """A stream as one answer. Fails where a block or a call grows before it begins or after it ends."""
    answer: dict[str, Any] = {}
    message: dict[str, Any] = {"role": "assistant"}
    content: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[str, Any]] = {}
    open_ones: set[tuple[str, int]] = set()
    for event in events_of(stream):
        assert "finish_reason" not in answer
        kind, _, step = event["type"].rpartition("-")
        delta = event.get("delta", {})
        told = delta.get("message", {})
        if event["type"] == "message-start":
            answer["id"] = event["id"]
        elif event["type"] == "message-end":
            assert not open_ones
            answer.update(delta)
        elif event["type"] == "tool-plan-delta":
            message["tool_plan"] = message.get("tool_plan", "") + told["tool_plan"]
        elif event["type"] == "citation-start":
            message.setdefault("citations", []).append(told["citations"])
        elif step == "start":
            open_ones.add((kind, event["index"]))
            first = told["content"] if kind == "content" else told["tool_calls"]
            (content if kind == "content" else calls)[event["index"]] = first
        elif event["type"] == "content-delta":
            assert ("content", event["index"]) in open_ones
            grow(content[event["index"]], told["content"])
            if logprobs := event.get("logprobs"):
                answer.setdefault("logprobs", []).append(logprobs)
        elif event["type"] == "tool-call-delta":
            assert ("tool-call", event["index"]) in open_ones
            grow(calls[event["index"]]["function"], told["tool_calls"]["function"])
        elif event["type"] in ("content-end", "tool-call-end"):
            open_ones.remove((kind, event["index"]))
    assert "finish_reason" in answer
    assert list(content) == sorted(content) == list(range(len(content)))
    assert list(calls) == sorted(calls) == list(range(len(calls)))
    if content:
        message["content"] = list(content.values())
    if calls:
        message["tool_calls"] = list(calls.values())
    return {**answer, "message": {**message, **answer.get("message", {})}}


def grow(into: dict[str, Any], piece: dict[str, Any]) -> None:
    for name, value in piece.items():
        into[name] = into.get(name, "") + value if isinstance(value, str) else value


def deltas(stream: bytes) -> list[Any]:
    """Every piece that is shown live, in the order it came; the fold shows what the pieces make. A tool's arguments that may
    be null, and blocks of the future, are kept until they are whole."""
    found: list[Any] = []
    for event in events_of(stream):
        message = event.get("delta", {}).get("message", {})
        if event["type"] in ("content-start", "content-delta"):
            pieces = {name: message["content"][name] for name in ("text", "thinking") if message["content"].get(name)}
            found += [(event["index"], pieces, event.get("logprobs"))] if pieces else []
        elif event["type"] == "tool-call-start":
            found.append((event["index"], message["tool_calls"]["id"], message["tool_calls"]["function"]["name"]))
        elif event["type"] in ("tool-plan-delta", "citation-start", "citation-end"):
            found.append(event)
    return found


def end_of_content(stream: bytes) -> int:
    """Where the event ends that has the finish reason."""
    return stream.index(b"\n\n", stream.index(b"event: message-end"))


def render(answer: ChatResponse) -> bytes:
    return render_chat(answer, "fallback")


COHERE = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=lambda exchange: ENDPOINT,
    parse=parse,
    render=render,
    writer=lambda: ChunkRenderer(fallback_id="fallback"),
    fold_stream=fold_stream,
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    live=deltas,
    same_in_fold=lambda answer: (json.loads(render(answer)), answer),
    end_of_content=end_of_content,
    ending=b"data: [DONE]\n\n",
    failed={
        "fixtures-cohere/stream_timeout": Reason.UPSTREAM_TIMEOUT,
        "cohere/stream_tools_offered_text": Reason.UPSTREAM_INVALID_RESPONSE,
    },
    least=Least(requests=20, answers=14, streams=10),
)
