"""Streams as text completions, judged by OpenAI's own SDK."""

from __future__ import annotations

from typing import Any

import openai.types

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.completions.parse_request import ParsedTexts
from gateway_dialects.completions.render_response import TextRenderer
from gateway_dialects.openai.render_stream import DONE
from tests.gateway_dialects.completions.server.answers import asked, batch, stream_of
from tests.laws.languages.openai import chunks_of


def streamed(texts: ParsedTexts, *batches: StreamResponse) -> list[Any]:
    renderer = TextRenderer(texts, fallback_id="cmpl-x", now=7)
    before = [one.SerializeToString(deterministic=True) for one in batches]
    written = b"".join(renderer.render(one) for one in batches)
    assert [one.SerializeToString(deterministic=True) for one in batches] == before
    assert written.endswith(DONE)
    assert written.count(DONE) == 1
    chunks = chunks_of(written)
    for chunk in chunks:
        body = {**chunk, "choices": [{**one, "finish_reason": one["finish_reason"] or "stop"} for one in chunk["choices"]]}
        openai.types.Completion.model_validate(body, strict=True)
    return chunks


def told(chunks: list[Any]) -> list[tuple[int, str, str | None]]:
    return [(one["index"], one["text"], one["finish_reason"]) for chunk in chunks for one in chunk["choices"]]


def test_one_text() -> None:
    chunks = streamed(asked(stream=True), stream_of(" upon"))
    assert told(chunks) == [(0, " upon", None), (0, "", "length")]
    assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("a-1", "text_completion", 7, "m")
    }
    assert not any("usage" in chunk for chunk in chunks)


def test_an_answer_without_an_id() -> None:
    chunks = streamed(asked(stream=True), stream_of("x", name=""))
    assert {chunk["id"] for chunk in chunks} == {"cmpl-x"}


def test_usage() -> None:
    chunks = streamed(asked(stream=True, stream_options={"include_usage": True}), stream_of("x", tokens=4))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None, None]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 8


def test_several_texts_of_several_prompts() -> None:
    texts = asked(["a", "b"], n=2, echo=True, stream=True, stream_options={"include_usage": True})
    chunks = streamed(texts, stream_of("1", "2", tokens=3), stream_of("3", "4", tokens=5, name="a-2"))
    assert told(chunks) == [
        *((0, "a", None), (1, "a", None), (0, "1", None), (1, "2", None), (0, "", "length"), (1, "", "length")),
        *((2, "b", None), (3, "b", None), (2, "3", None), (3, "4", None), (2, "", "length"), (3, "", "length")),
    ]
    assert {chunk["id"] for chunk in chunks} == {"a-1"}
    assert chunks[-1]["usage"]["total_tokens"] == 16


def test_reasoning_refusals_and_what_has_no_place() -> None:
    events = batch(
        {"started": {"model": "m"}},
        {"partStarted": {"part": {"reasoning": {}}}},
        {"partDelta": {"reasoning": "Hm."}},
        {"partDelta": {"signature": "s"}},
        {"partStarted": {"partIndex": 1, "part": {"refusal": "N"}}},
        {"partDelta": {"partIndex": 1, "refusal": "o."}},
        {"finished": {"candidates": [{"finishReason": "FINISH_REASON_STOP"}]}},
    )
    chunks = streamed(asked(stream=True), events)
    assert told(chunks) == [(0, "", None), (0, "N", None), (0, "o.", None), (0, "", "stop")]
    assert chunks[0]["choices"][0]["reasoning"] == "Hm."


def test_log_probabilities() -> None:
    def piece(text: str) -> dict[str, Any]:
        return {"partDelta": {"text": text, "logprobs": {"content": [{"token": text, "logprob": -0.5}]}}}

    events = batch(
        {"started": {"model": "m"}},
        {"partStarted": {"part": {"text": ""}}},
        piece(" up"),
        piece("on"),
        {"finished": {"candidates": [{"finishReason": "FINISH_REASON_STOP"}]}},
    )
    chunks = streamed(asked(stream=True, logprobs=0), events)
    found = [one["logprobs"] for chunk in chunks for one in chunk["choices"] if one["logprobs"]]
    assert [(one["tokens"], one["text_offset"]) for one in found] == [([" up"], [4]), (["on"], [7])]
    plain = streamed(asked(stream=True), events)
    assert not any(one["logprobs"] for chunk in plain for one in chunk["choices"])
