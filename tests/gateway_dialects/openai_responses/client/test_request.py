"""What a request's settings become. Its messages and tools have tests of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings, ResponseFormat, ResponseFormatType
from gateway_core.settings.settings import load
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from tests.gateway_dialects.openai_responses.client.asking import ENDPOINT, USER, asked, own, refused

BARE = {"model": "gpt-4.1", "input": [{"role": "user", "content": "Hi"}], "store": False}


def body_of(**fields: Any) -> dict[str, Any]:
    body, warned = asked(ChatRequest(messages=[USER], **fields))
    assert warned == []
    return body


def test_the_request() -> None:
    upstream, _ = OPENAI_RESPONSES.encode_chat(ChatRequest(messages=[USER]), "m", ENDPOINT, True)
    assert (upstream.method, upstream.url) == ("POST", "http://upstream/v1/responses")
    assert upstream.headers == {"content-type": "application/json", "authorization": "Bearer sk-1"}
    assert asked(ChatRequest(messages=[USER]), stream=True)[0] == {**BARE, "stream": True}


def test_settings_that_both_name() -> None:
    fields: dict[str, Any] = {
        "temperature": 0.7,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "service_tier": "flex",
        "user": "u",
        "top_logprobs": 0,
    }
    assert body_of(**fields) == {**BARE, **fields}


@pytest.mark.parametrize(
    ("fields", "bound"),
    [({"max_tokens": 5}, 5), ({"max_output_tokens": 7}, 7), ({"max_tokens": 5, "max_output_tokens": 7}, 7)],
)
def test_the_bound_of_tokens(fields: dict[str, Any], bound: int) -> None:
    assert body_of(**fields) == {**BARE, "max_output_tokens": bound}


def test_log_probabilities_are_included() -> None:
    assert body_of(logprobs=True, top_logprobs=2) == {**BARE, "top_logprobs": 2, "include": ["message.output_text.logprobs"]}
    assert body_of(logprobs=False) == BARE


def test_the_form_of_the_text() -> None:
    schema = ResponseFormat(
        type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, schema_json='{"type":"object"}', strict=True
    )
    assert body_of(response_format=schema, verbosity="low")["text"] == {
        "format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True},
        "verbosity": "low",
    }
    json_object = ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT)
    assert body_of(response_format=json_object)["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        (ReasoningSettings(effort="low", summary="auto"), {"effort": "low", "summary": "auto"}),
        (ReasoningSettings(effort="low", summary="auto", exclude=True), {"effort": "low"}),
        (ReasoningSettings(enabled=True), {"effort": "medium"}),
        (ReasoningSettings(enabled=False), {"effort": "none"}),
        (ReasoningSettings(provider_details_json=own({"context": "auto"})), {"context": "auto"}),
    ],
)
def test_reasoning(settings: ReasoningSettings, sent: dict[str, Any]) -> None:
    assert body_of(reasoning=settings)["reasoning"] == sent


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (4096, "medium"), (64_000, "high")])
def test_a_budget_becomes_an_effort(budget: int, effort: str) -> None:
    body, warned = asked(ChatRequest(messages=[USER], reasoning=ReasoningSettings(max_tokens=budget)))
    assert body["reasoning"] == {"effort": effort}
    assert warned == ["reasoning.max_tokens"]


@pytest.mark.parametrize("model", ["o3", "o4-mini", "gpt-5", "gpt-5.2-pro", "gpt-10", "codex-mini-latest", "ft:o4-mini:org"])
def test_reasoning_models_encrypt_for_clients_that_must_carry_it(model: str) -> None:
    assert asked(ChatRequest(messages=[USER]), model)[0]["include"] == ["reasoning.encrypted_content"]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "chatgpt-4o-latest", "gpt-oss-20b"])
def test_other_models_are_not_asked_for_it(model: str) -> None:
    assert "include" not in asked(ChatRequest(messages=[USER]), model)[0]


def test_a_client_of_this_dialect_says_itself_what_is_stored_and_included() -> None:
    assert asked(ChatRequest(messages=[USER], provider_options_json=own({})), "gpt-5")[0] == {
        "model": "gpt-5",
        "input": BARE["input"],
    }


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("stop", ["x"]),
        ("seed", 1),
        ("logit_bias", {"9": 1.0}),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -0.5),
        ("top_k", 3),
        ("modalities", ["text", "audio"]),
    ],
)
def test_knobs_of_chat_completions_are_left_out(knob: str, value: Any) -> None:
    body, warned = asked(ChatRequest(messages=[USER], **{knob: value}))
    assert body == BARE
    assert warned == [knob]


def test_several_candidates_are_left_out() -> None:
    assert asked(ChatRequest(messages=[USER], candidate_count=2)) == (BARE, ["n"])
    assert asked(ChatRequest(messages=[USER], candidate_count=1)) == (BARE, [])


def test_settings_that_ask_for_nothing_are_no_loss() -> None:
    assert body_of(frequency_penalty=0.0, presence_penalty=0.0, modalities=["text"]) == BARE


def test_options_of_chat_clients_that_this_dialect_has_too() -> None:
    options = json.dumps({"metadata": {"a": "b"}, "store": True, "prompt_cache_key": "k", "prediction": {"x": 1}})
    for fields in ({"extra_body_json": options}, {"provider_options_json": {"openai": options}}):
        body, warned = asked(ChatRequest(messages=[USER], **fields))
        assert body == {**BARE, "metadata": {"a": "b"}, "store": True, "prompt_cache_key": "k"}
        assert warned == ["prediction"]


def test_options_of_other_dialects_are_left_out() -> None:
    options = {"anthropic": '{"thinking":{}}', "anthropic.form": '{"x":1}'}
    assert asked(ChatRequest(messages=[USER], provider_options_json=options)) == (BARE, ["thinking"])


def test_options_override_nothing_that_the_route_decides() -> None:
    options = own({"model": "x", "input": "x", "stream": True, "temperature": 1, "max_tool_calls": 2})
    body, warned = asked(ChatRequest(messages=[USER], temperature=0.5, provider_options_json=options))
    assert (body["model"], body["input"], body["temperature"]) == ("gpt-4.1", BARE["input"], 0.5)
    assert body["max_tool_calls"] == 2
    assert "stream" not in body
    assert warned == []


@pytest.mark.parametrize(
    "fields",
    [
        {"background": True},
        {"conversation": "conv_1"},
        {"previous_response_id": "resp_1"},
        {"prompt": {"id": "pmpt_1", "variables": {"a": "b"}}},
        {"store": True, "include": ["file_search_call.results"]},
        {"tool_choice": {"type": "mcp", "server_label": "docs"}},
    ],
)
def test_what_only_this_api_has_is_sent(fields: dict[str, Any]) -> None:
    body, warned = asked(ChatRequest(messages=[USER], provider_options_json=own(fields)))
    assert body == {"model": "gpt-4.1", "input": BARE["input"], **fields}
    assert warned == []


@pytest.mark.parametrize(
    "broken",
    [
        {"provider_options_json": {"openai-responses": "{"}},
        {"provider_options_json": {"openai-responses": "[]"}},
        {"provider_options_json": {"openai": "1"}},
        {"provider_options_json": {"openai-responses.form": '{"served":3}'}},
        {"extra_body_json": "[]"},
        {"reasoning": ReasoningSettings(provider_details_json={"openai-responses": "nul"})},
    ],
)
def test_broken_json_of_a_grpc_caller(broken: dict[str, Any]) -> None:
    assert refused(ChatRequest(messages=[USER], **broken))[0] is Reason.INVALID_REQUEST


def test_an_unknown_form_of_answer() -> None:
    form = ResponseFormat(type=9)  # type: ignore[arg-type]
    assert refused(ChatRequest(messages=[USER], response_format=form)) == (Reason.INVALID_REQUEST, "response_format.type")


def test_an_operator_selects_it_by_its_name(tmp_path: Path) -> None:
    """Address, key and model names are those of the vendor's row; without the line it speaks chat completions."""
    environ = {"OPENAI_API_KEY": "k"}
    file = tmp_path / "dragoman.toml"
    file.write_text('[providers.openai]\ndialect = "openai-responses"\n')
    found = {provider.name: provider for provider in load(file, environ).providers}["openai"]
    assert (found.dialect, found.url, found.keys[0].reveal()) == ("openai-responses", "https://api.openai.com/v1", "k")
    usual = {provider.name: provider for provider in load(None, environ).providers}["openai"]
    assert usual.dialect == "openai"
