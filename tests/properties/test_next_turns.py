"""A provider's answer, read by a client of any face and given back in its next turn: what the provider sealed returns to it
whole, wherever the client has carried it, and reaches nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.reading import read_stream
from tests.laws.test_laws import LANGUAGES
from tests.properties.faces import FACES, Face
from tests.properties.targets import EVERY_DIALECT, Target
from tests.properties.told import strings_in
from tests.recordings import FIXTURES

Json = dict[str, Any]
SEALED: Mapping[str, tuple[str, str, str, str]] = {
    "anthropic": ("anthropic", "thinking_adaptive", '"signature": "s"', '"signature": "seal-of-anthropic"'),
    "gemini, on a call": ("gemini", "tools_parallel", "c2lnLTI=", "c2VhbCBvZiBnZW1pbmk="),
    "gemini, on words": ("gemini", "thinking", "c2ln", "c2VhbCBvZiBnZW1pbmk="),
    "openai-responses": ("openai-responses", "stream_reasoning_encrypted", "gAAAB", "gAAAseal-of-openai"),
}
"""The dialect, an answer of it with a seal, the seal, and a longer one to put in its place."""
USER = {"role": "user", "content": "Hi"}


def answer_of(case: str) -> tuple[ChatResponse, str]:
    name, fixture, short, long = SEALED[case]
    found = next(target for target in EVERY_DIALECT if target.dialect.name == name)
    response = (FIXTURES / FOLDER[name] / f"{fixture}.json").read_text()
    assert short in response
    answer = json.loads(response.replace(short, long))["response"]
    seal = long.rpartition(": ")[2].strip('"')
    if "stream" in answer:
        return accumulate(read_stream(found.dialect, [answer["stream"].encode()])), seal
    return found.dialect.chat.decode(json.dumps(answer["body"]).encode(), "p"), seal


def chat_turn(answer: Json) -> Json:
    return with_results([USER, answer["choices"][0]["message"]])


def cohere_turn(answer: Json) -> Json:
    return with_results([USER, answer["message"]])


def with_results(messages: list[Json]) -> Json:
    """Every call is answered, and then the user goes on."""
    calls = messages[-1].get("tool_calls") or []
    answers = [{"role": "tool", "tool_call_id": call["id"], "content": "3"} for call in calls]
    return {"model": "m", "messages": [*messages, *answers, USER]}


def anthropic_turn(answer: Json) -> Json:
    used = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    answers = [{"type": "tool_result", "tool_use_id": call_id, "content": "3"} for call_id in used]
    said = {"role": "assistant", "content": answer["content"]}
    more = {"role": "user", "content": [*answers, {"type": "text", "text": "Hi"}]}
    return {"model": "m", "max_tokens": 4096, "messages": [USER, said, more]}


def gemini_turn(answer: Json) -> Json:
    said = answer["candidates"][0]["content"]
    called = [part["functionCall"] for part in said["parts"] if "functionCall" in part]
    answers = [{"functionResponse": {**pick(call), "response": {"result": 3}}} for call in called]
    user = {"role": "user", "parts": [{"text": "Hi"}]}
    return {"contents": [user, said, *([{"role": "user", "parts": answers}] if answers else []), user]}


def pick(call: Json) -> Json:
    return {name: call[name] for name in ("id", "name") if name in call}


def responses_turn(answer: Json) -> Json:
    called = [item for item in answer["output"] if item["type"] in ("function_call", "custom_tool_call")]
    answers = [{"type": f"{call['type']}_output", "call_id": call["call_id"], "output": "3"} for call in called]
    asked = {"include": ["reasoning.encrypted_content"], "store": False}
    return {"model": "m", "input": [USER, *answer["output"], *answers, USER], **asked}


NEXT: Mapping[str, Callable[[Json], Json]] = {
    "openai": chat_turn,
    "mistral": chat_turn,
    "cohere": cohere_turn,
    "anthropic": anthropic_turn,
    "gemini": gemini_turn,
    "openai-responses": responses_turn,
}
"""By face: the next turn, with the answer as the client got it."""
FOLDER = {face.name: face.fixtures for face in FACES}
FORGETFUL = frozenset(
    {
        ("mistral", "anthropic"),
        ("mistral", "openai-responses"),
        # Google asks for these and can do without: of a lost one on a call it is told that it is lost.
        *(("cohere", case) for case in SEALED if case.startswith("gemini")),
        *((name, "gemini, on words") for name in ("anthropic", "mistral")),
    }
)
"""Faces and seals that their form has no place for."""


def carried(face: Face, answer: Json, target: Target) -> str:
    """Everything that the target is sent."""
    request = face.parse(json.dumps(NEXT[face.name](answer)).encode())
    body, _, _ = target.encode(request)
    return "\n".join(strings_in(body))


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
@pytest.mark.parametrize("case", SEALED)
def test_a_seal_returns_to_who_made_it_and_to_nobody_else(face: Face, case: str) -> None:
    answer, seal = answer_of(case)
    rendered = json.loads(face.render(answer))
    for target in EVERY_DIALECT:
        sent = carried(face, rendered, target)
        if target.dialect.name != SEALED[case][0]:
            assert seal not in sent, f"a seal of {case} reached {target.name}"
        else:
            assert (seal in sent) is ((face.name, case) not in FORGETFUL)


NOT_TAKEN_BACK = frozenset({"fixtures-openai/stream_reasoning"})
"""Answers with what their provider gives and does not take."""


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_who_gives_an_answer_back_to_its_provider_is_warned_of_nothing(face: Face) -> None:
    language = next(language for language in LANGUAGES if language.name == face.name)
    warned = []
    for exchange in (*language.answers(), *language.streams()):
        if exchange.response.get("stream"):
            answer = accumulate(read_stream(face.dialect, [exchange.stream]))
        else:
            answer = face.dialect.chat.decode(json.dumps(exchange.body).encode(), "p")
        try:
            request = face.parse(json.dumps(NEXT[face.name](json.loads(face.render(answer)))).encode())
        except (GatewayError, KeyError):
            continue  # An answer without content is no turn.
        model = language.model_of(exchange) if exchange.request.get("body") else "m"
        _, warnings = face.dialect.encode_chat(request, model, language.endpoint_of(exchange), False)
        warned += [(exchange.name, warning.message) for warning in warnings if exchange.name not in NOT_TAKEN_BACK]
    assert warned == []
