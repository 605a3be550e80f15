"""A chat completion request of OpenRouter's form in the contract's terms: OpenAI's, with what OpenRouter adds to it.

Source: https://openrouter.ai/docs/api-reference/parameters, provider routing and model fallbacks.
"""

from dragoman.reasons import invalid
from gateway_dialects.kit.fields import array, boolean, mapping, parse_object, string
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.parse_request import ParsedChat, parse_fields

VENDOR = "openrouter"
ROUTER_FIELDS = frozenset(
    {
        *("provider", "plugins", "transforms", "preset", "session_id", "trace", "debug", "image_config"),
        *("response_cache", "top_a"),
    }
)
"""What no other vendor knows: sent to targets at OpenRouter, a warning elsewhere."""
DONE_HERE = frozenset({"models", "route", "usage", "include_reasoning"})
"""What the gateway does itself, or what means nothing any more: usage is always reported, and a list of models is always a
list of fallbacks."""


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    models = read_models(fields)
    plain = {name: value for name, value in fields.items() if name not in DONE_HERE | ROUTER_FIELDS}
    if fields.get("model") is None and models:
        plain["model"] = models[0]
    if fields.get("include_reasoning") is not None:
        show_reasoning(plain, boolean(fields["include_reasoning"], "include_reasoning"))
    check_ignored(fields)
    parsed = parse_fields(plain)
    parsed.chat.fallback_models.extend(name for name in models if name != parsed.chat.model)
    own = {name: value for name, value in fields.items() if name in ROUTER_FIELDS and value is not None}
    if own:
        parsed.chat.provider_options_json[VENDOR] = json_text(own)
    return parsed


def read_models(fields: Json) -> list[str]:
    """The models to ask, in order, without those that are named twice."""
    value = fields.get("models")
    if value is None:
        return []
    names = [string(name, f"models[{index}]") for index, name in enumerate(array(value, "models"))]
    return list(dict.fromkeys(names))


def show_reasoning(plain: Json, shown: bool) -> None:
    """include_reasoning, the older name of reasoning.exclude. Reasoning is shown unless it is excluded."""
    if not shown:
        reasoning = mapping(plain.get("reasoning") or {}, "reasoning")
        plain["reasoning"] = {"exclude": True, **reasoning}


def check_ignored(fields: Json) -> None:
    if fields.get("usage") is not None:
        mapping(fields["usage"], "usage")
    if (route := fields.get("route")) not in (None, "fallback", "sort"):
        raise invalid("route", f"'route' is {route!r}: use fallback, or leave it out.")
