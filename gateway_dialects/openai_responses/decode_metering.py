"""Where OpenAI's newer endpoints tell usage: responses, pictures, transcriptions.

Source: https://platform.openai.com/docs/api-reference and recorded answers. Anthropic has the same two counts, but no
total: the two mean different things by them.
"""

from __future__ import annotations

from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, text_of


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    response = answer.get("response")
    told = response if isinstance(response, dict) else answer
    usage = told.get("usage")
    if not isinstance(usage, dict) or not ("input_tokens" in usage and "total_tokens" in usage):
        return None
    return UsageReport(usage, text_of(told.get("model")), text_of(told.get("service_tier")))
