"""Requests with knobs: for each served API all settings that it has, each with the values that clients write."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.openai_responses.parse_request import parse_create
from http_facade.apis import APIS

Json = dict[str, Any]
Knobs = Mapping[str, Sequence[Json]]
"""By name: what the body gets, for each value. The first one is the farthest from what models take."""
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
FUNCTION = {"name": "look_up", "description": "d", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
STRICT_TOOL = {"type": "function", "function": {**FUNCTION, "strict": True}}
BY_SCHEMA = {"type": "json_schema", "json_schema": {"name": "o", "strict": True, "schema": SCHEMA}}
SIX = ["one", "two", "three", "four", "five", "six"]


def each(name: str, *values: object) -> list[Json]:
    return [{name: value} for value in values]


SAMPLING: Knobs = {
    "temperature": each("temperature", 1.7, 0.3, 0.0, 1.0),
    "top_p": each("top_p", 0.4, 0.97, 1.0),
    "frequency_penalty": each("frequency_penalty", -1.5, 0.5, 0.0),
    "presence_penalty": each("presence_penalty", 0.5, -1.5, 0.0),
    "stop": each("stop", SIX, ["END"]),
}
CHAT: Knobs = {
    **SAMPLING,
    "seed": each("seed", 7),
    "max_tokens": [*each("max_completion_tokens", 900_000, 5, 2000), *each("max_tokens", 900_000, 300)],
    "logit_bias": each("logit_bias", {"5": 1}),
    "logprobs": [{"logprobs": True, "top_logprobs": 2}, {"logprobs": True}, {"top_logprobs": 2}],
    "reasoning": each("reasoning_effort", "max", "none", "minimal", "low", "xhigh"),
    "verbosity": each("verbosity", "low", "high", "medium"),
    "service_tier": each("service_tier", "flex", "priority", "auto", "default"),
    "user": each("user", "u" * 80, "someone"),
    "tools": [
        {"tools": [STRICT_TOOL], "tool_choice": "required", "parallel_tool_calls": False},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look_up"}}},
        {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True},
        {"tools": [TOOL], "tool_choice": "none"},
        {"tools": [TOOL]},
    ],
    "response_format": each("response_format", BY_SCHEMA, {"type": "json_object"}, {"type": "text"}),
    "store": each("store", True),
    "metadata": each("metadata", {"a": "b"}),
    "prompt_cache_key": each("prompt_cache_key", "k"),
    "safety_identifier": each("safety_identifier", "s"),
}
OPENROUTER: Knobs = {
    **CHAT,
    "top_k": each("top_k", 3),
    "reasoning": [
        {"reasoning": {"effort": "high", "exclude": True}},
        {"reasoning": {"max_tokens": 3000}},
        {"reasoning": {"enabled": True}},
        {"reasoning": {"enabled": False}},
    ],
    "min_p": each("min_p", 0.1),
    "repetition_penalty": each("repetition_penalty", 1.1),
    "provider": each("provider", {"sort": "price"}),
    "transforms": each("transforms", ["middle-out"]),
}
COMPLETIONS: Knobs = {
    **SAMPLING,
    "seed": each("seed", 7),
    "max_tokens": each("max_tokens", 900_000, 5),
    "logit_bias": each("logit_bias", {"5": 1}),
    "logprobs": each("logprobs", 3),
    "user": each("user", "someone"),
}
RESPONSES: Knobs = {
    "temperature": SAMPLING["temperature"],
    "top_p": SAMPLING["top_p"],
    "max_tokens": each("max_output_tokens", 900_000, 1, 2000),
    "logprobs": [{"top_logprobs": 2, "include": ["message.output_text.logprobs"]}],
    "reasoning": each("reasoning", {"effort": "xhigh", "summary": "detailed"}, {"effort": "minimal"}, {"summary": "auto"}),
    "text": each(
        "text",
        {"verbosity": "low", "format": {"type": "json_schema", "name": "o", "strict": True, "schema": SCHEMA}},
        {"format": {"type": "json_object"}},
        {"verbosity": "high"},
    ),
    "tools": [
        {
            "tools": [{"type": "function", "strict": True, **FUNCTION}],
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
        {
            "tools": [{"type": "function", "strict": False, **FUNCTION}],
            "tool_choice": {"type": "function", "name": "look_up"},
        },
        {"tools": [{"type": "function", **FUNCTION}], "tool_choice": "auto", "parallel_tool_calls": True},
    ],
    "service_tier": CHAT["service_tier"],
    "user": CHAT["user"],
    "store": each("store", False),
    "metadata": CHAT["metadata"],
    "truncation": each("truncation", "auto"),
    "encrypted": each("include", ["reasoning.encrypted_content"]),
    "prompt_cache_key": CHAT["prompt_cache_key"],
    "safety_identifier": CHAT["safety_identifier"],
    "max_tool_calls": each("max_tool_calls", 3),
}
CLAUDE_TOOL = {"name": "look_up", "description": "d", "input_schema": SCHEMA}
MESSAGES: Knobs = {
    "max_tokens": each("max_tokens", 128_000, 4096, 3),
    "temperature": each("temperature", 0.7, 1.0, 0.0),
    "top_p": SAMPLING["top_p"],
    "top_k": each("top_k", 3),
    "stop": each("stop_sequences", [*SIX, *"abcdefghijklmnopq"], [" "]),
    "reasoning": [
        {"thinking": {"type": "enabled", "budget_tokens": 100_000}, "output_config": {"effort": "max"}},
        *each("thinking", {"type": "enabled", "budget_tokens": 2000}, {"type": "adaptive"}, {"type": "disabled"}),
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
        *each("output_config", {"effort": "low"}, {"effort": "max"}),
    ],
    "user": each("metadata", {"user_id": "someone"}),
    "service_tier": each("service_tier", "standard_only", "auto"),
    "tools": [
        {"tools": [{**CLAUDE_TOOL, "strict": True}], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "tool", "name": "look_up"}},
        {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "none"}},
    ],
}
FUNCTIONS = [{"functionDeclarations": [{"name": "look_up", "description": "d", "parametersJsonSchema": SCHEMA}]}]


def config(**fields: object) -> Json:
    return {"generationConfig": fields}


def calling(**fields: object) -> Json:
    return {"tools": FUNCTIONS, "toolConfig": {"functionCallingConfig": fields}}


GEMINI: Knobs = {
    "temperature": [config(temperature=1.7), config(temperature=0.0)],
    "top_p": [config(topP=0.4), config(topP=0.97)],
    "top_k": [config(topK=3)],
    "max_tokens": [config(maxOutputTokens=900_000), config(maxOutputTokens=5)],
    "stop": [config(stopSequences=SIX)],
    "seed": [config(seed=7)],
    "presence_penalty": [config(presencePenalty=0.5), config(presencePenalty=-1.5)],
    "frequency_penalty": [config(frequencyPenalty=-1.5), config(frequencyPenalty=0.5)],
    "logprobs": [config(responseLogprobs=True, logprobs=2)],
    "reasoning": [
        config(thinkingConfig={"thinkingBudget": 100_000, "includeThoughts": True}),
        config(thinkingConfig={"thinkingBudget": 0}),
        config(thinkingConfig={"thinkingLevel": "medium"}),
        config(thinkingConfig={"thinkingLevel": "HIGH", "includeThoughts": True}),
        config(thinkingConfig={"thinkingBudget": -1}),
    ],
    "response_format": [
        config(responseMimeType="application/json", responseJsonSchema=SCHEMA),
        config(responseMimeType="application/json"),
    ],
    "media_resolution": [config(mediaResolution="MEDIA_RESOLUTION_LOW")],
    "safety": [{"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}],
    "tools": [
        calling(mode="ANY", allowedFunctionNames=["look_up"]),
        calling(mode="ANY"),
        calling(mode="NONE"),
        {"tools": FUNCTIONS},
    ],
}
COHERE: Knobs = {
    "temperature": each("temperature", 0.9, 0.0),
    "top_p": each("p", 0.4, 0.97),
    "top_k": each("k", 3),
    "seed": each("seed", 7),
    "frequency_penalty": each("frequency_penalty", 0.5),
    "presence_penalty": each("presence_penalty", 0.5),
    "max_tokens": each("max_tokens", 900_000, 5),
    "stop": each("stop_sequences", SIX[:5]),
    "logprobs": each("logprobs", True),
    "reasoning": each("thinking", {"type": "enabled", "token_budget": 3000}, {"type": "disabled"}),
    # Not both: who speaks Cohere's language gets Cohere's own answer to that.
    "tools": [
        {"tools": [TOOL], "strict_tools": True, "tool_choice": "REQUIRED"},
        {"tools": [TOOL], "tool_choice": "NONE"},
        *each("response_format", {"type": "json_object", "json_schema": SCHEMA}, {"type": "json_object"}),
    ],
    "safety_mode": each("safety_mode", "STRICT"),
    "citation_options": each("citation_options", {"mode": "FAST"}),
    "priority": each("priority", 3),
}
MISTRAL: Knobs = {
    **SAMPLING,
    "seed": each("random_seed", 7),
    "max_tokens": each("max_tokens", 900_000, 5),
    "reasoning": [{"reasoning_effort": "high"}, {"reasoning_effort": "none"}, {"prompt_mode": "reasoning"}],
    "response_format": CHAT["response_format"],
    "tools": [
        {"tools": [TOOL], "tool_choice": "any", "parallel_tool_calls": False},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look_up"}}},
    ],
    "safe_prompt": each("safe_prompt", True),
    "metadata": CHAT["metadata"],
}
SAID = {"messages": [{"role": "user", "content": "Hi"}], "model": "m"}
CLIENTS: Mapping[str, tuple[Json, Knobs]] = {
    "openai": (SAID, CHAT),
    "openrouter": (SAID, OPENROUTER),
    "anthropic": ({**SAID, "max_tokens": 2000}, MESSAGES),
    "gemini": ({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, GEMINI),
    "mistral": (SAID, MISTRAL),
    "cohere": (SAID, COHERE),
    "azure": (SAID, CHAT),
    "openai-completions": ({"prompt": "Hi", "model": "m"}, COMPLETIONS),
    "openai-responses": ({"input": "Hi", "model": "m"}, RESPONSES),
}
"""By served API: the least request, and its knobs."""


class Head:
    """Of a request, as the served API's parser reads it."""

    request_id = "r"

    def header(self, name: bytes) -> str | None:
        return None

    def query(self) -> Mapping[str, Any]:
        return {}

    def path_param(self, name: str) -> str:
        return {"model": "m", "deployment": "m", "method": "generateContent", "action": "generateContent"}.get(name, "")


SERVED = {api.name: api.server for api in APIS}


def merged(body: Json, more: Json) -> Json:
    """Objects are merged, lists joined."""
    found = dict(body)
    for name, value in more.items():
        known = found.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            found[name] = merged(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            found[name] = [*known, *value]
        else:
            found[name] = value
    return found


def request_of(api: str, pieces: Mapping[str, Json]) -> ChatRequest:
    """As the served API reads it. pieces: by knob."""
    body = CLIENTS[api][0]
    for piece in pieces.values():
        body = merged(body, piece)
    parse = SERVED[api].parse_chat
    # The Responses API, whose parser also wants what is stored.
    return parse_create(body).chat if parse is None else parse(Head(), json.dumps(body).encode()).chat


def every_knob(api: str) -> dict[str, Json]:
    return {name: values[0] for name, values in CLIENTS[api][1].items()}


def some_knobs(api: str, seed: str, count: int) -> Iterator[dict[str, Json]]:
    """Random sets of knobs and values."""
    dice, knobs = random.Random(f"{api} {seed}"), CLIENTS[api][1]
    for _ in range(count):
        share = dice.random()
        yield {name: dice.choice(values) for name, values in knobs.items() if dice.random() < share}
