"""Schemas of tools and answers at vendors: fitted, told, and left alone where the client wrote them for this vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_JSON_SCHEMA, ChatRequest, FunctionTool, ResponseFormat, Tool
from dragoman.v1.content_pb2 import ROLE_USER, Message, Part
from gateway_core.execution.fitting import encode_fitted, fit
from gateway_core.models.fit import fit_to_model
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import Target
from gateway_dialects.gemini.parse_request import parse_chat as from_gemini
from gateway_dialects.kit.capabilities import Capabilities
from tests.fitted import endpoint_at

Json = dict[str, Any]
ODD: Json = {
    "type": "object",
    "properties": {"a": {"type": "string", "pattern": "(?=a)", "format": "uri", "minLength": 1}},
    "anyOf": [{"required": ["a"]}, {"maxProperties": 1}],
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
ANSWER = "response_format.json_schema.schema"
CLOSED: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-sonnet-4-5",
    "mistral": "mistral-large-latest",
    "cohere": "command-a-03-2025",
    "google": "gemini-2.5-flash",
    "groq": "openai/gpt-oss-120b",
    "cerebras": "gpt-oss-120b",
    "xai": "grok-4",
    "together": "m",
}


def target_at(vendor: str, dialect: str) -> Target:
    row = next(row for row in VENDORS if row.name == vendor and row.dialect == dialect)
    return Target(endpoint_at(row, "https://up/v1"), MODELS[vendor])


def sent(request: ChatRequest, vendor: str, dialect: str = "openai", api: str = "") -> tuple[Json, dict[str, str]]:
    """The body, and the warnings by their fields."""
    target = target_at(vendor, dialect)
    request.messages.append(Message(role=ROLE_USER, parts=[Part(text="Hi")]))
    encoded = encode_fitted(DIALECTS[dialect].chat, fit(request, target, api), target)
    return json.loads(encoded.request.body), {warning.field: warning.message for warning in encoded.warnings}


def tool(schema: Json, **fields: Any) -> ChatRequest:
    return ChatRequest(tools=[Tool(function=FunctionTool(name="f", parameters_json=json.dumps(schema), **fields))])


def answer(schema: Json, **fields: Any) -> ChatRequest:
    kind = RESPONSE_FORMAT_TYPE_JSON_SCHEMA
    return ChatRequest(response_format=ResponseFormat(type=kind, name="n", schema_json=json.dumps(schema), **fields))


def schemas_in(value: Any) -> list[Json]:
    """Whatever stands where APIs have schemas."""
    if isinstance(value, list):
        return [found for one in value for found in schemas_in(one)]
    if not isinstance(value, dict):
        return []
    names = ("parameters", "input_schema", "schema", "json_schema", "parametersJsonSchema", "responseJsonSchema")
    here = [one for name in names if isinstance(one := value.get(name), dict) and "schema" not in one]
    return here or [found for inner in value.values() for found in schemas_in(inner)]


@pytest.mark.parametrize(
    ("vendor", "dialect", "api"),
    [
        ("openai", "openai", "openai"),
        ("openai", "openai", "openai-responses"),
        ("openai", "openai-responses", "openai-responses"),
        ("anthropic", "anthropic", "anthropic"),
        ("mistral", "mistral", "mistral"),
        ("cohere", "cohere", "cohere"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_client_of_the_vendors_own_gets_its_own_schema(vendor: str, dialect: str, api: str, strict: bool) -> None:
    body, warned = sent(tool(ODD, strict=strict), vendor, dialect, api)
    assert (schemas_in(body), warned) == ([ODD], {})
    if vendor != "anthropic":
        body, warned = sent(answer(ODD, strict=strict), vendor, dialect, api)
        assert (schemas_in(body), warned) == ([ODD], {})


def test_so_does_geminis() -> None:
    schema = {**ODD, "properties": {"a": {"$ref": "#/$defs/a", "type": "string"}}}
    declarations = {"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    for body in ({"tools": [declarations]}, {"generationConfig": config}):
        request = from_gemini(json.dumps({**body, "contents": [{"parts": [{"text": "Hi"}]}]}).encode(), "gemini-2.5-flash")
        assert schemas_in(sent(request, "google", "gemini", "gemini")[0]) == [schema]


@pytest.mark.parametrize(
    ("vendor", "of_tool", "of_answer"),
    [
        ("openai", "anyOf, pattern", "anyOf, pattern"),
        ("groq", "", "minLength, maxProperties"),
        ("cerebras", "maxProperties, pattern, format, minLength", "anyOf, pattern, format, minLength"),
        ("xai", "pattern, format, minLength", "pattern, format, minLength"),
        ("cohere", "", None),
        ("mistral", "", "format"),
    ],
)
def test_others_are_told_what_is_lost(vendor: str, of_tool: str, of_answer: str | None) -> None:
    """None: the answer's form was asked for in words."""
    dialect = vendor if vendor in ("cohere", "mistral") else "openai"
    places = ((tool(ODD), "tools[0].function.parameters", of_tool), (answer(ODD), ANSWER, of_answer))
    for request, place, lost in places:
        _, warned = sent(request, vendor, dialect, "anthropic")
        assert list(warned) == (["response_format"] if lost is None else [place] if lost else [])
        told = warned.get(place, "").partition(" answers to ")[2].partition(";")[0]
        assert set(told.split(", ")) == set((lost or "").split(", "))


