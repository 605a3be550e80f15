"""A provider of Gemini's generateContent."""

from __future__ import annotations

import json
from typing import Any

from tests.sdks.providers.answering import REFUSED_MODEL, Answer, Question, answer, described, text_of
from tests.upstream import Received, Reply, json_reply

USAGE = {
    "promptTokenCount": 19,
    "candidatesTokenCount": 10,
    "totalTokenCount": 29,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 19}],
}


def serve(request: Received) -> Reply:
    model, _, method = request.path.partition("?")[0].rpartition("/")[2].partition(":")
    if model == REFUSED_MODEL:
        message = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
        return json_reply({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}, 400)
    if method == "countTokens":
        return json_reply({"totalTokens": 19, "promptTokensDetails": USAGE["promptTokensDetails"]})
    said = answer(read(model, request.json()))
    return stream(model, said) if method == "streamGenerateContent" else json_reply(chunk(model, parts_of(said), "STOP"))


def read(model: str, body: dict[str, Any]) -> Question:
    parts = body["contents"][-1]["parts"]
    images = [part["inlineData"] for part in parts if "inlineData" in part]
    results = [json.dumps(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]
    declared = [function for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())]
    tools = [
        {"name": each["name"], "schema": plain(each.get("parametersJsonSchema") or each["parameters"])} for each in declared
    ]
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if allowed := calling.get("allowedFunctionNames"):
        tools = [tool for tool in tools if tool["name"] in allowed]
    generation = body.get("generationConfig", {})
    return Question(
        model=model,
        text=text_of(parts),
        images=[described(image["mimeType"], image["data"]) for image in images],
        result="".join(results),
        tools=tools,
        schema=plain(generation.get("responseJsonSchema") or generation.get("responseSchema")),
    )


def plain(schema: Any) -> Any:
    """A schema of Gemini's, whose types are in capitals, as a JSON Schema."""
    if isinstance(schema, dict):
        return {
            name: part.lower() if name == "type" and isinstance(part, str) else plain(part) for name, part in schema.items()
        }
    return [plain(part) for part in schema] if isinstance(schema, list) else schema


def parts_of(said: Answer) -> list[dict[str, Any]]:
    if said.tool:
        return [{"functionCall": {"name": said.tool, "args": said.arguments}, "thoughtSignature": "c2lnbmF0dXJl"}]
    return [{"text": said.text}]


def chunk(model: str, parts: list[dict[str, Any]], finish: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": model, "responseId": "DRAGOMAN1"}


def stream(model: str, said: Answer) -> Reply:
    spoken = [parts_of(said)] if said.tool else [[{"text": word}] for word in said.words]
    chunks = [chunk(model, parts) for parts in spoken] + [chunk(model, [{"text": ""}], "STOP")]
    written = [b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks]
    return Reply(headers={"content-type": "text/event-stream"}, body=written)
