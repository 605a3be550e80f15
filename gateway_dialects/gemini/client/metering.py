"""Where Gemini tells usage: in every answer and every chunk of a stream, each time for all so far.

Source: https://ai.google.dev/api/generate-content#UsageMetadata and recorded answers.
"""

from __future__ import annotations

from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, text_of


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    usage = answer.get("usageMetadata")
    if not isinstance(usage, dict):
        return None
    return UsageReport(usage, text_of(answer.get("modelVersion")), text_of(usage.get("serviceTier")))
