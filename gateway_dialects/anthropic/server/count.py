"""The answer of POST /v1/messages/count_tokens (https://platform.claude.com/docs/en/api/messages-count-tokens)."""

from __future__ import annotations

from gateway_dialects.kit.json import encode_json


def render_count(input_tokens: int) -> bytes:
    return encode_json({"input_tokens": input_tokens})
