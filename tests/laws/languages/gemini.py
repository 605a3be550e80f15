"""Google's Gemini API: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.models.table import ModelTable
from gateway_dialects.gemini import CLIENT
from gateway_dialects.gemini.parse_request import parse_chat, parse_method
from gateway_dialects.gemini.render_answer import render_chat
from gateway_dialects.gemini.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.language import Language, Least
from tests.recordings import Exchange

ENDPOINT = Endpoint("p", "gemini", "http://upstream/v1beta", capabilities_of=ModelTable("p", "gemini"))
UNFINISHED = ("fixtures-gemini/stream_unfinished", "google/fb_stream_success_quotes_escaped")
"""Streams that never tell a finish reason: they count as cut off."""
MESSAGE_FIELDS = {
    "contents",
    "systemInstruction",
    "parts",
    "tools",
    "functionDeclarations",
    "toolConfig",
    "functionCallingConfig",
    "generationConfig",
    "thinkingConfig",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
}
"""Fields whose objects the face reads; what they hold may be named either way. All others travel as they are."""


def method_of(exchange: Exchange) -> tuple[str, str]:
    """The model and the method that the path names."""
    return parse_method(exchange.request["path"].partition("?")[0].rpartition("/models/")[2])


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    model, method = method_of(exchange)
    return parse_chat(json.dumps(exchange.request["body"]).encode(), model), method == "streamGenerateContent"


def camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def plain_names(value: Any) -> Any:
    """Field names in lowerCamelCase and no nulls, in the messages that the face reads."""
    if isinstance(value, list):
        return [plain_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {camel(name): item for name, item in value.items() if item is not None}
    return {name: plain_names(item) if name in MESSAGE_FIELDS else item for name, item in named.items()}


def canonical_request(body: dict[str, Any]) -> Any:
    """All functions are in one Tool; args are {} and a thought is none unless said; base64 has one alphabet; an empty list
    says nothing, nor does the role of instructions; a Content is the user's unless it is the model's."""
    plain: dict[str, Any] = plain_names(copy.deepcopy(body))
    plain.pop("model", None)
    if "tools" in plain:
        plain["tools"] = canonical_tools(plain["tools"])
    plain.get("systemInstruction", {}).pop("role", None)
    for content in plain["contents"]:
        content["role"] = "model" if content.get("role") == "model" else "user"
        content["parts"] = [canonical_part(part) for part in content["parts"]]
    for name in ("toolConfig", "generationConfig", "tools", "safetySettings"):
        if plain.get(name) in ({}, []):
            del plain[name]
    return plain


def canonical_tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    functions = [function for tool in tools for function in tool.get("functionDeclarations", [])]
    others = [{name: tool[name]} for tool in tools for name in tool if name != "functionDeclarations"]
    return ([{"functionDeclarations": functions}] if functions else []) + others


def canonical_part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("thought") is False:
        del part["thought"]
    if "functionCall" in part:
        part["functionCall"].setdefault("args", {})
    for holder in (part, *part.get("functionResponse", {}).get("parts", [])):
        if "inlineData" in holder:
            holder["inlineData"]["data"] = holder["inlineData"]["data"].replace("-", "+").replace("_", "/")
            holder["inlineData"]["data"] += "=" * (-len(holder["inlineData"]["data"]) % 4)
    return part


def canonical_answer(body: dict[str, Any]) -> Any:
    """A candidate says STOP and has the index 0 and the role model unless it says otherwise; an empty text without a
    signature says nothing, nor does an empty list; texts without fields of their own are one text, and its signature may
    follow it."""
    plain = copy.deepcopy(body)
    if not plain.get("candidates"):
        plain.pop("candidates", None)
    for candidate in plain.get("candidates", []):
        candidate.setdefault("index", 0)
        candidate.setdefault("finishReason", "STOP")
        content = candidate.setdefault("content", {})
        content.setdefault("role", "model")
        content["parts"] = joined_parts(content.get("parts") or [])
    for name in ("responseId", "modelVersion"):
        if plain.get(name) in ("fallback", ""):
            del plain[name]
    return plain


def joined_parts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whole: list[dict[str, Any]] = []
    for part in [piece for signed in parts for piece in without_signature(signed)]:
        if part == {"text": ""}:
            continue
        if "functionCall" in part:
            part["functionCall"]["args"] = part["functionCall"].get("args") or {}
        last = whole[-1] if whole else {}
        if "text" in part and last.keys() == part.keys() <= {"text", "thought"}:
            last["text"] += part["text"]
        elif last.keys() == part.keys() == {"inlineData"} and is_more_sound(last["inlineData"], part["inlineData"]):
            octets = base64.b64decode(last["inlineData"]["data"]) + base64.b64decode(part["inlineData"]["data"])
            last["inlineData"]["data"] = base64.b64encode(octets).decode()
        else:
            whole.append(part)
    return whole


def without_signature(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A signed text, and its signature behind it."""
    if part.keys() == {"text", "thoughtSignature"}:
        return [{"text": part["text"]}, {**part, "text": ""}]
    return [part]


