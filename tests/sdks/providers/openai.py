"""A provider of OpenAI's chat completions."""

from __future__ import annotations

import json
from typing import Any

from tests.sdks.providers.answering import REFUSED_MODEL, Answer, Question, answer, described, text_of
from tests.upstream import Received, Reply, event_stream, json_reply

HEAD = {"id": "chatcmpl-DRAGOMAN1", "created": 1763700000, "service_tier": "default", "system_fingerprint": "fp_1"}
USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}


def serve(request: Received) -> Reply:
    body = request.json()
    if body.get("model", "") == REFUSED_MODEL:
        error = {"type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}
        return json_reply({"error": {"message": "This model's maximum context length is 8 tokens.", **error}}, 400)
    said = answer(read(body))
    return stream(body, said) if body.get("stream") else whole(body, said)


def read(body: dict[str, Any]) -> Question:
    last = body["messages"][-1]
    tools = [{"name": tool["function"]["name"], "schema": tool["function"]["parameters"]} for tool in body.get("tools", ())]
    if isinstance(choice := body.get("tool_choice"), dict):
        tools = [tool for tool in tools if tool["name"] == choice["function"]["name"]]
    said = text_of(last["content"])
    return Question(
        model=body.get("model", ""),
        text=said,
        images=[image_of(part) for part in last["content"] if part["type"] == "image_url"]
        if said != last["content"]
        else [],
        result=said if last["role"] == "tool" else "",
        tools=tools,
        schema=body.get("response_format", {}).get("json_schema", {}).get("schema"),
    )


def image_of(part: dict[str, Any]) -> str:
    address = part["image_url"]
    url: str = address if isinstance(address, str) else address["url"]
    head, _, data = url.partition(";base64,")
    return described(head.removeprefix("data:"), data) if data else f"[image {url}]"


def call_of(said: Answer) -> dict[str, Any]:
    function = {"name": said.tool, "arguments": json.dumps(said.arguments)}
    return {"id": "call_DRAGOMAN1", "type": "function", "function": function}


def whole(body: dict[str, Any], said: Answer) -> Reply:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None, "annotations": []}
    if said.tool:
        message["tool_calls"] = [call_of(said)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if said.tool else "stop"}
    return json_reply(
        {**HEAD, "object": "chat.completion", "model": body.get("model", ""), "choices": [choice], "usage": USAGE}
    )


def stream(body: dict[str, Any], said: Answer) -> Reply:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if said.tool else "", "refusal": None}]
    deltas += [{"content": word} for word in said.words]
    if said.tool:
        call = call_of(said)
        arguments = call["function"].pop("arguments")
        deltas.append({"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]})
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in (arguments[:5], arguments[5:])
        ]
    head: dict[str, Any] = {**HEAD, "object": "chat.completion.chunk", "model": body.get("model", "")}
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls" if said.tool else "stop"}])
    chunks = [{**head, "choices": choice, "usage": None} for choice in choices]
    return event_stream(*chunks, {**head, "choices": [], "usage": USAGE}, b"data: [DONE]\n\n")
