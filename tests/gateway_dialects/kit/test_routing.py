"""The fields models, provider and route, as every served API reads them, and as OpenRouter gets them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import DATA_COLLECTION_DENY
from gateway_dialects.anthropic.parse_request import parse_chat as parse_anthropic
from gateway_dialects.cohere.parse_request import parse_chat as parse_cohere
from gateway_dialects.completions.parse_request import parse_texts
from gateway_dialects.gemini.parse_request import parse_chat as parse_gemini
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.routing import written
from gateway_dialects.mistral.parse_request import parse_chat as parse_mistral
from gateway_dialects.openai.parse_request import parse_chat as parse_openai
from gateway_dialects.openai_responses.parse_request import parse_create
from gateway_dialects.openrouter.parse_request import parse_chat as parse_openrouter

MESSAGES = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
Fields = Mapping[str, Any]
APIS: Mapping[str, tuple[Fields, Callable[[bytes], ChatRequest]]] = {
    "openai": (MESSAGES, lambda body: parse_openai(body).chat),
    "openrouter": (MESSAGES, lambda body: parse_openrouter(body).chat),
    "anthropic": ({**MESSAGES, "max_tokens": 9}, lambda body: parse_anthropic(body).chat),
    "mistral": (MESSAGES, lambda body: parse_mistral(body).chat),
    "cohere": (MESSAGES, lambda body: parse_cohere(body).chat),
    "responses": ({"model": "m", "input": "Hi"}, lambda body: parse_create(parse_object(body)).chat),
    "completions": ({"model": "m", "prompt": "Hi"}, lambda body: parse_texts(body).chats[0]),
    "gemini": ({"contents": [{"parts": [{"text": "Hi"}]}]}, lambda body: parse_gemini(body, "m")),
}
WHOLE = {
    "order": ["a", "b"],
    "only": ["a", "b", "c"],
    "ignore": ["d"],
    "allow_fallbacks": False,
    "require_parameters": True,
    "data_collection": "deny",
    "zdr": True,
    "enforce_distillable_text": True,
    "quantizations": ["fp8"],
    "sort": {"by": "price", "partition": "none"},
    "max_price": {"prompt": 1.0, "completion": 2.5},
    "preferred_min_throughput": 50.0,
    "preferred_max_latency": {"p50": 1.0, "p99": 5.0},
}


@pytest.mark.parametrize("api", APIS)
def test_every_api_reads_the_whole_object(api: str) -> None:
    fields, parse = APIS[api]
    chat = parse(json.dumps({**fields, "provider": WHOLE, "models": ["m", "n", "n"], "route": "fallback"}).encode())
    assert written(chat.routing) == WHOLE
    assert (chat.routing.data_collection, chat.routing.preferred_min_throughput.p50) == (DATA_COLLECTION_DENY, 50)
    assert list(chat.fallback_models) == ["m", "n"]
    assert not any('"provider"' in text or '"models"' in text for text in chat.provider_options_json.values())
    assert not chat.extra_body_json


@pytest.mark.parametrize("api", [name for name in APIS if name != "gemini"])
def test_the_first_of_the_models_is_the_model(api: str) -> None:
    fields, parse = APIS[api]
    body = {name: value for name, value in fields.items() if name != "model"}
    assert parse(json.dumps({**body, "models": ["n", "o"]}).encode()).model == "n"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("provider", {"provider": ["a"]}),
        ("provider.orders", {"provider": {"orders": []}}),
        ("provider.order", {"provider": {"order": "a"}}),
        ("provider.only[0]", {"provider": {"only": [1]}}),
        ("provider.allow_fallbacks", {"provider": {"allow_fallbacks": "no"}}),
        ("provider.data_collection", {"provider": {"data_collection": "never"}}),
        ("provider.sort", {"provider": {"sort": 1}}),
        ("provider.sort.direction", {"provider": {"sort": {"by": "price", "direction": "up"}}}),
        ("provider.max_price.prompt", {"provider": {"max_price": {"prompt": "cheap"}}}),
        ("provider.max_price.tokens", {"provider": {"max_price": {"tokens": 1}}}),
        ("provider.preferred_max_latency", {"provider": {"preferred_max_latency": "soon"}}),
        ("provider.preferred_min_throughput.p42", {"provider": {"preferred_min_throughput": {"p42": 1}}}),
        ("models", {"models": "n"}),
        ("models[1]", {"models": ["n", 1]}),
        ("route", {"route": "scenic"}),
    ],
)
def test_what_is_malformed_is_named(api: str, field: str, given: Fields) -> None:
    fields, parse = APIS[api]
    with pytest.raises(GatewayError) as caught:
        parse(json.dumps({**fields, **given}).encode())
    assert (caught.value.http_status, caught.value.field) == (400, field)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"sort": "price"}, {"sort": "price"}),
        ({"sort": {"by": "price"}}, {"sort": "price"}),
        ({"max_price": {"prompt": "0.5"}}, {"max_price": {"prompt": 0.5}}),
        ({"allow_fallbacks": None, "order": []}, {}),
        ({"allow_fallbacks": True}, {"allow_fallbacks": True}),
    ],
)
def test_how_a_vendor_that_routes_gets_it(given: Fields, sent: Fields) -> None:
    assert written(parse_openai(json.dumps({**MESSAGES, "provider": given}).encode()).chat.routing) == sent
