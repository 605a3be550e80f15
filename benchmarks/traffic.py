"""The fixed requests and answers of the benchmark, in the forms of OpenAI's chat completions and of Anthropic's messages as
recorded from their APIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

CHUNKS = 100
"""Content chunks in one streamed answer."""
MODEL = "gpt-4o-mini"
ANTHROPIC_MODEL = "claude-sonnet-4-5"
"""Asked for in OpenAI's form, answered in Anthropic's: the gateway translates."""
TRICKLE_MODEL = "gpt-4o-mini-trickle"
"""The upstream streams this model's answer one chunk at a time, with pauses."""
SYSTEM = "You are a helpful assistant. Answer in one short sentence."
QUESTION = "What is the capital of Mexico, and where in the country does it lie?"
TEXT = "The capital of Mexico is Mexico City, on the high plateau in the south of the country."
WORDS = tuple(" " + TEXT.split()[position % len(TEXT.split())] for position in range(CHUNKS))
STREAMED_TEXT = "".join(WORDS)

PADDING = "KhEoTT6u7JgGw8sXvGAIh5PMv"
"""OpenAI's differs from chunk to chunk, in length too."""

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


def http_request(
    port: int, model: str, *, stream: bool, path: str = "/v1/chat/completions", headers: Sequence[str] = ()
) -> bytes:
    """A whole HTTP/1.1 request with the headers that the openai SDK sends, and further ones."""
    body = request_body(model, stream=stream)
    further = "".join(f"{header}\r\n" for header in headers)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
        "Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 3.52.0\r\n"
        "X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.52.0\r\nX-Stainless-OS: Linux\r\n"
        "X-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.11.7\r\n"
        "Authorization: Bearer sk-benchmark\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n"
        f"{further}Content-Length: {len(body)}\r\n\r\n"
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
    padding = PADDING[sum(map(len, repr(choices))) % 16 :]
    return b"data: " + msgspec.json.encode({**chunk, "obfuscation": padding}) + b"\n\n"


def anthropic_message(content: list[dict[str, str]], stop_reason: str | None) -> dict[str, object]:
    usage = {"input_tokens": 31, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": CHUNKS}
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": ANTHROPIC_MODEL,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def anthropic_answer() -> bytes:
    return msgspec.json.encode(anthropic_message([{"type": "text", "text": TEXT}], "end_turn"))


def anthropic_events() -> list[bytes]:
    """The message, its one block with CHUNKS pieces of text, the end with the usage."""
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS]
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": anthropic_message([], None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": CHUNKS},
        },
        {"type": "message_stop"},
    ]
    return [b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), msgspec.json.encode(event)) for event in events]
