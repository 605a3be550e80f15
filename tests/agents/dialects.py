"""Scripted providers of four APIs around the one scripted model. Each reads the whole conversation that it is sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.agents import responses
from tests.agents.scripted import REFUSAL, Tool, Turn, answer, is_refused, text_of
from tests.sdks.providers import anthropic, gemini, openai
from tests.upstream import Handler, Received, Reply, json_reply


def serve_openai(request: Received) -> Reply:
    """Chat completions, and the Responses API at its own path."""
    body = request.json()
    if request.path.endswith("/responses"):
        turn = read_responses(body)
        return refused_by_openai() if is_refused(turn) else responses.reply(body, turn, answer(turn))
    turn = read_chat(body)
    if is_refused(turn):
        return refused_by_openai()
    said = answer(turn)
    return openai.stream(body, said) if body.get("stream") else openai.whole(body, said)


def serve_anthropic(request: Received) -> Reply:
    body = request.json()
    if request.path.partition("?")[0].endswith("/count_tokens"):
        return json_reply({"input_tokens": 19})
    turn = read_messages(body)
    if is_refused(turn):
        error = {"type": "invalid_request_error", "message": REFUSAL}
        return json_reply({"type": "error", "error": error, "request_id": "req_1"}, 400)
    said = answer(turn)
    return anthropic.stream(body, said) if body.get("stream") else json_reply(anthropic.message(body, said))


def serve_gemini(request: Received) -> Reply:
    model, _, method = request.path.partition("?")[0].rpartition("/")[2].partition(":")
    if method == "countTokens":
        return json_reply({"totalTokens": 19, "promptTokensDetails": gemini.USAGE["promptTokensDetails"]})
    turn = read_contents(request.json())
    if is_refused(turn):
        return json_reply({"error": {"code": 400, "message": REFUSAL, "status": "INVALID_ARGUMENT"}}, 400)
    said = answer(turn)
    if method == "streamGenerateContent":
        return gemini.stream(model, said)
    return json_reply(gemini.chunk(model, gemini.parts_of(said), "STOP"))


SERVED: Mapping[str, Handler] = {"openai": serve_openai, "anthropic": serve_anthropic, "google": serve_gemini}


def refused_by_openai() -> Reply:
    error = {"message": REFUSAL, "type": "invalid_request_error", "code": None, "param": None}
    return json_reply({"error": error}, 400)


def read_chat(body: Mapping[str, Any]) -> Turn:
    messages = body["messages"]
    functions = [tool["function"] for tool in body.get("tools", ()) if tool["type"] == "function"]
    return Turn(
        text=_joined(each.get("content") for each in messages if each["role"] != "tool"),
        tools=[Tool(each["name"], each.get("parameters") or {}) for each in functions],
        results=[text_of(each["content"]) for each in messages if each["role"] == "tool"],
    )


def read_responses(body: Mapping[str, Any]) -> Turn:
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    results = [item["output"] for item in items if str(item.get("type")).endswith("_call_output")]
    added = [tool for item in items if item.get("type") == "additional_tools" for tool in item["tools"]]
    return Turn(
        text=_joined([body.get("instructions"), *(item.get("content") for item in items)]),
        tools=[*responses.tools_of([*body.get("tools", ()), *added])],
        results=[text_of(each) for each in results],
    )


def read_messages(body: Mapping[str, Any]) -> Turn:
    blocks = [
        block
        for message in body["messages"]
        for block in (
            [{"type": "text", "text": message["content"]}] if isinstance(message["content"], str) else message["content"]
        )
    ]
    return Turn(
        text=_joined([body.get("system"), *(block for block in blocks if block["type"] == "text")]),
        tools=[Tool(each["name"], each["input_schema"]) for each in body.get("tools", ()) if "input_schema" in each],
        results=[text_of(block.get("content")) for block in blocks if block["type"] == "tool_result"],
    )


def read_contents(body: Mapping[str, Any]) -> Turn:
    parts = [part for content in body["contents"] for part in content["parts"]]
    declared = [each for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]
    return Turn(
        text=_joined([body.get("systemInstruction", {}).get("parts"), *(part for part in parts if "text" in part)]),
        tools=[
            Tool(each["name"], gemini.plain(each.get("parametersJsonSchema") or each.get("parameters") or {}))
            for each in declared
        ],
        results=[text_of(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part],
    )


def _joined(contents: Iterable[object]) -> str:
    return "\n".join(text_of(each) for each in contents)
