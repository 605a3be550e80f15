"""What OpenAI's SDK sends reaches a provider of the same API unchanged, and the answer comes back unchanged."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from tests.e2e.conversations import ENDING, USAGE, chunk, completion, said, streamed, word
from tests.e2e.gateways import KEY, PROVIDER_KEY, Provider, Start
from tests.upstream import event_stream, json_reply

MODEL = "openai/real-model"

EVERY_FIELD: Mapping[str, Any] = {
    "frequency_penalty": 0.1,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 1000,
    "metadata": {"project": "x"},
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "what it will say"},
    "presence_penalty": -0.2,
    "prompt_cache_key": "cache",
    "prompt_cache_options": {"mode": "implicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}},
    "safety_identifier": "who",
    "seed": 7,
    "service_tier": "flex",
    "stop": "END",
    "store": True,
    "temperature": 0.7,
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "tools": [
        {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}},
        {"type": "custom", "custom": {"name": "grep", "format": {"type": "text"}}},
    ],
    "top_logprobs": 3,
    "top_p": 0.9,
    "user": "ann",
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}
"""Each optional field that the SDK's types list, but for those that stand for another and those of streaming."""

CONVERSATION: list[ChatCompletionMessageParam] = [
    {"role": "developer", "content": "Be brief.", "name": "boss"},
    {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "high"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            {"type": "file", "file": {"file_id": "file-1"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1.0}'}},
            {"id": "call_2", "type": "custom", "custom": {"name": "grep", "input": "-r x"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "found"}]},
    {"role": "assistant", "content": None, "refusal": "No."},
    {"role": "user", "content": "Why?"},
]


def test_every_field_arrives_as_it_was_sent(client: OpenAI, provider: Provider) -> None:
    provider.answers(completion("Hi"))
    known = set(EVERY_FIELD)

    client.chat.completions.create(model=MODEL, messages=CONVERSATION, **EVERY_FIELD)

    (request,) = provider.requests
    assert (request.method, request.path) == ("POST", "/chat/completions")
    body = request.json()
    assert body == {"model": "real-model", "messages": CONVERSATION, **EVERY_FIELD}
    assert known < set(body)


def test_fields_that_nobody_has_heard_of_arrive_too(client: OpenAI, provider: Provider) -> None:
    unknown = {"future": {"deep": [1, 2.5, None, {"x": "ü"}]}, "flag": False, "big": 2**60}
    provider.answers(completion("Hi"))

    client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Hi", "mood": "glad"}],  # type: ignore[list-item]
        extra_body=unknown,
    )

    assert provider.requests[0].json() == {
        "model": "real-model",
        "messages": [{"role": "user", "content": "Hi", "mood": "glad"}],
        **unknown,
    }


def test_functions_as_they_were_before_tools(client: OpenAI, provider: Provider) -> None:
    old = {"functions": [{"name": "look", "parameters": {"type": "object"}}], "function_call": {"name": "look"}}
    provider.answers(completion("Hi"))

    client.chat.completions.create(model=MODEL, messages=said("Hi"), **old)  # type: ignore[call-overload]

    assert provider.requests[0].json() == {"model": "real-model", "messages": said("Hi"), **old}


def test_the_providers_key_takes_the_place_of_the_clients(client: OpenAI, provider: Provider) -> None:
    provider.answers(completion("Hi"))

    client.chat.completions.create(
        model=MODEL,
        messages=said("Hi"),
        extra_headers={"X-Api-Key": KEY, "Cookie": f"key={KEY}", "OpenAI-Organization": "org-mine"},
        extra_query={"key": KEY},
    )

    (request,) = provider.requests
    assert request.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers.keys() <= {
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }
    assert KEY not in str(request.headers) + request.path + request.body.decode()


def test_a_streams_request(client: OpenAI, provider: Provider) -> None:
    provider.answers(streamed(word("Hi")))

    chunks = list(client.chat.completions.create(model=MODEL, messages=said("Hi"), stream=True))

    assert provider.requests[0].json() == {
        "model": "real-model",
        "messages": said("Hi"),
        "stream": True,
        # Asked for whether the client wants it or not: the gateway accounts for it.
        "stream_options": {"include_usage": True},
    }
    assert all(chunk.usage is None for chunk in chunks)


def test_the_answer_comes_back_whole(client: OpenAI, provider: Provider) -> None:
    message = {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "annotations": [
            {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "url": "https://e.com"}}
        ],
        "future": {"x": 1},
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "odd": [1]}
    sent = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "real-model-2026",
        "choices": [choice],
        "usage": {**USAGE, "prompt_tokens_details": {"cached_tokens": 1, "future_tokens": 2}},
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "unheard_of": "kept",
    }
    provider.answers(json_reply(sent))

    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=said("Hi"))

    assert json.loads(raw.content) == sent
    assert raw.headers["x-model-used"] == "openai/real-model"


def test_a_stream_comes_back_whole(client: OpenAI, provider: Provider) -> None:
    parts: list[dict[str, Any]] = [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi "}),
        chunk({"content": "you"}),
        chunk({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}),
        chunk({}, "tool_calls"),
    ]
    provider.answers(event_stream(*parts, *ENDING[1:]))

    with client.chat.completions.stream(model=MODEL, messages=said("Hi"), stream_options={"include_usage": True}) as stream:
        final = stream.get_final_completion()

    (choice,) = final.choices
    (call,) = choice.message.tool_calls or []
    assert (final.id, final.model, final.created) == ("chatcmpl-1", "real-model-2026", 1)
    assert (choice.message.content, choice.finish_reason) == ("Hi you", "tool_calls")
    assert (call.id, call.function.name, call.function.arguments) == ("c", "f", '{"a": 1}')
    assert final.usage is not None
    assert final.usage.model_dump(exclude_none=True) == USAGE


class Guest(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("streams", [False, True])
def test_structured_outputs_of_a_provider(client: OpenAI, provider: Provider, streams: bool) -> None:
    if streams:
        provider.answers(streamed(word('{"name": "Ann",'), chunk({"content": ' "age": 42}'})))
        with client.chat.completions.stream(model=MODEL, messages=said("Who?"), response_format=Guest) as stream:
            parsed = stream.get_final_completion().choices[0].message.parsed
    else:
        provider.answers(completion('{"name": "Ann", "age": 42}'))
        answer = client.chat.completions.parse(model=MODEL, messages=said("Who?"), response_format=Guest)
        parsed = answer.choices[0].message.parsed

    assert parsed == Guest(name="Ann", age=42)
    form = provider.requests[0].json()["response_format"]
    assert (form["type"], form["json_schema"]["name"], form["json_schema"]["strict"]) == ("json_schema", "Guest", True)
    assert form["json_schema"]["schema"]["required"] == ["name", "age"]


def test_the_providers_models(start: Start, provider: Provider) -> None:
    cards = [{"id": "b", "object": "model", "created": 2, "owned_by": "them"}, {"id": "a", "context_length": 8192}]
    provider.answers(json_reply({"object": "list", "data": cards}))

    environ = {"OPENAI_API_URL": provider.url, "OPENAI_API_KEY": PROVIDER_KEY}
    with start(environ=environ) as running, OpenAI(base_url=running.url, api_key="-", max_retries=0) as client:
        listed = {model.id: model for model in client.models.list(extra_query={"provider": "openai"})}
        one = client.models.retrieve("openai/b")

    (request,) = provider.requests
    assert (request.method, request.path) == ("GET", "/models")
    assert request.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert listed.keys() == {"openai/a", "openai/b"}
    assert (listed["openai/b"].created, listed["openai/b"].owned_by) == (2, "them")
    assert one.id == "openai/b"
