"""The answer of countTokens. Source: https://ai.google.dev/api/tokens and recorded answers."""

from __future__ import annotations

from gateway_dialects.kit.json import encode_json


def render_count(tokens: int) -> bytes:
    """tokens: of the whole request, counted or estimated."""
    return encode_json({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})
