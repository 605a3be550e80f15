"""A session that moves between three providers and back keeps its tools, its signatures and its meaning: one test for each
API and provider, whole and streamed, with clients that give back all they got and with clients that keep calls alone."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ReasoningSettings, Tool
from gateway_core.bootstrap import build_gateway
from gateway_core.call import Call
from gateway_core.execution.attempt import Transports
from gateway_core.providers.registry import DIALECTS
from gateway_core.settings.settings import ProviderSettings, Settings
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Secret
from gateway_dialects.kit.tool_names import renaming_for
from tests.gateway_core.execution.scripted import EVENTS, Answer, Clock, ScriptedTransport
from tests.laws.reading import read_stream
from tests.properties.faces import FACES, Face

Json = dict[str, Any]
TOOL = "mcp__files.search: everything that this long name of a server of tools can hold"
"""Every target takes another name of it."""
USER = {"role": "user", "content": "Hi"}


@dataclass(frozen=True)
class Provider:
    """A provider whose models sign their calls, or the reasoning before them."""

    dialect: str
    model: str
    seal: str
    whole: Callable[[str, str], Json]
    """(the tool's name as it was sent, the id of the call) -> an answer."""
    events: Callable[[Json], Sequence[Json]]
    """The same answer as a stream."""

    def answer(self, name: str, *, stream: bool) -> Answer:
        body = self.whole(name, f"call_{self.seal[:9]}")
        if not stream:
            return Answer(steps=[json.dumps(body).encode()])
        lines = [f"data: {json.dumps(event)}\n\n".encode() for event in self.events(body)]
        return Answer(headers=EVENTS, steps=lines)


def anthropic(name: str, call_id: str) -> Json:
    thought = {"type": "thinking", "thinking": "I search.", "signature": SEALS["anthropic"]}
    used = {"type": "tool_use", "id": call_id, "name": name, "input": {"q": "of-anthropic"}}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "tool_use"}
    return {**head, "content": [thought, used], "usage": {"input_tokens": 1, "output_tokens": 1}}


def anthropic_events(body: Json) -> list[Json]:
    events: list[Json] = [{"type": "message_start", "message": {**body, "content": [], "stop_reason": None}}]
    for index, block in enumerate(body["content"]):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_stop", "index": index})
    ending = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}
    return [*events, ending, {"type": "message_stop"}]


def gemini(name: str, call_id: str) -> Json:
    call = {"functionCall": {"name": name, "id": call_id, "args": {"q": "of-gemini"}}, "thoughtSignature": SEALS["gemini"]}
    return {"candidates": [{"index": 0, "content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]}


def responses(name: str, call_id: str) -> Json:
    thought = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": SEALS["openai-responses"]}
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": call_id, "name": name}
    output = [thought, {**call, "arguments": '{"q":"of-openai"}'}]
    return {"id": "resp_1", "object": "response", "model": "gpt", "status": "completed", "output": output}


def openrouter(name: str, call_id: str) -> Json:
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "text": "I search."}
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": '{"q":"of-openrouter"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **call}]}
    message["reasoning_details"] = [{**detail, "signature": SEALS["openrouter"]}]
    return {"id": "gen-1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


def openrouter_events(body: Json) -> list[Json]:
    (choice,) = body["choices"]
    return [{"id": "gen-1", "choices": [{"index": 0, "delta": choice["message"], "finish_reason": "tool_calls"}]}]


SEALS = {
    name: base64.b64encode(f"the seal of {name}".encode() * 3).decode()
    for name in ("anthropic", "gemini", "openai-responses", "openrouter")
}
PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "anthropic": Provider("anthropic", "claude-sonnet-4-5", "anthropicA", anthropic, anthropic_events),
        "gemini": Provider("gemini", "gemini-3-pro-preview", "geminiBBBB", gemini, lambda body: [body]),
        "openai-responses": Provider(
            "openai-responses",
            "gpt-5",
            "responsesC",
            responses,
            lambda body: [{"type": "response.completed", "response": body}],
        ),
        "openrouter": Provider("openai", "anthropic/claude-sonnet-4.5", "openrouteD", openrouter, openrouter_events),
    }
)
ORDER = tuple(PROVIDERS)
QUERIES = {name: f"of-{name.removesuffix('-responses')}" for name in PROVIDERS}
SHARED = frozenset({("openrouter", "anthropic")})
"""Who signed, and who may see it: both are Claude."""


class Asked(ScriptedTransport):
    """Every request gets the next answer."""

    def answer_with(self, answer: Answer) -> None:
        self._default = [answer]


class Core:
    """A gateway before the four providers."""

    def __init__(self, runner: asyncio.Runner, *, stream: bool) -> None:
        self._runner, self._stream = runner, stream
        self.transport = Asked(Clock())
        rows = [ProviderSettings(name, one.dialect, f"http://{name}", (Secret("k"),)) for name, one in PROVIDERS.items()]
        settings = Settings(providers=tuple(rows))
        self.gateway = build_gateway(settings, transports=Transports.only(self.transport))

    def turn(self, face: Face, name: str, conversation: Json) -> Json:
        """The answer of a provider, as a client of the API adds it up."""
        provider = PROVIDERS[name]
        request = face.parse(json.dumps(conversation).encode())
        request.model = f"{name}/{provider.model}"
        request.tools.append(Tool(function=FunctionTool(name=TOOL, parameters_json='{"type":"object"}')))
        request.reasoning.CopyFrom(ReasoningSettings(effort="low"))
        request.max_output_tokens = 8000
        self.transport.answer_with(provider.answer(name_at(provider.dialect), stream=self._stream))
        if not self._stream:
            answer = self._runner.run(self.gateway.chat(request, Call("id", metadata={"x-dragoman-api": face.name})))
        else:

            async def collect() -> list[Any]:
                return [batch async for batch in self.gateway.stream(request, Call("id"))]

            written = face.write(self._runner.run(collect()))
            answer = accumulate(read_stream(face.dialect, [written]))
        shown: Json = json.loads(face.render(answer))
        return shown

    @property
    def sent(self) -> Json:
        """The last body that a provider got."""
        body: Json = json.loads(self.transport.sent[-1].body)
        return body


def name_at(dialect: str) -> str:
    """The tool's name as a provider gets it."""
    request = ChatRequest(tools=[Tool(function=FunctionTool(name=TOOL))])
    return renaming_for(request, DIALECTS[dialect].tool_names)[TOOL]


# How a client of each API goes on.


def chat_message(answer: Json) -> Json:
    message: Json = answer["choices"][0]["message"] if "choices" in answer else answer["message"]
    return message


def chat(said: Sequence[Json]) -> Json:
    messages: list[Json] = [USER]
    for message in said:
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "found"} for call in message["tool_calls"]]
    return {"model": "m", "messages": messages}


