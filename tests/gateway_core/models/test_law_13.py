"""Law 13: whatever a client sets, a model of the table gets nothing that it is known to refuse, and every loss is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.models.families import FAMILIES, family_of
from gateway_core.models.table import ModelTable
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS
from gateway_dialects.anthropic.parse_request import parse_chat as from_anthropic
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.openai.parse_request import parse_chat as from_openai
from gateway_dialects.openai_responses.parse_request import parse_create as from_responses
from tests.fitted import encode_fitted, endpoint_at

Json = dict[str, Any]

MODELS: dict[str, tuple[str, ...]] = {
    "openai": ("gpt-4o", "gpt-4.1-mini", "gpt-4", "gpt-3.5-turbo", "gpt-5-mini", "gpt-5.1", "gpt-5-pro", "o1", "o3-mini"),
    "azure": ("gpt-4o", "gpt-5-mini"),
    "anthropic": ("claude-3-5-haiku-latest", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8", "claude-opus-5-5"),
    "google": ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-3.5-flash"),
    "mistral": ("mistral-large-latest", "mistral-small-latest", "magistral-medium-latest"),
    "cohere": ("command-a-03-2025", "command-a-reasoning-08-2025"),
    "xai": ("grok-3", "grok-3-mini", "grok-4", "grok-4.3", "grok-4-fast-non-reasoning"),
    "groq": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3-32b"),
    "deepseek": ("deepseek-chat", "deepseek-reasoner"),
    "moonshot": ("moonshot-v1-8k", "kimi-k2.5", "kimi-k2-thinking"),
    "zai": ("glm-4.6",),
    "cerebras": ("llama-3.3-70b", "gpt-oss-120b"),
    "openrouter": ("openai/gpt-5", "anthropic/claude-sonnet-4.5", "x-ai/grok-4", "meta-llama/llama-3.3-70b-instruct"),
}
"""Models of each vendor."""
TARGETS = [(row, model) for row in VENDORS if row.name in MODELS for model in MODELS[row.name] if not row.only_models]
TOOL = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}
SAMPLING = {"temperature": 1.7, "top_p": 0.4}
CHAT = {
    **SAMPLING,
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "seed": 7,
    "stop": ["a", "b", "c", "d"],
    "logit_bias": {"5": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "max_completion_tokens": 900_000,
    "reasoning_effort": "medium",
    "parallel_tool_calls": False,
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"name": "o", "strict": True, "schema": SCHEMA}}
TOOLS = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}
MESSAGES = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "max_tokens": 128_000,
    "temperature": 0.7,
    "top_p": 0.4,
    "top_k": 3,
    "stop_sequences": list("abcdefghijklmnopqrst"),
    "thinking": {"type": "enabled", "budget_tokens": 10_000},
}
RESPONSES = {
    **SAMPLING,
    "model": "m",
    "input": "Hi",
    "max_output_tokens": 1,
    "top_logprobs": 2,
    "reasoning": {"effort": "xhigh"},
    "text": {"format": {"type": "json_object"}},
}


def clients() -> Iterator[tuple[str, ChatRequest]]:
    """Requests with every knob set, by the API that they are written for."""
    yield "chat", from_openai(json.dumps(CHAT).encode()).chat
    yield "chat with tools", from_openai(json.dumps({**CHAT, **TOOLS}).encode()).chat
    yield "chat with a schema", from_openai(json.dumps({**CHAT, "response_format": FORM}).encode()).chat
    yield "messages", from_anthropic(json.dumps(MESSAGES).encode()).chat
    yield "responses", from_responses(RESPONSES).chat


CLIENTS = dict(clients())
NAMES = {
    "stopSequences": "stop",
    "stop_sequences": "stop",
    "frequencyPenalty": "frequency_penalty",
    "topP": "top_p",
    "p": "top_p",
}
NAMES |= {"presencePenalty": "presence_penalty", "topK": "top_k", "k": "top_k", "responseLogprobs": "logprobs"}
NAMES |= {"maxOutputTokens": "bound", "max_tokens": "bound", "max_completion_tokens": "bound", "max_output_tokens": "bound"}
NAMES |= {"random_seed": "seed", "logprobs": "logprobs"}


def settings_in(body: Json) -> Json:
    """The settings of an upstream body, by their names in the contract."""
    return {NAMES.get(name, name): value for name, value in {**body, **body.get("generationConfig", {})}.items()}


def effort_in(body: Json) -> str | None:
    reasoning = body.get("reasoning") or {}
    return body.get("reasoning_effort") or reasoning.get("effort")


def refusals(body: Json, takes: Capabilities) -> Iterator[str]:
    """What a vendor that knows its models would refuse."""
    sent = settings_in(body)
    yield from (name for name in takes.refused if name in sent)
    yield from (f"{name} out of range" for name, least, most in takes.ranges if not least <= sent.get(name, least) <= most)
    if takes.most_stops is not None and len(sent.get("stop", ())) > takes.most_stops:
        yield "stop texts"
    if takes.most_output is not None and sent.get("bound", 0) > takes.most_output:
        yield "too many tokens"
    if takes.least_output is not None and sent.get("bound", takes.least_output) < takes.least_output:
        yield "too few tokens"
    if takes.reasoning is False and (effort_in(body) or "thinking" in body or "thinkingConfig" in sent):
        yield "reasoning"
    if takes.efforts is not None and (effort := effort_in(body)) and effort not in takes.efforts:
        yield f"effort {effort}"
    if (body.get("response_format") or {}).get("type") == "json_schema" and takes.structured in ("json", "words"):
        yield "a schema"
    if not body.get("tools") and ("tool_choice" in body or "parallel_tool_calls" in body):
        yield "a choice without tools"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("row", "model"), TARGETS, ids=lambda value: value.name if isinstance(value, Vendor) else value)
def test_a_model_gets_nothing_that_it_refuses(row: Vendor, model: str, client: str) -> None:
    endpoint = endpoint_at(row, row.url.format(RESOURCE="r"))
    request = CLIENTS[client]
    takes = endpoint.capabilities_of(model)
    upstream, warnings = encode_fitted(request, model, endpoint)
    assert list(refusals(json.loads(upstream.body), takes)) == []
    told = {warning.field for warning in warnings}
    given = {field.name for field, _ in request.ListFields()}
    assert (takes.refused & given) <= told


def test_the_models_are_of_many_families() -> None:
    found = {family_of(model).name for models in MODELS.values() for model in models}
    assert len(found - {"unknown"}) > 25


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_consistent(family: Any) -> None:
    takes: Capabilities = family.takes
    assert takes.budget is None or takes.budget[0] <= takes.budget[1]
    assert takes.reasoning or not (takes.efforts or takes.budget or takes.adaptive or takes.always_reasons)
    assert not takes.always_reasons or "none" not in (takes.efforts or ())
    assert takes.default_output is None or takes.most_output is None or takes.default_output <= takes.most_output


def test_a_refusal_is_seen() -> None:
    takes = ModelTable("openai", "openai")("gpt-4o")
    body = {
        "reasoning_effort": "low",
        "stop": list("abcde"),
        "top_k": 1,
        "max_completion_tokens": 10**6,
        "tool_choice": "auto",
    }
    assert sorted(refusals(body, takes)) == ["a choice without tools", "reasoning", "stop texts", "too many tokens", "top_k"]
