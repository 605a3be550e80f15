"""What all answers in OpenAI's chat completions format have in common, whole or streamed.

Format: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.providers.demo.bounds import tokens
from gateway_core.providers.demo.moves import Call, End, Move
from gateway_core.providers.demo.question import Json, Question

CREATED = 1_700_000_000
"""Seconds since 1970: always the same, so that equal requests get equal answers."""
FINGERPRINT = "fp_demo"


def head(question: Question, kind: str) -> Json:
    return {
        "id": f"chatcmpl-demo-{question.digest}",
        "object": kind,
        "created": CREATED,
        "model": question.model,
        "system_fingerprint": FINGERPRINT,
    }


def usage(question: Question, moves: Sequence[Move]) -> Json:
    """Words as tokens; every candidate is counted."""
    prompt = question.prompt_tokens()
    completion, reasoning = (count * question.count for count in tokens(moves))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def finish_reason(moves: Sequence[Move]) -> str | None:
    """None when the answer breaks off without naming one."""
    for move in moves:
        if isinstance(move, End):
            return move.how if isinstance(move.how, str) else None
    return "tool_calls" if any(isinstance(move, Call) for move in moves) else "stop"


def call_id(question: Question, candidate: int, number: int) -> str:
    return f"call_demo_{question.digest[:8]}_{candidate}_{number}"


def token_logprob(text: str, alternatives: int) -> Json:
    """Made up from the token alone: the longer, the less likely; alternatives are less likely still."""
    logprob = -len(text) / 100
    found = {"token": text, "logprob": logprob, "bytes": list(text.encode())}
    others = [
        {"token": (other := f"{text}~{number}"), "logprob": logprob - number, "bytes": list(other.encode())}
        for number in range(1, alternatives)
    ]
    return {**found, "top_logprobs": [found, *others] if alternatives else []}
