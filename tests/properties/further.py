"""Rows of the table that no single request shows: streams, usage, reasoning given back, candidates, counts and lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.content_pb2 import Message, Role
from dragoman.v1.usage_pb2 import Usage
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports, Upstream
from gateway_core.execution.fan_out import ask_each, gives_several
from gateway_dialects.kit.dialect import Timers, UpstreamRequest
from tests.properties.columns import Column
from tests.properties.faces import FACES
from tests.properties.probes import asking, text
from tests.properties.verdicts import Verdict, answer_of, has_place
from tests.recordings import FIXTURES

Judge = Callable[[Column, str], Verdict]
THINKING = {
    "anthropic": ("thinking_adaptive", "messages.*.content.*.signature"),
    "gemini": ("thinking", "contents.*.parts.*.thoughtSignature"),
    "cohere": ("thinking", "messages.*.content.*.thinking"),
    "mistral": ("stream_thinking", "messages.*.content.*.thinking"),
    "openai_responses": ("reasoning_and_tools", "input.*.encrypted_content"),
    "openai": ("reasoning_content", "messages.*.reasoning_content"),
}
"""By folder of fixtures: an answer with reasoning, and where it stands when it is given back."""
NATIVE = Verdict("native")


def streams(column: Column, model: str) -> Verdict:
    upstream, _ = column.encode(asking(), model, stream=True)
    assert json.loads(upstream.body).get("stream") is True or "stream" in upstream.url
    assert text(answer_of(column, column.fixtures, "stream_text"))
    return NATIVE


def usage(column: Column, model: str) -> Verdict:
    """In whole answers and in streams, with what was read from the prompt cache."""
    assert answer_of(column, column.fixtures, "stream_text").usage.total_tokens
    face = next(face for face in FACES if face.fixtures == column.fixtures)
    answer = answer_of(column, column.fixtures, "stream_text")
    answer.usage.CopyFrom(Usage(input_tokens=100, output_tokens=5, total_tokens=105, cache_read_tokens=60))
    counted = column.dialect.chat.decode(face.render(answer), "p").usage
    assert (counted.input_tokens, counted.cache_read_tokens) == (100, 60)
    return NATIVE


def reasoning_given_back(column: Column, model: str) -> Verdict:
    """An answer's reasoning, sent again in the next turn to the model that gave it."""
    fixture, place = THINKING[column.fixtures]
    said = answer_of(column, column.fixtures, fixture).candidates[0].parts
    spoken = [part for part in said if not part.HasField("tool_call")]
    turn = Message(role=Role.ROLE_ASSISTANT, parts=spoken)
    messages = [*asking().messages, turn, *asking().messages]
    upstream, warnings = column.encode(ChatRequest(messages=messages, reasoning=ReasoningSettings(effort="high")), model)
    if has_place(json.loads(upstream.body), place):
        return NATIVE
    assert warnings, "reasoning was lost"
    return Verdict("warned", warnings[0].message)


class Answering:
    """A transport that answers every request with one body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.asked: list[bytes] = []

    async def send(self, request: UpstreamRequest, deadline: Deadline, timers: Timers | None = None) -> Answered:
        self.asked.append(request.body)
        return Answered(self._body)

    async def close(self) -> None:
        """Nothing is open."""


class Answered:
    """A whole answer that has arrived."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}
    header_fields: Sequence[tuple[str, str]] = ()

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body

    async def close(self) -> None:
        """Nothing is open."""


def candidates(column: Column, model: str) -> Verdict:
    request = asking(candidate_count=2)
    if gives_several(column.target):
        body = json.loads(column.encode(request, model)[0].body)
        assert has_place(body, "n|generationConfig.candidateCount")
        return NATIVE
    transport = Answering(a_text(column))
    upstream = Upstream(column.target, Transports.only(transport), Deadline.after(60))
    merged = asyncio.run(ask_each(request, upstream))
    assert (len(merged.candidates), len(transport.asked)) == (2, 2)
    return Verdict("emulated", "the request is made n times at once, and billed n times")


def a_text(column: Column) -> bytes:
    response: dict[str, Any] = json.loads((FIXTURES / column.fixtures / "text.json").read_text())["response"]
    return json.dumps(response["body"]).encode()


def token_count(column: Column, model: str) -> Verdict:
    if column.dialect.count_tokens is None:
        return Verdict("emulated", "estimated: about four bytes to a token, and told to be an estimate")
    assert column.dialect.count_tokens.encode(asking(), model, column.endpoint).request.url.startswith("https://")
    return NATIVE


def model_list(column: Column, model: str) -> Verdict:
    assert column.dialect.list_models.encode(None, "", column.endpoint).request.method == "GET"
    listed = b'{"data":[{"id":"m","type":"model"}],"models":[{"name":"models/m","endpoints":["chat"]}]}'
    try:
        assert [found.id for found in column.dialect.list_models.decode(listed, "p")] in (["p/m"], ["p/models/m"])
    except GatewayError as error:
        raise AssertionError(error.message) from error
    return NATIVE


FURTHER: Mapping[str, Judge] = {
    "streams": streams,
    "usage, cached tokens told": usage,
    "reasoning, given back": reasoning_given_back,
    "several candidates (n)": candidates,
    "token count before the chat": token_count,
    "list of models": model_list,
}
