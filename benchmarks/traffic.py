"""The fixed requests and answers of the benchmark, in the form of OpenAI's chat completions as recorded from its API."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

CHUNKS = 100
"""Content chunks in one streamed answer."""
MODEL = "gpt-4o-mini"
TRICKLE_MODEL = "gpt-4o-mini-trickle"
"""The upstream streams this model's answer one chunk at a time, with pauses."""
SYSTEM = "You are a helpful assistant. Answer in one short sentence."
QUESTION = "What is the capital of Mexico, and where in the country does it lie?"
TEXT = "The capital of Mexico is Mexico City, on the high plateau in the south of the country."
WORDS = tuple(" " + TEXT.split()[position % len(TEXT.split())] for position in range(CHUNKS))
STREAMED_TEXT = "".join(WORDS)

USAGE = {
    "prompt_tokens": 31,
    "completion_tokens": CHUNKS,
    "total_tokens": 31 + CHUNKS,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
HEAD = {"id": "chatcmpl-C2P1wP1damHwC6sXvGAIh5PMvH6wM", "created": 1754688908, "model": "gpt-4o-mini-2024-07-18"}
TAIL = {"service_tier": "default", "system_fingerprint": "fp_ff25b2783a"}


def request_body(model: str, *, stream: bool) -> bytes:
    """What the openai SDK would send."""
    body: dict[str, object] = {
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        "model": model,
        "max_tokens": 256,
        "temperature": 0.7,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body)


def http_request(port: int, model: str, *, stream: bool) -> bytes:
    """A whole HTTP/1.1 request with the headers that the openai SDK sends."""
    body = request_body(model, stream=stream)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
        "Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 3.52.0\r\n"
        "X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.52.0\r\nX-Stainless-OS: Linux\r\n"
        "X-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.11.7\r\n"
        "Authorization: Bearer sk-benchmark\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def unary_answer() -> bytes:
    """The body of an answer that is not streamed."""
    message: dict[str, object] = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return msgspec.json.encode({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE, **TAIL})


def stream_events() -> list[bytes]:
    """The server-sent events of a streamed answer: the role, CHUNKS pieces of content, the end, the usage, [DONE]."""
    deltas: list[Mapping[str, str | None]] = [
        {"role": "assistant", "content": "", "refusal": None},
        *({"content": word} for word in WORDS),
    ]
    events = [stream_event([choice(delta, None)], None) for delta in deltas]
    events.append(stream_event([choice({}, "stop")], None))
    return [*events, stream_event([], USAGE), b"data: [DONE]\n\n"]


def choice(delta: Mapping[str, str | None], finish_reason: str | None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def stream_event(choices: list[dict[str, object]], usage: dict[str, object] | None) -> bytes:
    chunk = {**HEAD, "object": "chat.completion.chunk", **TAIL, "choices": choices, "usage": usage}
    return b"data: " + msgspec.json.encode({**chunk, "obfuscation": "KhEoTT6u7JgG"}) + b"\n\n"
