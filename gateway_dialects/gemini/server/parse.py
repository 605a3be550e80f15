"""A client's generateContent request in the contract's terms.

Nothing a client sends is lost: what the contract does not name travels in provider_options_json["gemini"].

Source: https://ai.google.dev/api/generate-content and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.gemini.server.contents import parse_contents, parse_system
from gateway_dialects.gemini.server.details import DIALECT
from gateway_dialects.gemini.server.generation import parse_generation
from gateway_dialects.gemini.server.proto_json import fields_in
from gateway_dialects.gemini.server.tools import parse_tool_config, parse_tools
from gateway_dialects.kit.fields import missing, parse_object, string
from gateway_dialects.kit.json import Json, json_text

TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
IN_PATH = frozenset({"model", "contents", "systemInstruction"})


def parse_method(path: str) -> tuple[str, str]:
    """What stands behind /models/ in a URL: the model, which may hold slashes and colons, and the method, which may be
    missing."""
    model, colon, method = path.rpartition(":")
    return (model, method) if colon else (method, "")


def parse_chat(body: bytes, model: str) -> ChatRequest:
    """The request of :generateContent and :streamGenerateContent; the model stands in the URL. Raises GatewayError naming
    the field at fault."""
    return parse_fields(parse_object(body), model)


def parse_count(body: bytes, model: str) -> ChatRequest:
    """The request of :countTokens, whose contents may stand inside a generateContentRequest. Raises like parse_chat."""
    fields = fields_in(parse_object(body), "")
    return parse_fields(fields.get("generateContentRequest", fields), model)


def parse_fields(body: Any, model: str) -> ChatRequest:
    try:
        return read_request(fields_in(body, ""), model)
    except RecursionError:
        raise invalid("", "The request body is nested too deeply.", "invalid_json") from None


def read_request(fields: Json, model: str) -> ChatRequest:
    if "contents" not in fields:
        raise missing("contents")
    request = ChatRequest(model=model)
    options: Json = {}
    if "systemInstruction" in fields:
        parse_system(request, fields["systemInstruction"])
    parse_contents(request, fields["contents"])
    for name, value in fields.items():
        if parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        elif name not in IN_PATH:
            options[name] = value
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    return request


def parse_tier(request: ChatRequest, value: Any, options: Json) -> None:
    word = string(value, "serviceTier")
    if word in TIERS:
        request.service_tier = TIERS[word]
    else:
        options["serviceTier"] = value


FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "tools": parse_tools,
    "toolConfig": parse_tool_config,
    "generationConfig": parse_generation,
    "serviceTier": parse_tier,
}
