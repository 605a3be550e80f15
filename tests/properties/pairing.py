"""Where each dialect's body holds tool calls and their results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Call = tuple[str, str, str]
"""id, name, arguments as JSON text."""
Result = tuple[str, str]
"""The id of the call, and all of the result as JSON text."""


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def chat_calls(body: Json) -> Iterator[Call]:
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            yield call["id"], call["function"]["name"], text_of(call["function"]["arguments"])


def chat_results(body: Json) -> Iterator[Result]:
    for message in body["messages"]:
        if message["role"] == "tool":
            yield message["tool_call_id"], text_of(message["content"])


def anthropic_blocks(body: Json, kind: str) -> Iterator[Json]:
    for message in body["messages"]:
        if isinstance(message["content"], list):
            yield from (block for block in message["content"] if block["type"] == kind)


def anthropic_calls(body: Json) -> Iterator[Call]:
    for block in anthropic_blocks(body, "tool_use"):
        yield block["id"], block["name"], text_of(block["input"])


def anthropic_results(body: Json) -> Iterator[Result]:
    for block in anthropic_blocks(body, "tool_result"):
        yield block["tool_use_id"], text_of(block.get("content", ""))


def gemini_parts(body: Json, kind: str) -> Iterator[Json]:
    for content in body["contents"]:
        yield from (part[kind] for part in content["parts"] if kind in part)


def gemini_calls(body: Json) -> Iterator[Call]:
    for call in gemini_parts(body, "functionCall"):
        yield call["id"], call["name"], text_of(call.get("args", {}))


def gemini_results(body: Json) -> Iterator[Result]:
    for response in gemini_parts(body, "functionResponse"):
        yield response["id"], text_of(response["response"])


def responses_calls(body: Json) -> Iterator[Call]:
    for item in body["input"]:
        if item.get("type") == "function_call":
            yield item["call_id"], item["name"], item["arguments"]


def responses_results(body: Json) -> Iterator[Result]:
    for item in body["input"]:
        if item.get("type") == "function_call_output":
            yield item["call_id"], text_of(item["output"])


CALLS: Mapping[str, Callable[[Json], Iterator[Call]]] = {
    **dict.fromkeys(("openai", "azure", "mistral", "cohere"), chat_calls),
    "anthropic": anthropic_calls,
    "gemini": gemini_calls,
    "openai-responses": responses_calls,
}
RESULTS: Mapping[str, Callable[[Json], Iterator[Result]]] = {
    **dict.fromkeys(("openai", "azure", "mistral", "cohere"), chat_results),
    "anthropic": anthropic_results,
    "gemini": gemini_results,
    "openai-responses": responses_results,
}
ID_FORMS: Mapping[str, re.Pattern[str]] = {
    "anthropic": re.compile(r"[a-zA-Z0-9_-]+"),
    "mistral:mistral": re.compile(r"[a-zA-Z0-9]{9}"),
    "openai:openai": re.compile(r".{1,40}"),
    "azure": re.compile(r".{1,40}"),
    "openai-responses": re.compile(r".{1,64}"),
}
"""By dialect, or by dialect and vendor: what the provider takes for an id. Others take any."""
