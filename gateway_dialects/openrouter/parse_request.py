"""A chat completion request of OpenRouter's form in the contract's terms: OpenAI's, with what OpenRouter adds to it.

Source: https://openrouter.ai/docs/api-reference/parameters, provider routing and model fallbacks.
"""

from __future__ import annotations

from typing import Any

from dragoman.reasons import invalid
from gateway_dialects.kit.fields import array, boolean, mapping, parse_object, string
from gateway_dialects.kit.json import Json, decode_json, json_text
from gateway_dialects.openai.parse_messages import DIALECT as OPENAI
from gateway_dialects.openai.parse_request import ParsedChat, parse_fields

VENDOR = "openrouter"
ROUTER_FIELDS = frozenset(
    {
        *("provider", "plugins", "transforms", "preset", "session_id", "trace", "debug", "image_config"),
        *("response_cache", "top_a"),
    }
)
"""What no other vendor knows. It reaches targets at OpenRouter, and becomes a warning elsewhere."""
DONE_HERE = frozenset({"models", "route", "usage", "include_reasoning"})
"""What the gateway does itself, or what says nothing any more: usage is always told, and a list of models is always there to
fall back on."""


def parse_chat(body: bytes) -> ParsedChat:
    """Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    models = read_models(fields)
    plain = {name: value for name, value in fields.items() if name not in DONE_HERE}
    if fields.get("model") is None and models:
        plain["model"] = models[0]
    if fields.get("include_reasoning") is not None:
        show_reasoning(plain, boolean(fields["include_reasoning"], "include_reasoning"))
    check_ignored(fields)
    parsed = parse_fields(plain)
    parsed.chat.fallback_models.extend(name for name in models if name != parsed.chat.model)
    set_apart(parsed)
    return parsed


def read_models(fields: Json) -> list[str]:
    """The models to ask, in order, without those that are named twice."""
    value = fields.get("models")
    if value is None:
        return []
    names = [string(name, f"models[{index}]") for index, name in enumerate(array(value, "models"))]
    return list(dict.fromkeys(names))


def show_reasoning(plain: Json, shown: bool) -> None:
    """The older word for reasoning.exclude. What is shown anyway needs no asking."""
    if not shown:
        reasoning = mapping(plain.get("reasoning") or {}, "reasoning")
        plain["reasoning"] = {"exclude": True, **reasoning}


def check_ignored(fields: Json) -> None:
    if fields.get("usage") is not None:
        mapping(fields["usage"], "usage")
    if (route := fields.get("route")) not in (None, "fallback", "sort"):
        raise invalid("route", f"'route' is {route!r}: use fallback, or leave it out.")


def set_apart(parsed: ParsedChat) -> None:
    """Take what only OpenRouter understands out of the options of OpenAI's form."""
    options = parsed.chat.provider_options_json
    found: Json = decode_json(options[OPENAI]) if OPENAI in options else {}
    own: dict[str, Any] = {name: found.pop(name) for name in ROUTER_FIELDS & found.keys()}
    if not own:
        return
    options[VENDOR] = json_text(own)
    if found:
        options[OPENAI] = json_text(found)
    else:
        del options[OPENAI]