def test_openai_reads_objects_alone_and_no_look_ahead() -> None:
    body, warned = sent(tool(ODD), "openai", api="anthropic")
    schema = schemas_in(body)[0]
    assert list(schema) == ["type", "properties", "$schema", "description"]
    assert list(schema["properties"]["a"]) == ["type", "format", "minLength", "description"]
    assert "anyOf, pattern" in warned["tools[0].function.parameters"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {"type": "array"}}}, {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"b": {}}}}},
            {"type": "object", "properties": {"b": {}}, "$defs": {"a": {"type": "object", "properties": {"b": {}}}}},
        ),
        (
            {"type": "object", "allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
            {"type": "object", "properties": {"a": {}, "b": {}}},
        ),
    ],
)
def test_what_openai_wants_to_be_said_is_said(schema: Json, said: Json) -> None:
    body, warned = sent(tool(schema), "openai", api="anthropic")
    assert (schemas_in(body), warned) == ([said], {})


def test_strictness_is_given_up_where_it_would_refuse_what_was_allowed() -> None:
    optional = {**CLOSED, "required": []}
    body, warned = sent(tool(optional, strict=True), "openai", api="anthropic")
    assert (schemas_in(body), list(warned)) == ([optional], ["tools[0].function.strict"])
    assert "strict" not in body["tools"][0]["function"]
    body, warned = sent(answer(optional, strict=True), "openai", api="anthropic")
    assert body["response_format"]["json_schema"]["strict"] is False
    assert list(warned) == ["response_format.json_schema.strict"]


def test_strict_schemas_keep_what_they_can() -> None:
    body, warned = sent(tool({**CLOSED, "default": {}, "oneOf": [{}]}, strict=True), "openai", api="anthropic")
    assert body["tools"][0]["function"]["strict"] is True
    assert "default" not in schemas_in(body)[0]
    assert list(warned) == ["tools[0].function.parameters"]


def test_an_answer_that_no_schema_can_hold_is_asked_for_in_words() -> None:
    body, warned = sent(answer({"type": "array", "items": {}}), "openai", api="anthropic")
    assert body["response_format"] == {"type": "json_object"}
    assert '{"type": "array", "items": {}}' in body["messages"][0]["content"]
    assert list(warned) == ["response_format"]


def test_servers_of_which_nothing_is_known_get_what_was_said() -> None:
    assert schemas_in(sent(tool(ODD, strict=True), "together", api="anthropic")[0]) == [ODD]
    assert schemas_in(sent(answer(ODD), "together", api="anthropic")[0]) == [ODD]


def test_a_request_whose_schemas_fit_is_not_copied() -> None:
    model = target_at("xai", "openai").endpoint.capabilities_of("grok-4")
    for _ in range(2):  # The second time it is remembered.
        request = tool(CLOSED)
        assert fit_to_model(request, Capabilities(schemas=model.schemas), "xai")[0] is request
