"""Mistral tells usage where OpenAI does, but for sound, which it counts beside the rest of the input."""

from __future__ import annotations

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json
from gateway_dialects.mistral.client.response import include_all
from gateway_dialects.openai.decode_usage import read_usage as read_openai


def read_usage(raw: Json) -> Usage:
    """See Dialect.read_usage."""
    usage = read_openai(raw)
    include_all(usage)
    return usage
