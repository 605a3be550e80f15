"""Tools, tool choice and the answer's form, by generation of models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import FunctionTool, ResponseFormat, ResponseFormatType, Tool, ToolChoice, ToolChoiceMode
from dragoman.v1.content_pb2 import Opaque
from tests.gateway_dialects.gemini.client.asking import FLASH, NEWER, OLD, asked, sent

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
OBJECT = ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT)
BY_SCHEMA = ResponseFormat(
    type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, name="place", schema_json=json.dumps(SCHEMA), strict=True
)


def function(name: str = "f", schema: Any = SCHEMA, **fields: Any) -> Tool:
    return Tool(function=FunctionTool(name=name, parameters_json=json.dumps(schema), **fields))


def choice(mode: str, **fields: Any) -> ToolChoice:
    return ToolChoice(mode=ToolChoiceMode.Value(f"TOOL_CHOICE_MODE_{mode}"), **fields)


def test_all_functions_are_declared_in_one_tool() -> None:
    search = Tool(opaque=Opaque(dialect="gemini", json='{"googleSearch":{}}'))
    body, lost = sent(asked(tools=[function("f", description="d"), search, function("g")]))
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": SCHEMA},
                {"name": "g", "parametersJsonSchema": SCHEMA},
            ]
        },
        {"googleSearch": {}},
    ]
    assert "toolConfig" not in body
    assert lost == []


def test_older_models_get_their_own_schema() -> None:
    body, lost = sent(asked(tools=[function(), function("g", {"type": "object", "properties": {}})]), OLD)
    expected = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "parameters": expected}, {"name": "g"}]}]
    assert lost == []


def test_tools_that_others_run_are_left_out() -> None:
    search = Tool(opaque=Opaque(dialect="anthropic", json='{"type":"web_search"}', text="web_search"))
    body, lost = sent(asked(tools=[search, function()]))
    assert [one["name"] for tool in body["tools"] for one in tool["functionDeclarations"]] == ["f"]
    assert lost == ["tools[0]"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (choice("AUTO"), {"mode": "AUTO"}),
        (choice("NONE"), {"mode": "NONE"}),
        (choice("REQUIRED"), {"mode": "ANY"}),
        (choice("TOOL", tool_name="g"), {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (choice("REQUIRED", allowed_tool_names=["f", "g"]), {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_tool_choices(wanted: ToolChoice, expected: dict[str, Any]) -> None:
    body, _ = sent(asked(tools=[function(), function("g")], tool_choice=wanted))
    assert body["toolConfig"] == {"functionCallingConfig": expected}


def test_in_the_mode_auto_only_the_allowed_are_declared() -> None:
    body, _ = sent(asked(tools=[function(), function("g")], tool_choice=choice("AUTO", allowed_tool_names=["g"])))
    assert [item["name"] for item in body["tools"][0]["functionDeclarations"]] == ["g"]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


def test_strict_functions_are_validated_where_the_model_can() -> None:
    strict = asked(tools=[function(strict=True)])
    assert sent(strict)[0]["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    body, lost = sent(strict, OLD)
    assert "toolConfig" not in body
    assert lost == ["tools[0].function.strict"]


def test_json_is_asked_for() -> None:
    assert sent(asked(response_format=OBJECT))[0]["generationConfig"] == {"responseMimeType": "application/json"}


def test_json_by_schema() -> None:
    body, lost = sent(asked(response_format=BY_SCHEMA))
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    older, _ = sent(asked(response_format=BY_SCHEMA), OLD)
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    assert older["generationConfig"] == {"responseMimeType": "application/json", "responseSchema": schema}
    assert lost == []


def test_json_by_schema_beside_tools() -> None:
    request = asked(tools=[function()], response_format=BY_SCHEMA)
    body, lost = sent(request, NEWER)
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert lost == []
    older, lost = sent(request, FLASH)
    assert "generationConfig" not in older
    (part,) = older["systemInstruction"]["parts"]
    assert part["text"].endswith(json.dumps(SCHEMA))
    assert lost == ["response_format"]


def test_words_about_json_reach_models_without_instructions() -> None:
    body, _ = sent(asked(tools=[function()], response_format=OBJECT), "gemma-4-31b-it")
    assert body["contents"][0]["parts"][0]["text"].startswith("Unless you call a tool: Answer with one valid JSON object")
    assert "systemInstruction" not in body
