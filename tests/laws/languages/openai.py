"""OpenAI's chat completions: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import base64
import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.settings.providers import KNOWN
from gateway_dialects.kit.dialect import Endpoint, Quirks
from gateway_dialects.openai import CLIENT
from gateway_dialects.openai.parse_request import parse_chat
from gateway_dialects.openai.render_response import render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.laws.language import Language, Least
from tests.recordings import CHAT_PATH, Exchange

STREAM_FLAGS = ("stream", "stream_options")
TEXT_FIELDS = ("content", "reasoning", "reasoning_content", "refusal")
MEANINGLESS_IN_CHUNKS = ("object", "obfuscation", "choices")
HEAD = ("id", "model", "created")
"""Told by the first chunk that is not empty, and the same for the whole stream."""
ROW_OF = (
    {"openai-chat": "openai", "azure": "openai", "ollama-openai": "ollama", "fixtures-openai": "openai"}
    | {
        # What OpenAI itself does not take.
        f"fixtures-openai/{name}": "openrouter"
        for name in ("reasoning_details", "stream_reasoning_details", "media", "multi_turn")
    }
    | {"fixtures-openai/reasoning_content": "deepseek"}
)
"""The provider that an exchange is with, by its name or its vendor's."""
OTHER_FIXTURES = ("fixtures-azure", "fixtures-mistral")
"""They hold what the openai dialect as such does not have."""


def is_own(exchange: Exchange) -> bool:
    return CHAT_PATH in exchange.request["path"] and exchange.vendor not in OTHER_FIXTURES


def endpoint_of(exchange: Exchange) -> Endpoint:
    vendor = KNOWN.get(ROW_OF.get(exchange.name, ROW_OF.get(exchange.vendor, exchange.vendor)))
    return Endpoint("p", "openai", "http://upstream", quirks=vendor.quirks if vendor else Quirks())


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_chat(json.dumps(exchange.request["body"]).encode())
    return parsed.chat, parsed.stream


def without_nulls(value: Any) -> Any:
    """null, and an empty list, say the same as leaving the field out."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None and item != []}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def canonical_request(body: dict[str, Any]) -> Any:
    """Without the stream flags and the models, which the gateway chooses among; a tool without a type is a function."""
    plain = without_nulls({name: value for name, value in body.items() if name not in (*STREAM_FLAGS, "model", "models")})
    for tool in plain.get("tools", []):
        tool.setdefault("type", "function")
    for message, original in zip(plain["messages"], body["messages"], strict=True):
        if "content" in original and original["content"] is None:
            message["content"] = None
    return plain


def canonical_answer(body: dict[str, Any]) -> Any:
    """A tool call's position says nothing; a call without arguments means {}, no text nothing; Together's eos is the native
    word for stop."""
    plain = without_nulls(body)
    for choice in plain["choices"]:
        choice.pop("delta", None)
        if choice.get("finish_reason") == "eos":
            choice.update(finish_reason="stop", native_finish_reason="eos")
        for call in choice["message"].get("tool_calls", []):
            call.pop("index", None)
            call.setdefault("type", "function")
            call.get("function", {}).setdefault("arguments", "{}")
        content = choice["message"].get("content")
        if content == "":
            choice["message"].pop("content")
        if isinstance(content, dict):
            choice["message"]["content"] = json.dumps(content, separators=(",", ":"))
        elif isinstance(content, list):
            split_thinking(choice["message"], content)
    return plain


def split_thinking(message: dict[str, Any], content: list[dict[str, Any]]) -> None:
    """Mistral's list of thinking and text, as text and reasoning_content."""
    thoughts = [chunk["text"] for item in content if item["type"] == "thinking" for chunk in item["thinking"]]
    message["reasoning_content"] = "".join(thoughts)
    message["content"] = "".join(item["text"] for item in content if item["type"] == "text")


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in stream.decode().splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def fold_chunks(stream: bytes) -> dict[str, Any]:
    """A stream's chunks as one chat.completion object: an independent reading, to hold the gateway's own against."""
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks_of(stream):
        for name, value in chunk.items():
            if name not in MEANINGLESS_IN_CHUNKS and value is not None and (name not in HEAD or not answer.get(name)):
                merge(answer, name, value)
        for choice in chunk.get("choices") or []:
            fold_choice(choices.setdefault(choice["index"], {"index": choice["index"], "message": {}}), choice)
    groq = answer.get("x_groq", {}).get("usage")
    if groq and "usage" not in answer:
        answer["usage"] = groq
    for choice in choices.values():
        finish_choice(choice)
    return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def fold_choice(into: dict[str, Any], choice: dict[str, Any]) -> None:
    for name, value in choice.items():
        if name == "logprobs" and value:
            known = into.setdefault("logprobs", {"content": []})
            known["content"] += value.get("content") or []
        elif name not in ("index", "delta", "message", "logprobs") and value is not None:
            merge(into, name, value)
    message = into["message"]
    for name, value in (choice.get("delta") or {}).items():
        if name == "tool_calls":
            for call in value or []:
                fold_call(message.setdefault("tool_calls", {}), call)
        elif name == "reasoning_details":
            for item in value or []:
                fold_reasoning(message.setdefault(name, {}), item)
        elif name == "audio":
            fold_audio(message.setdefault(name, {}), value or {})
        elif name in TEXT_FIELDS:
            fold_text(message, name, value)
        elif isinstance(value, list):
            message[name] = message.get(name, []) + value
        elif value is not None and name != "role":
            merge(message, name, value)


