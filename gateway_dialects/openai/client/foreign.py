"""What a client carries for another provider: seals over its own thoughts, which nobody else may see; marks for its cache.

Google's compatible API writes extra_content.google.thought_signature; LiteLLM, and the clients that it taught, write
provider_specific_fields and thinking_blocks. They are no content of the conversation, so nobody is told that they stay here.
Nor are marks for the cache of Anthropic's models (cache_control, as OpenRouter takes it) at a vendor that caches by itself.
"""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit.dialect import Quirks
from gateway_dialects.kit.json import Json

LITELLM_FIELDS = ("provider_specific_fields", "thinking_blocks")


def without_foreign(fields: Json, quirks: Quirks) -> Json:
    """The fields of a message, a part, a tool or a call that this vendor may see. Changes fields."""
    for name in LITELLM_FIELDS:
        fields.pop(name, None)
    if not quirks.cache_control:
        fields.pop("cache_control", None)
    if "extra_content" in fields and not quirks.extra_content:
        rest = without_google(fields.pop("extra_content"))
        if rest:
            fields["extra_content"] = rest
    return fields


def without_google(extra: Any) -> Any:
    return {name: value for name, value in extra.items() if name != "google"} if isinstance(extra, dict) else extra
