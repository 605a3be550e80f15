"""Conversations made up in the contract's terms, sent to every dialect: what must survive, survives, or is told."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from tests.properties.conversations import requests
from tests.properties.fields import exists
from tests.properties.pairing import CALLS, ID_FORMS, RESULTS
from tests.properties.targets import COMPATIBLE, EVERY_DIALECT, KEY, KEY_PLACES, OTHERS, TARGETS, Target
from tests.properties.told import Told, keys_in, marker_of, order_of, read, strings_in, texts_of
from tests.properties.turns import CHECKS

SYSTEM_PLACES = ("system", "instructions", "systemInstruction", "system_instruction")
SCHEMA_PLACES = ("tools", "response_format", "text", "generationConfig", "output_config", "tool_choice", "toolConfig")
quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def named(target: Target) -> str:
    return target.name


@pytest.mark.parametrize("target", [*EVERY_DIALECT, *OTHERS], ids=named)
@quick
@given(request=requests(rich=False))
def test_every_dialect_says_all_that_every_dialect_can_say(target: Target, request: ChatRequest) -> None:
    body, warnings, _ = target.encode(request)
    check_sent(target, request, body, warnings)


@pytest.mark.parametrize("target", [*EVERY_DIALECT, *OTHERS], ids=named)
@quick
@given(request=requests(rich=True))
def test_every_dialect_says_or_tells_or_refuses_the_rest(target: Target, request: ChatRequest) -> None:
    check_rich(target, request)


@pytest.mark.parametrize("target", COMPATIBLE, ids=named)
@settings(quick, max_examples=15)
@given(request=requests(rich=True))
def test_every_compatible_vendor_says_or_tells_or_refuses(target: Target, request: ChatRequest) -> None:
    check_rich(target, request)


def check_rich(target: Target, request: ChatRequest) -> None:
    before = request.SerializeToString(deterministic=True)
    try:
        body, warnings, upstream = target.encode(request, stream=True)
    except GatewayError as error:
        check_refusal(request, error)
        return
    assert request.SerializeToString(deterministic=True) == before, "a request is only read: another target may be next"
    check_sent(target, request, body, warnings)
    check_secrets(upstream.url, upstream.body, upstream.headers)
    assert target.encode(request, stream=True)[2].body == upstream.body, "the same request is sent in the same bytes"
    for warning in warnings:
        assert warning.message
        assert warning.provider == target.vendor.name
        assert exists(request, warning.field), f"a warning about {warning.field!r}, which the request does not have"


def check_refusal(request: ChatRequest, error: GatewayError) -> None:
    assert error.reason in (Reason.UNSUPPORTED, Reason.INVALID_REQUEST)
    assert error.field, error.message
    assert exists(request, error.field), f"{error.field!r} is no field of the request: {error.message}"
    assert error.message


def check_secrets(url: str, body: bytes, headers: Any) -> None:
    assert KEY not in url
    assert KEY.encode() not in body
    assert [name for name, value in headers.items() if KEY in value and name.lower() not in KEY_PLACES] == []


def check_sent(target: Target, request: ChatRequest, body: dict[str, Any], warnings: Sequence[Warning]) -> None:
    told = read(request)
    strings = list(strings_in(body))
    check_words(told, body, strings)
    check_tools(target, told, body)
    CHECKS[target.dialect.name](body)
    check_media(told, strings)
    check_thoughts(target, told, strings, warnings)
    assert not any("hidden note" in text for text in strings)
    plain = {name: value for name, value in body.items() if name not in SCHEMA_PLACES}
    assert [name for name in keys_in(plain) if name.startswith("$") and name != "$ref"] == []
    own_options = request.provider_options_json.get(target.dialect.name)
    if request.provider_options_json and not own_options:
        assert "probe_option" in [warning.field for warning in warnings] or body.get("probe_option") == "own"
    elif own_options:
        assert body["probe_option"] == "own"


def check_words(told: Told, body: dict[str, Any], strings: Sequence[str]) -> None:
    """Every word arrives once and whole, those of the conversation in their order."""
    spoken = [marker_of(text) for text in told.spoken]
    talk = list(strings_in({name: value for name, value in body.items() if name not in SYSTEM_PLACES}))
    assert order_of(spoken, talk) == spoken
    system = [marker_of(text) for text in told.system]
    assert sorted(order_of(system, strings)) == sorted(system)
    for text in (*told.spoken, *told.system):
        assert any(text in found for found in strings), f"{text!r} was changed"


def check_tools(target: Target, told: Told, body: dict[str, Any]) -> None:
    """Calls and results arrive in their order, each result under the id of its call; ids are such as the vendor takes."""
    calls, results = list(CALLS[target.dialect.name](body)), list(RESULTS[target.dialect.name](body))
    assert [name for _, name, _ in calls] == [call.name for call in told.calls]
    sent_ids = {call.id: sent[0] for call, sent in zip(told.calls, calls, strict=True)}
    assert len(set(sent_ids.values())) == len(sent_ids)
    assert [sent_id for sent_id, _ in results] == [sent_ids[result.tool_call_id] for result in told.results]
    for call, (_, _, sent_arguments) in zip(told.calls, calls, strict=True):
        check_arguments(call.arguments_json, sent_arguments)
    for result, (_, sent_text) in zip(told.results, results, strict=True):
        for text in texts_of(result):
            assert marker_of(text) in sent_text
        assert not result.is_error or "error" in str(body).lower()
    form = ID_FORMS.get(f"{target.dialect.name}:{target.vendor.name}") or ID_FORMS.get(target.dialect.name, re.compile(".+"))
    assert all(form.fullmatch(sent_id) for sent_id in sent_ids.values()), sent_ids


def check_arguments(given_text: str, sent: str) -> None:
    """An object arrives as it is. What a model wrote wrongly arrives somehow, for the next one to see."""
    try:
        wanted = json.loads(given_text)
    except json.JSONDecodeError:
        wanted = None
    if isinstance(wanted, dict):
        assert json.loads(sent) == wanted
    else:
        assert json.dumps(given_text)[1:-1] in sent or given_text in sent or json.dumps(given_text)[1:-1] in json.dumps(sent)


def check_media(told: Told, strings: Sequence[str]) -> None:
    for media in told.media:
        match media.WhichOneof("source"):
            case "data":
                encoded = base64.b64encode(media.data).decode()
                assert any(text.endswith(encoded) for text in strings), "bytes were lost or changed"
            case "uri":
                assert media.uri in strings
            case _:
                assert any(text.endswith(media.file_id) for text in strings)


def check_thoughts(target: Target, told: Told, strings: Sequence[str], warnings: Sequence[Warning]) -> None:
    """What one provider sealed reaches nobody else; what does not arrive is told."""
    everything = "\n".join(strings)
    for part in told.thoughts:
        seal = part.reasoning.signature or part.reasoning.encrypted
        if seal and part.reasoning.provider != target.dialect.name:
            assert seal not in everything, "a seal reached another provider"
        marker = marker_of(part.reasoning.text)
        told_of = any(warning.field.startswith("messages[") for warning in warnings)
        assert marker in everything or (seal and seal in everything) or told_of, "reasoning was lost silently"


def test_these_properties_reach_every_vendor() -> None:
    assert {target.vendor.name for target in TARGETS} >= {"openai", "azure", "anthropic", "google", "cohere", "mistral"}
    assert len({target.name for target in TARGETS}) == len(TARGETS)
