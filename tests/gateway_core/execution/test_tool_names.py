"""Names of tools that a target refuses, through the loop: each target gets its own, the client its own again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from gateway_core.call import Call
from gateway_core.execution.attempt import Transports
from gateway_core.execution.chain import Chain, RetryPolicy
from gateway_core.routing.resolver import Route, Target
from gateway_core.validation import check_chat
from gateway_dialects.anthropic.parse_request import parse_chat
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint
from tests.gateway_core.execution.scripted import (
    DONE,
    Answer,
    Clock,
    ScriptedTransport,
    delta,
    question,
    refuses,
    route,
    streams,
)

NAME = "crm.find:contact"
SENT = "crm_find_contact"
CALL = {"id": "call_1", "type": "function", "function": {"name": SENT, "arguments": "{}"}}
WHOLE: dict[str, Any] = {
    "id": "c1",
    "choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "tool_calls"}],
}
ANSWER = Answer(steps=[json.dumps(WHOLE).encode()])
STREAM = streams(delta(role="assistant", tool_calls=[{"index": 0, **CALL}]), delta("tool_calls"), DONE)


def asking(*names: str) -> ChatRequest:
    return question(tools=[Tool(function=FunctionTool(name=name)) for name in names])


def chain(transport: ScriptedTransport) -> Chain:
    return Chain(Transports.only(transport), RetryPolicy(1, 0.5, 8.0, 0.0))


def test_a_whole_answer_names_the_clients_tool() -> None:
    transport = ScriptedTransport(Clock(), ANSWER)
    request = asking(NAME)

    answer = asyncio.run(chain(transport).chat(request, route("a"), Call("id")))

    assert answer.candidates[0].parts[0].tool_call.name == NAME
    assert json.loads(transport.sent[0].body)["tools"][0]["function"]["name"] == SENT
    assert request == asking(NAME)
    assert not answer.warnings


def test_a_stream_names_the_clients_tool() -> None:
    async def read() -> str:
        batches = [
            batch async for batch in chain(ScriptedTransport(Clock(), STREAM)).stream(asking(NAME), route("a"), Call("id"))
        ]
        return accumulate(batches).candidates[0].parts[0].tool_call.name

    assert asyncio.run(read()) == NAME


def test_the_next_target_gets_the_name_by_its_own_rule() -> None:
    transport = ScriptedTransport(Clock(), ANSWER, first=refuses(503))
    gemini = Target(Endpoint("first", "gemini", "http://first"), "gemini-2.5-flash")

    answer = asyncio.run(chain(transport).chat(asking(NAME), Route("r", (gemini, *route("a").targets)), Call("id")))

    assert json.loads(transport.sent[0].body)["tools"][0]["functionDeclarations"][0]["name"] == NAME
    assert answer.candidates[0].parts[0].tool_call.name == NAME


def test_a_tool_that_a_search_found_is_told_by_the_name_that_it_has_there() -> None:
    found = {"type": "tool_reference", "tool_name": NAME}
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "search", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [found]}]},
    ]
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in (NAME, "search")]
    body = {"model": "m", "max_tokens": 9, "messages": said, "tools": tools}
    transport = ScriptedTransport(Clock(), ANSWER)

    asyncio.run(chain(transport).chat(parse_chat(json.dumps(body).encode()).chat, route("a"), Call("id")))

    assert json.loads(transport.sent[0].body)["messages"][-1]["content"] == f"{SENT} is available."


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(GatewayError) as raised:
        check_chat(asking("a", "b", "a"))

    assert raised.value.reason is Reason.INVALID_REQUEST
    assert raised.value.field == "tools[2]"
    assert "'a'" in raised.value.message and "tools[0]" in raised.value.message