def fold_text(message: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, list):
        parts: dict[str, Any] = {}
        split_thinking(parts, value)
        for part, text in parts.items():
            fold_text(message, part, text)
    elif value:
        message[name] = message.get(name, "") + value


def fold_call(calls: dict[Any, dict[str, Any]], call: dict[str, Any]) -> None:
    """Some vendors give every parallel call the index 0 and an id of its own: the id tells them apart."""
    index, call_id = call.get("index"), call.get("id")
    same = [key for key in calls if key[0] == index and call_id in (None, key[1])]
    key = same[-1] if same else (index, call_id)
    kind = call.get("type") or ("custom" if "custom" in call else "function")
    known = calls.setdefault(key, {"id": call_id, "type": kind, kind: {}})
    for name, value in (call.get(kind) or {}).items():
        so_far = known[kind].get(name, "")
        known[kind][name] = (value or so_far) if name == "name" else so_far + (value or "")


def fold_audio(known: dict[str, Any], piece: dict[str, Any]) -> None:
    """Base64 that was encoded piece by piece must be joined as bytes."""
    for name, value in piece.items():
        if name == "data":
            value = base64.b64encode(base64.b64decode(known.get(name, "")) + base64.b64decode(value)).decode()
        elif name == "transcript":
            value = known.get(name, "") + value
        known[name] = value


def fold_reasoning(items: dict[Any, dict[str, Any]], item: dict[str, Any]) -> None:
    known = items.setdefault(item.get("index", 0), {})
    for name, value in item.items():
        if name in ("text", "summary", "signature", "data"):
            known[name] = known.get(name, "") + (value or "")
        elif value is not None:
            known[name] = value


def finish_choice(choice: dict[str, Any]) -> None:
    message = choice["message"]
    if "tool_calls" in message:
        message["tool_calls"] = list(message["tool_calls"].values())
        for call in message["tool_calls"]:
            if "function" in call:
                call["function"]["arguments"] = call["function"].get("arguments") or "{}"
    if "reasoning_details" in message:
        message["reasoning_details"] = [
            {name: value for name, value in item.items() if value != ""} for item in message["reasoning_details"].values()
        ]
    message["role"] = "assistant"


def merge(into: dict[str, Any], name: str, value: Any) -> None:
    known = into.get(name)
    if isinstance(known, dict) and isinstance(value, dict) and name != "usage":
        into[name] = {**known, **value}
    else:
        into[name] = value


def end_of_content(stream: bytes) -> int:
    """Where the last line ends that first gives a candidate its finish reason: cut before that, the answer is unfinished."""
    position = end = 0
    ended: set[int] = set()
    for line in stream.splitlines(keepends=True):
        if line.startswith(b"data:") and b"[DONE]" not in line:
            chunk: dict[str, Any] = json.loads(line[5:])
            ends = {choice["index"] for choice in chunk.get("choices") or [] if choice.get("finish_reason")}
            if ends - ended:
                ended |= ends
                end = position + len(line.rstrip())
        position += len(line)
    return end


def text_deltas(stream: bytes) -> list[tuple[int, str, str]]:
    """Every piece of text in the order it came."""
    found: list[tuple[int, str, str]] = []
    for chunk in chunks_of(stream):
        for choice in chunk.get("choices") or []:
            for name, value in (choice.get("delta") or {}).items():
                texts = [item.get("text") for item in value] if name == "content" and isinstance(value, list) else [value]
                if name in ("content", "refusal"):
                    found += [(choice["index"], name, text) for text in texts if text]
    return found


def same_in_fold(answer: ChatResponse) -> object:
    finish_reasons = [candidate.finish_reason for candidate in answer.candidates]
    return finish_reasons, answer.id, answer.model, answer.usage.total_tokens


OPENAI = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=endpoint_of,
    parse=parse,
    render=lambda answer: render_chat(answer, "fallback", 1),
    writer=lambda: ChunkRenderer(include_usage=True, fallback_id="fallback", now=1),
    fold_stream=fold_chunks,
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    canonical_fold=without_nulls,
    live=text_deltas,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    ending=b"data: [DONE]\n\n",
    failed={"fixtures-openai/stream_error": Reason.RATE_LIMITED, "openrouter/stream_max_tokens": Reason.UPSTREAM_REJECTED},
    refused=frozenset({"openai-chat/envoy_chat_bad_request", "openai-chat/envoy_chat_no_messages"}),
    least=Least(requests=151, answers=81, streams=41),
)