def is_more_sound(last: dict[str, Any], blob: dict[str, Any]) -> bool:
    return bool(last["mimeType"] == blob["mimeType"]) and blob["mimeType"].startswith("audio/")


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    lines = stream.decode().splitlines()
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def fold_chunks(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """A stream's chunks as one GenerateContentResponse: the parts of all one after another, usage and everything else as it
    was told last, but for lists that continue (citations, log-probabilities)."""
    answer: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for name, value in chunk.items():
            if name not in ("candidates", "usageMetadata") and value is not None:
                answer[name] = value
        if chunk.get("usageMetadata"):
            answer["usageMetadata"] = chunk["usageMetadata"]
        for candidate in chunk.get("candidates") or []:
            index = candidate.get("index", 0)
            fold_candidate(candidates.setdefault(index, {"index": index, "content": {"parts": []}}), candidate)
    if candidates:
        answer["candidates"] = [candidates[index] for index in sorted(candidates)]
    return copy.deepcopy(answer)


def fold_candidate(into: dict[str, Any], candidate: dict[str, Any]) -> None:
    for name, value in candidate.items():
        if name == "content":
            into["content"]["parts"] += (value or {}).get("parts") or []
            into["content"].update({key: item for key, item in value.items() if key != "parts"})
        elif name in ("citationMetadata", "logprobsResult"):
            known = into.setdefault(name, {})
            for key, item in value.items():
                known[key] = known.get(key, []) + item if isinstance(item, list) else item
        elif isinstance(value, dict):
            into[name] = {**into.get(name, {}), **value}
        elif value is not None:
            into[name] = value


def pieces(stream: bytes) -> list[tuple[int, Any]]:
    """Every part in the order it came, but for those that say nothing."""
    found: list[tuple[int, Any]] = []
    for chunk in chunks_of(stream):
        for candidate in chunk.get("candidates") or []:
            for part in candidate.get("content", {}).get("parts") or []:
                if part != {"text": ""}:
                    found.append((candidate.get("index", 0), part))
    return found


def same_in_fold(answer: ChatResponse) -> object:
    calls = [[part.tool_call for part in candidate.parts if part.HasField("tool_call")] for candidate in answer.candidates]
    return [candidate.finish_reason for candidate in answer.candidates], calls, answer.usage


def end_of_content(stream: bytes) -> int:
    """Where the line ends that gives the last candidate its finish reason, or the prompt its refusal."""
    position = end = 0
    ended: set[int] = set()
    for line in stream.splitlines(keepends=True):
        if line.startswith(b"data:"):
            chunk: dict[str, Any] = json.loads(line[5:])
            ends = {c.get("index", 0) for c in chunk.get("candidates") or [] if c.get("finishReason")}
            is_refusal = "blockReason" in chunk.get("promptFeedback", {}) and not chunk.get("candidates")
            if ends - ended or is_refusal:
                ended |= ends
                end = position + len(line.rstrip())
        position += len(line)
    return end


GEMINI = Language(
    client=CLIENT,
    is_own=lambda exchange: "enerateContent" in exchange.request["path"],
    endpoint_of=lambda exchange: ENDPOINT,
    parse=parse,
    render=lambda answer: render_chat(answer, "fallback"),
    writer=lambda: ChunkRenderer(fallback_id="fallback", sse=True),
    fold_stream=lambda stream: fold_chunks(chunks_of(stream)),
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    live=pieces,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    model_of=lambda exchange: method_of(exchange)[0],
    is_stream=lambda exchange: ":streamGenerateContent" in exchange.request["path"],
    failed={
        "fixtures-gemini/stream_error_bare": Reason.UPSTREAM_UNAVAILABLE,
        "fixtures-gemini/stream_error_in_list": Reason.RATE_LIMITED,
        "fixtures-gemini/stream_error_unavailable": Reason.UPSTREAM_OVERLOADED,
        "google/fb_stream_failure_error_mid_stream": Reason.UPSTREAM_UNAVAILABLE,
    },
    # The first has neither content nor a reason for having none.
    broken=frozenset({"google/fb_failure_empty_content", *UNFINISHED}),
    least=Least(requests=51, answers=46, streams=26),
)
