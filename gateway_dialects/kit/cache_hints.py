"""cache_control, Anthropic's field for prompt caching that other vendors' APIs took over, and the contract's CacheHint."""

from typing import Any

from dragoman.v1.content_pb2 import CacheHint
from gateway_dialects.kit.json import Json


def cache_control(hint: CacheHint) -> Json:
    return {"type": "ephemeral", "ttl": hint.ttl} if hint.ttl else {"type": "ephemeral"}


def take_cache_hint(holder: Any, fields: Json) -> bool:
    """Moves cache_control from the fields to the cache_hint of a message, part or tool. False: there is none, or one that
    the hint cannot hold, which stays."""
    match fields.get("cache_control"):
        case {"type": "ephemeral", **more} if not more or (more.keys() == {"ttl"} and isinstance(more["ttl"], str)):
            del fields["cache_control"]
            holder.cache_hint.ttl = more.get("ttl", "")
            holder.cache_hint.SetInParent()
            return True
    return False
