"""A request's parameters. Its contents have tests of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import (
    HOSTED_TOOL_WEB_SEARCH,
    ChatRequest,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Opaque
from gateway_dialects.gemini.parse_request import parse_chat, parse_count, parse_method
from tests.gateway_dialects.gemini.server.reading import details, parsed, refused, user

SCHEMA = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": True}}, "propertyOrdering": ["city"]}
JSON_SCHEMA = {"type": "object", "properties": {"city": {"type": ["string", "null"]}}}


def config(**fields: Any) -> ChatRequest:
    return parsed(generationConfig=fields)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("gemini-2.5-flash:generateContent", ("gemini-2.5-flash", "generateContent")),
        ("anthropic/claude-x:streamGenerateContent", ("anthropic/claude-x", "streamGenerateContent")),
        ("ollama/llama3:8b:countTokens", ("ollama/llama3:8b", "countTokens")),
        ("gemini-2.5-flash", ("gemini-2.5-flash", "")),
    ],
)
def test_model_and_method(path: str, expected: tuple[str, str]) -> None:
    assert parse_method(path) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", 0, ChatRequest(temperature=0)),
        ("temperature", "0.5", ChatRequest(temperature=0.5)),
        ("topP", 0.1, ChatRequest(top_p=0.1)),
        ("top_p", 0.1, ChatRequest(top_p=0.1)),
        ("topK", 40.0, ChatRequest(top_k=40)),
        ("maxOutputTokens", "100", ChatRequest(max_output_tokens=100)),
        ("candidateCount", 2, ChatRequest(candidate_count=2)),
        ("seed", -(2**63), ChatRequest(seed=-(2**63))),
        ("presencePenalty", 2, ChatRequest(presence_penalty=2)),
        ("frequencyPenalty", -0.7, ChatRequest(frequency_penalty=-0.7)),
        ("responseLogprobs", False, ChatRequest(logprobs=False)),
        ("logprobs", 5, ChatRequest(top_logprobs=5)),
        ("stopSequences", ["a", "b"], ChatRequest(stop=["a", "b"])),
        ("responseModalities", ["TEXT", "AUDIO"], ChatRequest(modalities=["text", "audio"])),
        ("temperature", None, ChatRequest()),
    ],
)
def test_settings_that_the_contract_names(name: str, value: Any, expected: ChatRequest) -> None:
    found = config(**{name: value})
    found.ClearField("messages")
    found.ClearField("model")
    assert found == expected


def test_what_the_contract_does_not_name_is_carried() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    request = parsed(
        safety_settings=safety,
        cachedContent="cachedContents/a",
        labels={"team_name": "blue"},
        generationConfig={"speech_config": {"voice_config": {}}, "temperature": 1},
        toolConfig={"retrieval_config": {"languageCode": "no"}},
        unheard={"of_this": [1, None]},
        nothing=None,
        model="models/ignored",
    )
    assert json.loads(request.provider_options_json["gemini"]) == {
        "safetySettings": safety,
        "cachedContent": "cachedContents/a",
        "labels": {"team_name": "blue"},
        "generationConfig": {"speechConfig": {"voice_config": {}}},
        "toolConfig": {"retrievalConfig": {"languageCode": "no"}},
        "unheard": {"of_this": [1, None]},
    }
    assert request.model == "m"


def written(fields: dict[str, Any]) -> dict[str, str]:
    return {"gemini.form": json.dumps({"written": fields}, separators=(",", ":"))}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"thinkingBudget": 0}, ReasoningSettings(enabled=False)),
        ({"thinkingBudget": -1}, ReasoningSettings(enabled=True)),
        ({"thinkingBudget": 1024}, ReasoningSettings(max_tokens=1024, effort="low")),
        ({"thinkingBudget": 30_000}, ReasoningSettings(max_tokens=30_000, effort="xhigh")),
        ({"thinkingLevel": "HIGH"}, ReasoningSettings(effort="high")),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, ReasoningSettings()),
        ({"includeThoughts": True}, ReasoningSettings(summary="auto")),
        ({"includeThoughts": False, "thinkingLevel": "low"}, ReasoningSettings(exclude=True, effort="low")),
    ],
)
def test_thinking(given: dict[str, Any], expected: ReasoningSettings) -> None:
    expected.provider_details_json.update(written(given))
    assert config(thinkingConfig=given).reasoning == expected


@pytest.mark.parametrize(
    ("given", "kind", "schema", "noted"),
    [
        ({"responseMimeType": "text/plain"}, 1, "", {"written": {"responseMimeType": "text/plain"}}),
        ({"responseMimeType": "application/json"}, 2, "", {}),
        (
            {"responseMimeType": "application/json", "responseSchema": SCHEMA},
            3,
            JSON_SCHEMA,
            {"written": {"responseSchema": SCHEMA}},
        ),
        ({"responseSchema": SCHEMA}, 3, JSON_SCHEMA, {"written": {"responseSchema": SCHEMA}, "no_mime_type": True}),
        ({"response_json_schema": JSON_SCHEMA}, 3, JSON_SCHEMA, {"json_schema": True, "no_mime_type": True}),
    ],
)
def test_forms(given: dict[str, Any], kind: Any, schema: Any, noted: dict[str, Any]) -> None:
    form = config(**given).response_format
    name = "answer" if kind == 3 else ""
    expected = ResponseFormat(type=kind, name=name, schema_json=json.dumps(schema, separators=(",", ":")) if schema else "")
    if noted:
        expected.provider_details_json["gemini.form"] = json.dumps(noted, separators=(",", ":"))
    assert form == expected


def test_a_form_that_the_contract_has_no_words_for_is_carried() -> None:
    given = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    request = config(**given)
    assert not request.HasField("response_format")
    assert json.loads(request.provider_options_json["gemini"]) == {"generationConfig": given}


def test_tools() -> None:
    functions = [
        {"name": "f", "description": "d", "parameters": SCHEMA},
        {"name": "g", "parameters_json_schema": JSON_SCHEMA},
        {"name": "h", "description": None, "behavior": "BLOCKING"},
    ]
    request = parsed(tools=[{"function_declarations": functions, "googleSearch": {}}, {"code_execution": {}}])
    text = json.dumps(JSON_SCHEMA, separators=(",", ":"))
    assert list(request.tools) == [
        Tool(
            function=FunctionTool(name="f", description="d", parameters_json=text),
            provider_details_json=written({"parameters": SCHEMA}),
        ),
        Tool(
            function=FunctionTool(name="g", parameters_json=text),
            provider_details_json={"gemini.form": '{"json_schema":true}'},
        ),
        Tool(function=FunctionTool(name="h"), provider_details_json=details({"behavior": "BLOCKING"})),
        Tool(
            opaque=Opaque(dialect="gemini", json='{"googleSearch":{}}', text="googleSearch"), hosted=HOSTED_TOOL_WEB_SEARCH
        ),
        Tool(opaque=Opaque(dialect="gemini", json='{"codeExecution":{}}', text="codeExecution")),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO)),
        ({"mode": "none"}, ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE)),
        ({"mode": "ANY"}, ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED)),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f"),
        ),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED, allowed_tool_names=["f", "g"]),
        ),
        (
            {"mode": "VALIDATED"},
            ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO, provider_details_json=written({"mode": "VALIDATED"})),
        ),
        (
            {"mode": "MODE_UNSPECIFIED", "allowedFunctionNames": ["f"]},
            ToolChoice(
                provider_details_json={**details({"allowedFunctionNames": ["f"]}), **written({"mode": "MODE_UNSPECIFIED"})}
            ),
        ),
        ({"sparkle": 1}, ToolChoice(provider_details_json=details({"sparkle": 1}))),
    ],
)
def test_tool_choices(given: dict[str, Any], expected: ToolChoice) -> None:
    assert parsed(toolConfig={"functionCallingConfig": given}).tool_choice == expected


@pytest.mark.parametrize(("word", "expected"), [("standard", "default"), ("flex", "flex"), ("priority", "priority")])
def test_service_tiers(word: str, expected: str) -> None:
    assert parsed(serviceTier=word).service_tier == expected


def test_a_tier_of_the_future_is_carried() -> None:
    assert parsed(serviceTier="gold").provider_options_json == details({"serviceTier": "gold"})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"contents": None}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": 7}, "contents"),
        ({"contents": [7]}, "contents[0]"),
        ({"contents": [{"role": "user"}]}, "contents[0].parts"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "contents[0].role"),
        ({"contents": [{"role": 7, "parts": [{"text": "x"}]}]}, "contents[0].role"),
        ({"contents": [user({"text": 7})]}, "contents[0].parts[0].text"),
        ({"contents": [user(7)]}, "contents[0].parts[0]"),
        ({"contents": [user({"inlineData": {"data": "AA=="}})]}, "contents[0].parts[0].inlineData.mimeType"),
        ({"contents": [user({"inline_data": {"mimeType": "a/b"}})]}, "contents[0].parts[0].inlineData.data"),
        ({"contents": [user({"fileData": {"fileUri": ""}})]}, "contents[0].parts[0].fileData.fileUri"),
        ({"contents": [user({"functionResponse": {"response": {}}})]}, "contents[0].parts[0].functionResponse.name"),
        (
            {"contents": [user({"functionResponse": {"name": "f", "response": "4"}})]},
            "contents[0].parts[0].functionResponse.response",
        ),
        ({"contents": [{"role": "model", "parts": [{"functionResponse": {"name": "f"}}]}]}, "contents[0].parts[0]"),
        (
            {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": "x"}}]}]},
            "contents[0].parts[0].functionCall.args",
        ),
        ({"contents": [user({"text": "x", "thought": "yes"})]}, "contents[0].parts[0].thought"),
        ({"systemInstruction": 7}, "systemInstruction"),
        ({"systemInstruction": {"parts": [{"text": None, "inlineData": 3}]}}, "systemInstruction.parts[0].inlineData"),
        ({"generationConfig": []}, "generationConfig"),
        ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"generationConfig": {"temperature": True}}, "generationConfig.temperature"),
        ({"generationConfig": {"topK": 1.5}}, "generationConfig.topK"),
        ({"generationConfig": {"maxOutputTokens": 2**63}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"candidateCount": "many"}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"stopSequences": [7]}}, "generationConfig.stopSequences[0]"),
        ({"generationConfig": {"responseSchema": "x"}}, "generationConfig.responseSchema"),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": "x"}}},
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        ({"generationConfig": {"topP": 1, "top_p": 1}}, "generationConfig.topP"),
        ({"tools": 7}, "tools"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": 7}]}]},
            "tools[0].functionDeclarations[0].parameters",
        ),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "toolConfig.functionCallingConfig.mode"),
        ({"toolConfig": {"functionCallingConfig": {"mode": 1}}}, "toolConfig.functionCallingConfig.mode"),
        ({"serviceTier": 7}, "serviceTier"),
        ({"cachedContent": "a", "cached_content": "b"}, "cachedContent"),
    ],
)
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).field == param


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"contents":' + b"[" * 100_000])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_chat(body, "m")
    assert caught.value.http_status == 400


def test_count_tokens() -> None:
    inner = {"contents": [user("Hi")], "systemInstruction": {"parts": [{"text": "Be brief."}]}, "model": "models/m"}
    expected = parse_chat(json.dumps(inner).encode(), "m")
    assert parse_count(json.dumps({"generateContentRequest": inner}).encode(), "m") == expected
    assert parse_count(json.dumps(inner).encode(), "m") == expected
