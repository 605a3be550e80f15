"""A chat completion request of OpenRouter's form in the contract's terms: OpenAI's, with what OpenRouter adds to it.

Source: https://openrouter.ai/docs/api-reference/parameters, provider routing and model fallbacks.
"""

from gateway_dialects.kit.fields import boolean, mapping, parse_object
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.parse_request import ParsedChat, parse_fields

VENDOR = "openrouter"
ROUTER_FIELDS = frozenset(
    {*("plugins", "transforms", "preset", "session_id", "trace", "debug", "image_config"), *("response_cache", "top_a")}
)
"""What no other vendor knows: sent to targets at OpenRouter, a warning elsewhere."""
DONE_HERE = frozenset({"usage", "include_reasoning"})
"""What the gateway does itself, or what means nothing any more: usage is always reported."""


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    plain = {name: value for name, value in fields.items() if name not in DONE_HERE | ROUTER_FIELDS}
    if fields.get("include_reasoning") is not None:
        show_reasoning(plain, boolean(fields["include_reasoning"], "include_reasoning"))
    if fields.get("usage") is not None:
        mapping(fields["usage"], "usage")
    parsed = parse_fields(plain)
    own = {name: value for name, value in fields.items() if name in ROUTER_FIELDS and value is not None}
    if own:
        parsed.chat.provider_options_json[VENDOR] = json_text(own)
    return parsed


def show_reasoning(plain: Json, shown: bool) -> None:
    """include_reasoning, the older name of reasoning.exclude. Reasoning is shown unless it is excluded."""
    if not shown:
        reasoning = mapping(plain.get("reasoning") or {}, "reasoning")
        plain["reasoning"] = {"exclude": True, **reasoning}
