"""Answers as text completions, judged by OpenAI's own SDK."""

from __future__ import annotations

import json
from typing import Any

import openai.types
import pytest
from google.protobuf.json_format import ParseDict

from dragoman.v1.chat_pb2 import ChatResponse
from gateway_dialects.completions.parse_request import ParsedTexts
from gateway_dialects.completions.render_response import render_texts
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.completions.server.answers import answer, asked


def answered(candidate: dict[str, Any]) -> ChatResponse:
    return ParseDict({"candidates": [candidate]}, ChatResponse())


def rendered(texts: ParsedTexts, *answers: ChatResponse) -> Any:
    before = [one.SerializeToString(deterministic=True) for one in answers]
    body = json.loads(render_texts(answers, texts, "cmpl-x", 7))
    assert [one.SerializeToString(deterministic=True) for one in answers] == before
    openai.types.Completion.model_validate(body, strict=True)
    return body


def test_one_text() -> None:
    body = rendered(asked(), answer(" upon a time"))
    assert (body["id"], body["object"], body["created"], body["model"]) == ("a-1", "text_completion", 7, "m")
    assert body["choices"] == [{"text": " upon a time", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert body["usage"]["total_tokens"] == 2


def test_an_answer_that_says_little_of_itself() -> None:
    bare = answered({})
    bare.route.model = "routed"
    body = rendered(asked(), bare)
    assert (body["id"], body["model"], body["usage"]) == ("cmpl-x", "routed", None)
    assert body["choices"] == [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]


def test_several_texts_of_several_prompts() -> None:
    body = rendered(asked(["a", "b"], n=2, echo=True), answer("1", "2", tokens=3), answer("3", "4", tokens=5))
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [(0, "a1"), (1, "a2"), (2, "b3"), (3, "b4")]
    usage = body["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (8, 8, 16)


def test_usage_that_only_one_answer_tells() -> None:
    silent = answer("2")
    silent.ClearField("usage")
    assert rendered(asked(["a", "b"]), answer("1", tokens=3), silent)["usage"]["total_tokens"] == 6


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("STOP", "stop"),
        ("LENGTH", "length"),
        ("CONTENT_FILTER", "content_filter"),
        ("TOOL_CALLS", "stop"),
        ("ERROR", "stop"),
    ],
)
def test_why_it_ended(reason: str, word: str) -> None:
    told = answered({"parts": [{"text": "x"}], "finishReason": f"FINISH_REASON_{reason}"})
    body = json.loads(render_texts([told], asked(), "cmpl-x", 7))
    assert body["choices"][0]["finish_reason"] == word


def test_reasoning_and_refusals() -> None:
    parts = [{"reasoning": {"text": "Hm."}}, {"text": "No: "}, {"refusal": "I will not."}]
    choice = rendered(asked(), answered({"parts": parts}))["choices"][0]
    assert (choice["reasoning"], choice["text"]) == ("Hm.", "No: I will not.")


def test_log_probabilities() -> None:
    token = {"token": " up", "logprob": -0.5, "top": [{"token": " up", "logprob": -0.5}, {"token": " in", "logprob": -2.0}]}
    last = {"token": "on", "logprob": -0.25}
    candidate = {"parts": [{"text": " upon"}], "logprobs": {"content": [token, last]}}
    told = answered(candidate)
    assert rendered(asked(logprobs=2), told)["choices"][0]["logprobs"] == {
        "tokens": [" up", "on"],
        "token_logprobs": [-0.5, -0.25],
        "top_logprobs": [{" up": -0.5, " in": -2.0}, {}],
        "text_offset": [4, 7],
    }
    assert rendered(asked(logprobs=0), told)["choices"][0]["logprobs"]["top_logprobs"] is None
    assert rendered(asked(), told)["choices"][0]["logprobs"] is None


def test_a_providers_own_usage_and_fingerprint() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "odd": 4}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    body = {"id": "1", "created": 5, "model": "m", "choices": [choice], "usage": usage, "system_fingerprint": "fp"}
    told = json.loads(render_texts([OPENAI.chat.decode(json.dumps(body).encode(), "p")], asked(), "cmpl-x", 7))
    assert told["usage"] == usage
    assert (told["created"], told["system_fingerprint"]) == (5, "fp")
