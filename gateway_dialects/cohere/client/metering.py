"""Where Cohere tells usage: chat in usage, its stream in the last event's delta, embed and rerank in meta.

Source: https://docs.cohere.com/reference and recorded answers. None of them names the model.
"""

from __future__ import annotations

from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage."""
    delta = answer.get("delta")
    told = delta if isinstance(delta, dict) else answer
    for usage in (told.get("usage"), told.get("meta")):
        if isinstance(usage, dict) and ("billed_units" in usage or "tokens" in usage):
            return UsageReport(usage)
    return None
