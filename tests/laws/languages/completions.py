"""OpenAI's legacy text completions: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.providers.vendors import vendor_of
from gateway_dialects.completions import CLIENT
from gateway_dialects.completions.parse_request import parse_texts
from gateway_dialects.completions.render_response import TextRenderer, render_texts
from gateway_dialects.kit.dialect import Endpoint
from tests.laws.language import Language, Least
from tests.laws.languages.openai import STREAM_FLAGS, chunks_of, end_of_content, same_in_fold, without_nulls
from tests.recordings import Exchange

VENDORS = ("fixtures-openai_completions", "openai-other")
ASKED = parse_texts(b'{"model":"m","prompt":"P","logprobs":5,"n":4,"stream":true,"stream_options":{"include_usage":true}}')


def is_own(exchange: Exchange) -> bool:
    return exchange.vendor in VENDORS and exchange.request["path"] == "/v1/completions"


def endpoint_of(exchange: Exchange) -> Endpoint:
    row = vendor_of("openai", dialect="openai-completions")
    assert row is not None
    return Endpoint("p", "openai-completions", "http://upstream", quirks=row.quirks)


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_texts(json.dumps(exchange.request["body"]).encode())
    return parsed.chats[0], parsed.stream


def canonical_request(body: dict[str, Any]) -> Any:
    """Each of several prompts is a request of its own."""
    plain = without_nulls({name: value for name, value in body.items() if name not in (*STREAM_FLAGS, "model")})
    if isinstance(plain["prompt"], list):
        plain["prompt"] = plain["prompt"][0]
    return plain


def canonical_answer(body: dict[str, Any]) -> Any:
    """Offsets are counted from the prompt's beginning; what a provider puts before a prompt with a suffix is not known."""
    plain = without_nulls(body)
    for choice in plain["choices"]:
        choice.get("logprobs", {}).pop("text_offset", None)
    return plain


def fold_chunks(stream: bytes) -> dict[str, Any]:
    """A stream's chunks as one whole answer."""
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks_of(stream):
        answer.update({name: value for name, value in chunk.items() if name != "choices" and value is not None})
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"index": piece["index"], "text": "", "finish_reason": None})
            choice["text"] += piece["text"]
            choice["finish_reason"] = piece["finish_reason"] or choice["finish_reason"]
            for name, values in (piece["logprobs"] or {}).items():
                choice.setdefault("logprobs", {}).setdefault(name, []).extend(values)
    return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def text_deltas(stream: bytes) -> list[Any]:
    pieces = [piece for chunk in chunks_of(stream) for piece in chunk["choices"]]
    return [(piece["index"], piece["text"]) for piece in pieces if piece["text"]]


def render(answer: ChatResponse) -> bytes:
    return render_texts((answer,), ASKED, "fallback", 1)


COMPLETIONS = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=endpoint_of,
    parse=parse,
    render=render,
    writer=lambda: TextRenderer(ASKED, fallback_id="fallback", now=1),
    fold_stream=fold_chunks,
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    live=text_deltas,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    ending=b"data: [DONE]\n\n",
    failed={"fixtures-openai_completions/stream_error": Reason.RATE_LIMITED},
    refused=frozenset(f"openai-other/envoy_completion_{name}" for name in ("bad_request", "token", "token_batch")),
    least=Least(requests=13, answers=8, streams=5),
)
