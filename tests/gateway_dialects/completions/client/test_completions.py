"""Text completions as they are asked of a provider, and what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.vendors import vendor_of
from gateway_dialects.completions import CLIENT
from gateway_dialects.completions.parse_request import parse_texts
from gateway_dialects.completions.render_response import TextRenderer, render_texts
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.laws.reading import read_stream

ROW = vendor_of("openai", dialect="openai-completions")
assert ROW is not None
ENDPOINT = Endpoint("openai", ROW.dialect, ROW.url, (Secret("sk"),), quirks=ROW.quirks)
MODEL = "gpt-3.5-turbo-instruct"
HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 7, "model": MODEL}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ECHOED = {
    "tokens": ["Once", " upon", " a"],
    "token_logprobs": [None, -1.5, -0.5],
    "top_logprobs": [None, {" upon": -1.5, " in": -2.5}, {" a": -0.5}],
    "text_offset": [0, 4, 9],
}


def request(**fields: Any) -> ChatRequest:
    return ParseDict({"messages": [{"role": "ROLE_USER", "parts": [{"text": "Once"}]}], **fields}, ChatRequest())


def sent(chat: ChatRequest, *, stream: bool = False) -> tuple[Any, list[str]]:
    """The body, and the fields that were left out."""
    upstream, warnings = CLIENT.encode_chat(chat, MODEL, ENDPOINT, stream)
    assert (upstream.method, upstream.url) == ("POST", "https://api.openai.com/v1/completions")
    assert upstream.headers["authorization"] == "Bearer sk"
    assert {warning.provider for warning in warnings} <= {"openai"}
    return json.loads(upstream.body), [warning.field for warning in warnings]


def asked(**fields: Any) -> ChatRequest:
    """As a client of text completions asks."""
    return parse_texts(json.dumps({"model": "m", "prompt": "Once", **fields}).encode()).chats[0]


def refusal(chat: ChatRequest) -> tuple[Reason, str]:
    with pytest.raises(GatewayError) as caught:
        sent(chat)
    return caught.value.reason, caught.value.field


def test_a_whole_request() -> None:
    fields = {
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": 0.5,
        "presence_penalty": 1.5,
        "seed": 3,
        "max_tokens": 9,
        "n": 2,
        "best_of": 3,
        "logprobs": 5,
        "stop": ["a", "b"],
        "user": "u",
        "suffix": ".",
        "logit_bias": {"1": 2.0},
        "min_p": 0.5,
    }
    assert sent(asked(**fields)) == ({"model": MODEL, "prompt": "Once", **fields}, [])
    assert sent(asked(**fields, echo=True)) == ({"model": MODEL, "prompt": "Once", "echo": True, **fields}, [])


def test_a_stream_counts_its_tokens() -> None:
    body, _ = sent(asked(stream=True), stream=True)
    assert body == {"model": MODEL, "prompt": "Once", "stream": True, "stream_options": {"include_usage": True}}


def test_the_bound_of_a_chat() -> None:
    assert sent(request(maxOutputTokens=5, maxTokens=7))[0]["max_tokens"] == 5
    assert sent(request(maxTokens=7))[0]["max_tokens"] == 7


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ({"topK": 5}, ["top_k"]),
        ({"verbosity": "low"}, ["verbosity"]),
        ({"serviceTier": "flex"}, ["service_tier"]),
        ({"reasoning": {"effort": "high"}}, ["reasoning"]),
        ({"parallelToolCalls": False}, ["parallel_tool_calls"]),
        ({"topLogprobs": 2}, ["top_logprobs"]),
        ({"modalities": ["text", "audio"]}, ["modalities"]),
        ({"modalities": ["text"]}, []),
        ({"responseFormat": {"type": "RESPONSE_FORMAT_TYPE_JSON_OBJECT"}}, ["response_format"]),
        ({"responseFormat": {"type": "RESPONSE_FORMAT_TYPE_TEXT"}}, []),
        ({"providerOptionsJson": {"anthropic": '{"container": "c"}', "openai.form": "{}"}}, ["container"]),
    ],
)
def test_what_it_does_not_have(fields: dict[str, Any], left_out: list[str]) -> None:
    assert sent(request(**fields)) == ({"model": MODEL, "prompt": "Once"}, left_out)


def test_options_do_not_replace_what_the_gateway_decides() -> None:
    fields = '{"model": "other", "prompt": "other", "stream": true, "temperature": 2, "a": 1}'
    options = {"providerOptionsJson": {"openai-completions": fields}, "extraBodyJson": fields}
    assert sent(request(temperature=0.5, **options))[0] == {"model": MODEL, "prompt": "Once", "temperature": 0.5, "a": 1}


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([{"role": "ROLE_SYSTEM", "parts": [{"text": "Be brief."}]}], "messages"),
        ([{"role": "ROLE_USER", "parts": [{"text": "a"}]}, {"role": "ROLE_USER", "parts": [{"text": "b"}]}], "messages"),
        ([{"role": "ROLE_USER", "parts": [{"media": {"uri": "https://a.example/b.png"}}]}], "messages[0].parts[0]"),
        ([{"role": "ROLE_USER", "parts": [{"text": "a"}, {"refusal": "b"}]}], "messages[0].parts[1]"),
    ],
)
def test_conversations_are_refused(messages: list[Any], field: str) -> None:
    assert refusal(request(messages=messages)) == (Reason.UNSUPPORTED, field)


def test_tools_are_refused() -> None:
    assert refusal(request(tools=[{"function": {"name": "f"}}])) == (Reason.UNSUPPORTED, "tools")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"providerOptionsJson": {"openai-completions": "["}}, "provider_options_json.openai-completions"),
        ({"extraBodyJson": "[]"}, "extra_body_json"),
    ],
)
def test_options_that_are_malformed(options: dict[str, Any], field: str) -> None:
    assert refusal(request(**options)) == (Reason.INVALID_REQUEST, field)


def answer(**choice: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"text": " upon", "index": 0, "logprobs": None, "finish_reason": "stop", **choice}]}


def test_an_answer() -> None:
    decoded = CLIENT.chat.decode(json.dumps({**answer(stop_reason="x"), "usage": USAGE}).encode(), "p")
    (candidate,) = decoded.candidates
    assert ([part.text for part in candidate.parts], candidate.raw_finish_reason) == ([" upon"], "stop")
    assert (decoded.id, decoded.model, decoded.usage.input_tokens, decoded.usage.output_tokens) == ("cmpl-1", MODEL, 1, 2)
    assert json.loads(candidate.provider_details_json["openai"]) == {"stop_reason": "x"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_with_log_probabilities_comes_back(stream: bool) -> None:
    texts = parse_texts(b'{"model": "m", "prompt": "Once", "echo": true, "logprobs": 2, "stream": true}')
    given = answer(text="Once upon a", logprobs=ECHOED)
    if stream:
        event = b"data: " + json.dumps(given).encode() + b"\n\ndata: [DONE]\n\n"
        writer = TextRenderer(texts, fallback_id="f", now=1)
        written = b"".join(map(writer.render, read_stream(CLIENT, [event]))).decode()
        choices = [json.loads(line[6:])["choices"][0] for line in written.splitlines() if line.startswith("data: {")]
        assert "".join(choice["text"] for choice in choices) == "Once upon a"
        assert choices[0]["logprobs"] == ECHOED
    else:
        rendered = json.loads(render_texts((CLIENT.chat.decode(json.dumps(given).encode(), "p"),), texts, "f", 1))
        assert rendered == {**given, "usage": None}


@pytest.mark.parametrize(
    "choices",
    [None, [], {}, [None], [{}], [{"text": 1}], [{"message": {"content": "Hi"}}], [{"text": None, "finish_reason": "stop"}]],
)
def test_answers_that_are_malformed(choices: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        CLIENT.chat.decode(json.dumps({**HEAD, "choices": choices}).encode(), "p")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [1], [[]], {"tokens": 1}, {"tokens": [None], "top_logprobs": [1]}])
@pytest.mark.parametrize("name", ["logprobs", "tokens", "token_logprobs", "top_logprobs", "index", "finish_reason"])
def test_values_of_other_types(name: str, value: Any) -> None:
    choice = {name: value} if name in ("logprobs", "index", "finish_reason") else {"logprobs": {**ECHOED, name: value}}
    body = json.dumps(answer(**choice)).encode()
    for read in (lambda: CLIENT.chat.decode(body, "p"), lambda: read_stream(CLIENT, [b"data: " + body + b"\n\n"])):
        try:
            read()
        except GatewayError as failure:
            assert failure.reason in (Reason.UPSTREAM_INVALID_RESPONSE, Reason.STREAM_INTERRUPTED)


def test_errors() -> None:
    error = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}
    failure = CLIENT.chat.decode_error(404, {}, json.dumps(error).encode())
    assert (failure.reason, failure.message) == (Reason.MODEL_NOT_FOUND, "no such model")
    with pytest.raises(GatewayError, match="no such model"):
        CLIENT.chat.decode(json.dumps(error).encode(), "p")
    with pytest.raises(GatewayError, match="no such model"):
        read_stream(CLIENT, [b"data: " + json.dumps(error).encode() + b"\n\n"])
