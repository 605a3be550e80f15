"""The demo through its transport and the real openai dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from gateway_core.call import Deadline
from gateway_core.transport.demo import DemoTransport
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.openai import CLIENT as OPENAI
from tests.laws.reading import read_stream

ENDPOINT = Endpoint("demo", "openai", "demo://demo")
NO_END = Deadline()
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}}},
    {"type": "function", "function": {"name": "now"}},
]


class FakeTime:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.slept.append(seconds)


def request(model: str, text: str = "hello there my friend", **fields: object) -> UpstreamRequest:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    return UpstreamRequest("POST", "demo://demo/chat/completions", {}, json.dumps(body).encode())


def test_it_is_served_under_a_version_too() -> None:
    plain = request("echo")
    versioned = UpstreamRequest("POST", "demo://demo/v1/chat/completions", {}, plain.body)
    assert reads_of(versioned) == reads_of(plain)


def reads_of(asked: UpstreamRequest, transport: DemoTransport | None = None) -> list[bytes]:
    async def collect() -> list[bytes]:
        response = await (transport or DemoTransport(FakeTime().sleep)).send(asked, NO_END)
        assert response.status == 200
        return [chunk async for chunk in response.chunks()]

    return asyncio.run(collect())


WHOLE_AND_STREAMED: dict[str, tuple[str, str, dict[str, object]]] = {
    "echo": ("echo", "hello there my friend", {}),
    "nothing said": ("echo", "", {}),
    "slow": ("slow", "hello you", {}),
    "reasoning": ("reasoning", "hello you", {}),
    "one tool": ("tools", "hi", {"tools": TOOLS}),
    "two tools": ("tools-parallel", "hi", {"tools": TOOLS}),
    "a custom tool": ("tools", "hi", {"tools": [{"type": "custom", "custom": {"name": "shell"}}]}),
    "json": ("json", "hi", {}),
    "a json schema": ("echo", "hi", {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
    "logprobs": ("echo", "hello you", {"logprobs": True, "top_logprobs": 2}),
    "logprobs of a refusal": ("refusal", "hello you", {"logprobs": True}),
    "three candidates": ("echo", "hello you", {"n": 3}),
    "tools of two candidates": ("tools-parallel", "hi", {"n": 2, "tools": TOOLS}),
    "refusal": ("refusal", "hi", {}),
    "length": ("length", "one two three", {}),
    "filter": ("filter", "one two three", {}),
    "max_tokens": ("reasoning", "one two three", {"max_tokens": 11}),
    "stop": ("echo", "one two three", {"stop": ["wo t"]}),
    "flaky": ("flaky-0", "hi", {}),
    "script": (
        "script",
        '[{"reasoning":"so so"},{"text":"a b"},{"pause_ms":5},{"tool_call":{"name":"f","arguments":{"x":[1, 2]}}}]',
        {},
    ),
}


@pytest.mark.parametrize(("model", "text", "fields"), WHOLE_AND_STREAMED.values(), ids=WHOLE_AND_STREAMED.keys())
def test_a_streamed_answer_folds_into_the_whole_one(model: str, text: str, fields: dict[str, object]) -> None:
    [body] = reads_of(request(model, text, **fields))
    streaming = {"stream": True, "stream_options": {"include_usage": True}}
    reads = reads_of(request(model, text, **fields, **streaming))
    folded = accumulate(read_stream(OPENAI, reads))
    assert without_notes(folded) == without_notes(OPENAI.chat.decode(body, "p"))


def without_notes(answer: ChatResponse) -> ChatResponse:
    """Without what only records the form that the JSON had, and without texts that say nothing."""
    answer.provider_details_json.clear()
    for candidate in answer.candidates:
        candidate.provider_details_json.clear()
        kept = [part for part in candidate.parts if part.text or part.WhichOneof("kind") != "text"]
        del candidate.parts[:]
        candidate.parts.extend(kept)
        for part in candidate.parts:
            part.provider_details_json.clear()
    return answer


def test_every_word_is_a_delta_of_its_own() -> None:
    events = read_stream(OPENAI, reads_of(request("echo", "one two three", stream=True)))
    texts = [
        event.part_delta.text for batch in events for event in batch.events if event.WhichOneof("event") == "part_delta"
    ]
    assert texts == ["one", " two", " three"]


def test_pauses_take_their_time() -> None:
    time = FakeTime()
    reads = reads_of(request("slow-30", "one two", stream=True), DemoTransport(time.sleep))
    assert time.slept == [0.03, 0.03]
    assert len(reads) == 2
    reads_of(request("slow-30", "one two"), DemoTransport(time.sleep))
    assert time.slept == [0.03, 0.03, 0.06]


async def failure_of(awaitable: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await awaitable
    return caught.value


@pytest.mark.parametrize("model", ["cut", "cut-0", "cut-2"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_is_an_interruption(model: str, stream: bool) -> None:
    async def check() -> None:
        response = await DemoTransport(FakeTime().sleep).send(request(model, stream=stream), NO_END)
        assert await anext(response.chunks())
        assert (await failure_of(response.read())).reason == Reason.STREAM_INTERRUPTED

    asyncio.run(check())


def test_silence_ends_with_the_idle_time() -> None:
    async def check() -> None:
        for asked in (request("stall"), request("stall-2", stream=True), request("slow-20000", "hi", stream=True)):
            time = FakeTime()
            response = await DemoTransport(time.sleep, idle_s=15).send(asked, NO_END)
            error = await failure_of(response.read())
            assert (error.reason, error.message) == (Reason.UPSTREAM_TIMEOUT, "the demo sent nothing for 15 s")
            assert time.slept == [15]

    asyncio.run(check())


def test_silence_ends_at_the_deadline() -> None:
    async def check() -> None:
        for asked in (request("stall"), request("stall-2", stream=True), request("slow-3000", "a b c", stream=True)):
            time = FakeTime()
            response = await DemoTransport(time.sleep).send(asked, Deadline.after(4, time))
            assert (await failure_of(response.read())).reason == Reason.DEADLINE_EXCEEDED
            assert time.now == 4

    asyncio.run(check())


def test_a_deadline_that_has_passed_fails_at_once() -> None:
    error = asyncio.run(failure_of(DemoTransport().send(request("echo"), Deadline.after(0))))
    assert error.reason == Reason.DEADLINE_EXCEEDED


def test_flaky_counts_each_request_on_its_own() -> None:
    async def check() -> None:
        transport = DemoTransport()
        asked = [request("flaky-1", "a"), request("flaky-1", "b"), request("flaky-1", "a"), request("flaky-1", "b")]
        statuses = [(await transport.send(one, NO_END)).status for one in asked]
        assert statuses == [503, 503, 200, 200]
        assert (await DemoTransport().send(asked[0], NO_END)).status == 503

    asyncio.run(check())


def test_a_closed_answer_says_nothing_more() -> None:
    async def check() -> None:
        response = await DemoTransport(FakeTime().sleep).send(request("slow", "a b c", stream=True), NO_END)
        assert await anext(response.chunks())
        await response.close()
        await response.close()
        assert await response.read() == b""

    asyncio.run(check())


def test_models_are_listed_through_the_dialect() -> None:
    async def list_models() -> bytes:
        response = await DemoTransport().send(OPENAI.list_models.encode(None, "", ENDPOINT).request, NO_END)
        return await response.read()

    names = [model.id for model in OPENAI.list_models.decode(asyncio.run(list_models()), "demo")]
    assert names[0] == "demo/echo"
    assert {"demo/tools", "demo/slow-200", "demo/error-429", "demo/script"} < set(names)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("error-400", Reason.UPSTREAM_REJECTED),
        ("error-401", Reason.UPSTREAM_AUTH),
        ("error-403", Reason.UPSTREAM_AUTH),
        ("error-404", Reason.MODEL_NOT_FOUND),
        ("error-408", Reason.UPSTREAM_TIMEOUT),
        ("error-422", Reason.UPSTREAM_REJECTED),
        ("error-429", Reason.RATE_LIMITED),
        ("error-500", Reason.UPSTREAM_UNAVAILABLE),
        ("error-503", Reason.UPSTREAM_OVERLOADED),
        ("error-529", Reason.UPSTREAM_OVERLOADED),
        ("html", Reason.UPSTREAM_UNAVAILABLE),
        ("absent", Reason.MODEL_NOT_FOUND),
    ],
)
def test_errors_mean_what_a_real_provider_would_mean(model: str, reason: Reason) -> None:
    async def check() -> GatewayError:
        response = await DemoTransport().send(request(model), NO_END)
        return OPENAI.chat.decode_error(response.status, response.headers, await response.read())

    error = asyncio.run(check())
    assert error.reason == reason
    assert error.retry_after_s == (1 if model == "error-429" else None)


@pytest.mark.parametrize("model", ["empty", "broken"])
def test_what_is_no_answer_is_invalid(model: str) -> None:
    with pytest.raises(GatewayError) as caught:
        OPENAI.chat.decode(b"".join(reads_of(request(model))), "p")
    assert caught.value.reason == Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("empty", Reason.STREAM_INTERRUPTED),
        ("eof", Reason.STREAM_INTERRUPTED),
        ("broken", Reason.UPSTREAM_INVALID_RESPONSE),
        ("error-after-2", Reason.UPSTREAM_UNAVAILABLE),
    ],
)
def test_a_stream_that_is_no_answer_fails(model: str, reason: Reason) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(OPENAI, reads_of(request(model, stream=True)))
    assert caught.value.reason == reason
