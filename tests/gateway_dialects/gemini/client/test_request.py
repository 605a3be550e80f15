"""The request line, the key, generationConfig and the options."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from gateway_core.providers.vendors import vendor_of
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_dialects.gemini.client.asking import ENDPOINT, FLASH, OLD, URL, asked, sent, system, user

GOOGLE = "https://generativelanguage.googleapis.com/v1beta"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("tunedModels/mine", "/tunedModels/mine"),
        ("publishers/google/models/gemini-2.5-flash", "/publishers/google/models/gemini-2.5-flash"),
        ("odd?key=x#y", "/models/odd%3Fkey%3Dx%23y"),
    ],
)
def test_the_model_and_the_method_stand_in_the_url_and_the_key_does_not(model: str, path: str) -> None:
    for stream, method in ((False, "generateContent"), (True, "streamGenerateContent?alt=sse")):
        upstream, _ = GEMINI.encode_chat(asked(), model, ENDPOINT, stream)
        assert (upstream.method, upstream.url) == ("POST", f"{URL}{path}:{method}")
        assert upstream.headers["x-goog-api-key"] == "secret-key"
        assert b"secret-key" not in upstream.body
        assert "model" not in json.loads(upstream.body)


def test_an_endpoint_without_a_key_sends_none() -> None:
    endpoint = Endpoint("p", "gemini", URL, headers={"x-team": "blue"})
    upstream, _ = GEMINI.encode_chat(asked(), FLASH, endpoint, False)
    assert upstream.headers == {"content-type": "application/json", "x-team": "blue"}


def test_the_model_list_is_asked_for_with_the_key_in_a_header() -> None:
    upstream = GEMINI.list_models.encode(None, "", Endpoint("google", "gemini", URL, keys=(Secret("k"),))).request
    assert (upstream.method, upstream.url) == ("GET", f"{URL}/models?pageSize=1000")
    assert upstream.headers["x-goog-api-key"] == "k"


@pytest.mark.parametrize(
    ("url", "dialect"), [("", "gemini"), (GOOGLE, "gemini"), (f"{GOOGLE}/openai", "openai"), (f"{GOOGLE}/openai/", "openai")]
)
def test_the_url_selects_google_s_own_api_or_the_compatible_one(url: str, dialect: str) -> None:
    vendor = vendor_of("google", url)
    assert vendor is not None
    assert vendor.dialect == dialect


def test_every_setting() -> None:
    request = asked(
        temperature=0.7,
        top_p=0.1,
        top_k=40,
        max_tokens=5,
        max_output_tokens=100,
        candidate_count=2,
        seed=9007199254740993,
        presence_penalty=0.3,
        frequency_penalty=-0.7,
        stop=["a", "b"],
        logprobs=True,
        top_logprobs=3,
        modalities=["text", "image"],
        service_tier="flex",
    )
    body, lost = sent(request, OLD)
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {
            "temperature": 0.7,
            "topP": 0.1,
            "topK": 40,
            "maxOutputTokens": 100,
            "candidateCount": 2,
            "seed": 9007199254740993,
            "presencePenalty": 0.3,
            "frequencyPenalty": -0.7,
            "stopSequences": ["a", "b"],
            "responseLogprobs": True,
            "logprobs": 3,
            "responseModalities": ["TEXT", "IMAGE"],
        },
        "serviceTier": "flex",
    }
    assert lost == []


def test_the_older_bound_counts_alone() -> None:
    assert sent(asked(max_tokens=5))[0]["generationConfig"] == {"maxOutputTokens": 5}


def test_zero_differs_from_unset() -> None:
    body, _ = sent(asked(temperature=0, seed=0, logprobs=False), "gemini-2.0-flash")
    assert body["generationConfig"] == {"temperature": 0.0, "seed": 0, "responseLogprobs": False}
    assert "generationConfig" not in sent(asked())[0]


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"logit_bias": {"9": 1.0}}, "logit_bias"),
        ({"verbosity": "low"}, "verbosity"),
        ({"user": "u"}, "user"),
        ({"parallel_tool_calls": False, "tools": [Tool(function=FunctionTool(name="f"))]}, "parallel_tool_calls"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"provider_options_json": {"openai": '{"web_search_options":{}}', "openai.form": '{"a":1}'}}, "web_search_options"),
        ({"extra_body_json": '{"web_search_options":{}}'}, "web_search_options"),
    ],
)
def test_what_gemini_has_no_setting_for_is_told(fields: dict[str, Any], lost: str) -> None:
    body, found = sent(asked(**fields))
    body.pop("tools", None)
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert found == [lost]


@pytest.mark.parametrize(("tier", "expected"), [("auto", None), ("default", "standard"), ("priority", "priority")])
def test_service_tiers(tier: str, expected: str | None) -> None:
    body, lost = sent(asked(service_tier=tier))
    assert body.get("serviceTier") == expected
    assert lost == []


def test_options_of_this_dialect_reach_it_unchanged() -> None:
    options = {
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
        "toolConfig": {"retrievalConfig": {"languageCode": "no"}},
        "$new": 1,
    }
    request = asked(temperature=0.5, provider_options_json={"gemini": json.dumps(options)})
    body, lost = sent(request)
    assert body["safetySettings"] == options["safetySettings"]
    assert body["generationConfig"] == {"temperature": 0.5, "mediaResolution": "MEDIA_RESOLUTION_LOW"}
    assert body["toolConfig"] == options["toolConfig"]
    assert body["$new"] == 1
    assert lost == []


def test_extra_fields_of_the_body_that_are_this_dialect_s_reach_it() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    extra = {"safetySettings": safety, "generationConfig": {"seed": 3}, "store": True}
    request = asked(temperature=0.5, extra_body_json=json.dumps(extra))
    request.provider_options_json["gemini"] = '{"generationConfig":{"seed":4}}'
    body, lost = sent(request)
    assert body["safetySettings"] == safety
    assert body["generationConfig"] == {"temperature": 0.5, "seed": 4}
    assert lost == ["store"]


def test_arguments_in_pieces_are_not_asked_for() -> None:
    options = {"toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": True}}}
    for fields in ({"provider_options_json": {"gemini": json.dumps(options)}}, {"extra_body_json": json.dumps(options)}):
        _, lost = sent(asked(**fields))
        assert lost == ["toolConfig.functionCallingConfig.streamFunctionCallArguments"]


@pytest.mark.parametrize("options", ["{", "[]", "7", '{"a":1}{}'])
def test_options_that_are_no_object_are_refused(options: str) -> None:
    for field, fields in (
        ("provider_options_json.gemini", {"provider_options_json": {"gemini": options}}),
        ("extra_body_json", {"extra_body_json": options}),
    ):
        with pytest.raises(GatewayError) as caught:
            sent(asked(**fields))
        assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)


def test_json_cannot_break_out_of_its_place() -> None:
    request: ChatRequest = asked(system("x"), user("y"))
    request.tools.add().function.parameters_json = '{}},{"googleSearch":{}'
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert caught.value.field == "tools[0].function.parameters"
