"""Where the Messages API tells usage: in a whole message, and in two events of a stream, the later one cumulative.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and recorded streams.
"""

from __future__ import annotations

from gateway_dialects.anthropic.client.usage import service_tier_of
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, text_of


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    message = answer.get("message")
    told = message if isinstance(message, dict) else answer
    usage = told.get("usage")
    if not isinstance(usage, dict) or "total_tokens" in usage or not ("input_tokens" in usage or "output_tokens" in usage):
        return None
    return UsageReport(usage, text_of(told.get("model")), service_tier_of(usage), partial=True)