def bare_chat(message: Json) -> Json:
    calls = [{name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]]
    return {"role": "assistant", "tool_calls": calls}


def blocks(said: Sequence[Json]) -> Json:
    messages: list[Json] = [USER]
    for answer in said:
        used = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
        messages.append({"role": "assistant", "content": answer["content"]})
        results = [{"type": "tool_result", "tool_use_id": call_id, "content": "found"} for call_id in used]
        messages.append({"role": "user", "content": results})
    return {"model": "m", "max_tokens": 8000, "messages": messages}


def bare_blocks(answer: Json) -> Json:
    return {"content": [block for block in answer["content"] if block["type"] == "tool_use"]}


def contents(said: Sequence[Json]) -> Json:
    turns: list[Json] = [{"role": "user", "parts": [{"text": "Hi"}]}]
    for content in said:
        turns.append(content)
        called = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        answers = [{"id": call["id"], "name": call["name"], "response": {"output": "found"}} for call in called]
        turns.append({"role": "user", "parts": [{"functionResponse": answer} for answer in answers]})
    return {"contents": turns}


def bare_content(content: Json) -> Json:
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    return {"role": "model", "parts": [{"functionCall": call} for call in calls]}


def items(said: Sequence[Json]) -> Json:
    given: list[Json] = [USER]
    for answer in said:
        called = [item["call_id"] for item in answer["output"] if item["type"] == "function_call"]
        given += answer["output"]
        given += [{"type": "function_call_output", "call_id": call_id, "output": "found"} for call_id in called]
    return {"model": "m", "input": given, "include": ["reasoning.encrypted_content"], "store": False}


def bare_items(answer: Json) -> Json:
    known = ("type", "call_id", "name", "arguments")
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    return {"output": [{name: item[name] for name in known} for item in calls]}


@dataclass(frozen=True)
class Client:
    taken: Callable[[Json], Json]
    """What of an answer a client keeps that keeps everything."""
    bare: Callable[[Json], Json]
    """What one keeps of it that knows calls alone."""
    conversation: Callable[[Sequence[Json]], Json]


CLIENTS: Mapping[str, Client] = {
    "openai": Client(chat_message, bare_chat, chat),
    "mistral": Client(chat_message, bare_chat, chat),
    "cohere": Client(chat_message, bare_chat, chat),
    "anthropic": Client(lambda answer: answer, bare_blocks, blocks),
    "gemini": Client(lambda answer: answer["candidates"][0]["content"], bare_content, contents),
    "openai-responses": Client(lambda answer: answer, bare_items, items),
}


def sorts_out(provider: str, face: Face) -> bool:
    """OpenRouter's form, which OpenAI's clients share, names who signed each item, and it passes on what fits the model."""
    return provider == "openrouter" and face.name == "openai"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("forgets", [False, True], ids=["gives all back", "keeps calls alone"])
@pytest.mark.parametrize("first", PROVIDERS)
@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_a_session_over_three_providers_and_back(face: Face, first: str, forgets: bool, stream: bool) -> None:
    place = ORDER.index(first)
    visited = [ORDER[(place + step) % len(ORDER)] for step in range(3)]
    client = CLIENTS[face.name]
    said: list[Json] = []
    with asyncio.Runner() as runner:
        core = Core(runner, stream=stream)
        for name in [*visited, first]:
            kept = client.taken(core.turn(face, name, client.conversation(said)))
            said.append(client.bare(kept) if forgets else kept)
            text = json.dumps(core.sent)
            for other in PROVIDERS:
                if other != name and (other, name) not in SHARED and not sorts_out(name, face):
                    assert SEALS[other] not in text, f"a seal of {other} reached {name}"
        runner.run(core.gateway.close())

    assert text.count(SEALS[first]) == 1
    for name in visited:
        assert QUERIES[name] in text
    assert text.count("found") == len(visited)
    assert TOOL not in text
    assert all(TOOL in json.dumps(one, ensure_ascii=False) for one in said)
