"""Where OpenAI's API and its like tell usage, in whole answers and in events: chat completions, completions, embeddings.

Sources: https://platform.openai.com/docs/api-reference and recorded answers; Groq's streams have a place of their own.
"""

from __future__ import annotations

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, text_of
from gateway_dialects.openai.client.usage import decode_usage


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    groq = answer.get("x_groq")
    usage = answer.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
    if not isinstance(usage, dict) or not ("prompt_tokens" in usage or "completion_tokens" in usage):
        return None
    return UsageReport(usage, text_of(answer.get("model")), text_of(answer.get("service_tier")))


def read_usage(raw: Json) -> Usage:
    """See Dialect.read_usage."""
    usage = Usage()
    decode_usage(usage, raw)
    return usage
