"""Mistral's chat completions: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.mistral import CLIENT
from gateway_dialects.mistral.parse_request import parse_chat
from gateway_dialects.mistral.render_response import render_chat
from gateway_dialects.mistral.render_stream import ChunkRenderer
from tests.laws.language import Language, Least
from tests.laws.languages.openai import canonical_request, chunks_of, end_of_content, fold_chunks, without_nulls
from tests.recordings import CHAT_PATH, Exchange

ENDPOINT = Endpoint("p", "mistral", "https://api.mistral.ai/v1")


def is_own(exchange: Exchange) -> bool:
    return CHAT_PATH in exchange.request["path"] and exchange.vendor in ("mistral", "fixtures-mistral")


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_chat(json.dumps(exchange.request["body"]).encode())
    return parsed.chat, parsed.stream


def canonical_body(body: dict[str, Any]) -> Any:
    """A request without its flags; how a thought was divided says nothing."""
    plain = canonical_request(body)
    for message in plain["messages"]:
        if isinstance(message.get("content"), list):
            message["content"] = joined(message["content"])
    return plain


def canonical_answer(body: dict[str, Any]) -> Any:
    """Calls without a type or place are functions in their order; no text says nothing; all tokens count as the prompt's."""
    plain = without_nulls(body)
    usage = plain.get("usage", {})
    if usage.get("prompt_tokens_details", {}).get("audio_tokens"):
        usage["prompt_tokens"] = usage["total_tokens"] - usage["completion_tokens"]
    for choice in plain["choices"]:
        message = choice["message"]
        for position, call in enumerate(message.get("tool_calls", [])):
            call.setdefault("type", "function")
            call.setdefault("index", position)
        if message.get("content") == "":
            del message["content"]
        elif isinstance(message.get("content"), list):
            message["content"] = joined(message["content"])
    return plain


def joined(content: list[Any]) -> list[Any]:
    """Neighbours of one kind are one: texts, and thoughts with all that they hold."""
    found: list[Any] = []
    for item in content:
        item = dict(item)
        if item["type"] == "thinking":
            item["thinking"] = joined(item.get("thinking", []))
        last = found[-1] if found else {}
        if not found or last["type"] != item["type"] or item["type"] not in ("text", "thinking"):
            found.append(item)
        elif item["type"] == "text":
            last["text"] += item["text"]
        else:
            seal = last.get("signature", "") + item.get("signature", "")
            thoughts = joined(last["thinking"] + item["thinking"])
            last.update(item, thinking=thoughts, **({"signature": seal} if seal else {}))
    return found


def fold_stream(stream: bytes) -> dict[str, Any]:
    """A stream's chunks as one chat.completion object, its padding left out."""
    contents: dict[int, list[Any]] = {}
    rest = []
    for chunk in chunks_of(stream):
        chunk.pop("p", None)
        for choice in chunk["choices"]:
            choice["delta"].pop("index", None)
            content = choice["delta"].pop("content", None)
            items = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
            contents.setdefault(choice["index"], []).extend(item for item in items if item.get("text") != "")
        rest.append(f"data: {json.dumps(chunk)}\n\n".encode())
    answer = fold_chunks(b"".join(rest))
    for choice in answer["choices"]:
        content = joined(contents[choice["index"]])
        is_plain = all(item["type"] == "text" for item in content)
        choice["message"]["content"] = "".join(item["text"] for item in content) if is_plain else content
    return answer


def pieces(stream: bytes) -> list[tuple[int, str, str]]:
    """Every piece of content in the order it came, a string or a text chunk alike."""
    found: list[tuple[int, str, str]] = []
    for chunk in chunks_of(stream):
        for choice in chunk["choices"]:
            content = choice["delta"].get("content")
            items: list[Any] = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
            for item in items:
                inner = item["thinking"] if item["type"] == "thinking" else [item]
                found += [(choice["index"], item["type"], one.get("text", json.dumps(one))) for one in inner]
    return [piece for piece in found if piece[2]]


def same_in_fold(answer: ChatResponse) -> object:
    """Usage, and the parts in order; no text says nothing."""
    parts = [part for candidate in answer.candidates for part in candidate.parts if part != Part(text="")]
    plain = [(part.text, part.reasoning, part.tool_call, part.opaque, part.provider_details_json) for part in parts]
    return plain, answer.usage


MISTRAL = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=lambda exchange: ENDPOINT,
    parse=parse,
    render=lambda answer: render_chat(answer, "fallback", 1),
    writer=lambda: ChunkRenderer(fallback_id="fallback", now=1),
    fold_stream=fold_stream,
    canonical_request=canonical_body,
    canonical_answer=canonical_answer,
    live=pieces,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    ending=b"data: [DONE]\n\n",
    failed={"fixtures-mistral/stream_error": Reason.UPSTREAM_UNAVAILABLE},
    least=Least(requests=31, answers=16, streams=16),
)
