"""The documented differences that identity allows in the gemini dialect, and an independent reading of its streams."""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import Any

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
