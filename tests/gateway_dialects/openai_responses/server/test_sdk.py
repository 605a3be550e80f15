"""OpenAI's own SDK takes what the gateway renders: whole, parsed, streamed, failed. Strict mode validates all fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall, ResponseOutputMessage, ResponseReasoningItem
from pydantic import BaseModel

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.content_pb2 import Media, MediaKind, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartStarted, Started, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.json import encode_json
from gateway_dialects.openai.render_response import render_error
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.parse_request import ParsedCreate, parse_create
from gateway_dialects.openai_responses.render_response import response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.gateway_dialects.openai_responses.server.answers import STOP, Event, answer, batch
from tests.laws.languages.openai_responses import events_of
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges

PARTS = [
    Part(reasoning=Reasoning(text="Hm.", signature="s", provider="anthropic")),
    Part(text="Hello"),
    Part(refusal="No."),
    Part(tool_call=ToolCall(id="call_1", name="get_weather", arguments_json='{"city":"Oslo"}')),
    Part(tool_call=ToolCall(id="call_2", name="shell", input="ls")),
    Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=b"\x89")),
    Part(opaque=Opaque(dialect="anthropic", json="{}")),
]
USAGE = Usage(input_tokens=9, output_tokens=5, total_tokens=14)
TOOLS: list[FunctionToolParam] = [
    {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": None}
]
STREAMS = [
    found
    for found in exchanges("/responses")
    if found.vendor.endswith(("openai-responses", "openai_responses"))
    and "stream" in found.response
    and not any(word in found.name for word in ("failed", "error", "rate_limited"))
]
Answering = Callable[[ParsedCreate], httpx2.Response]


def client(answering: Answering, *, strict: bool = True) -> openai.OpenAI:
    """An SDK's client whose requests the gateway parses."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        return answering(parse_create(parse_object(request.content)))

    transport = httpx2.Client(transport=httpx2.MockTransport(handle))
    return openai.OpenAI(
        api_key="k", base_url="http://t/v1", max_retries=0, http_client=transport, _strict_response_validation=strict
    )


def whole(response: ChatResponse) -> Answering:
    def answering(parsed: ParsedCreate) -> httpx2.Response:
        body = encode_json(response_object(response, parsed.echo, "resp_1", 7))
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=body)

    return answering


def streamed(*events: Event, failure: GatewayError | None = None) -> Answering:
    def answering(parsed: ParsedCreate) -> httpx2.Response:
        assert parsed.stream
        renderer = ChunkRenderer(echo=parsed.echo, fallback_id="resp_1", now=7)
        begin = StreamResponse(events=[StreamEvent(started=Started(model="m"))])
        finished = Finished(candidates=[CandidateFinish(finish_reason=STOP)], usage=USAGE)
        end = StreamResponse(events=[StreamEvent(finished=finished)])
        content = renderer.render(begin) + renderer.render(batch(*events))
        content += renderer.fail(failure) if failure else renderer.render(end)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content)

    return answering


def grown() -> list[Event]:
    """PARTS as they grow."""
    empty = [
        Part(reasoning=Reasoning(provider="anthropic")),
        Part(text=""),
        Part(refusal=""),
        Part(tool_call=ToolCall(id="call_1", name="get_weather")),
        Part(tool_call=ToolCall(id="call_2", name="shell", input="")),
    ]
    deltas = [
        PartDelta(reasoning="Hm."),
        PartDelta(text="Hello"),
        PartDelta(refusal="No."),
        PartDelta(arguments_json='{"city":"Oslo"}'),
        PartDelta(input="ls"),
    ]
    events: list[Event] = []
    for index, (part, delta) in enumerate(zip(empty, deltas, strict=True)):
        delta.part_index = index
        events += [PartStarted(part_index=index, part=part), delta]
    return [*events, *(PartStarted(part_index=index, part=PARTS[index]) for index in (5, 6))]


def test_a_whole_answer() -> None:
    found = client(whole(answer(*PARTS, usage=USAGE))).responses.create(
        model="m", input="Hi", tools=TOOLS, metadata={"a": "b"}
    )
    assert found.output_text == "Hello"
    assert [item.type for item in found.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "image_generation_call",
        "reasoning",
    ]
    assert found.usage is not None
    assert found.usage.total_tokens == 14
    assert found.metadata == {"a": "b"}


def test_the_output_can_be_given_back() -> None:
    api = client(whole(answer(*PARTS)))
    first = api.responses.create(model="m", input="Hi")
    given: Any = [item.to_dict() for item in first.output]
    second = api.responses.create(model="m", input=given)
    assert second.output_text == "Hello"


def test_a_parsed_answer() -> None:
    class Greeting(BaseModel):
        say: str

    found = client(whole(answer(Part(text='{"say":"hi"}')))).responses.parse(model="m", input="Hi", text_format=Greeting)
    assert found.output_parsed == Greeting(say="hi")


def test_a_stream() -> None:
    """Every event is one that the SDK knows."""
    events = list(client(streamed(*grown())).responses.create(model="m", input="Hi", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert all(type(event).__module__.startswith("openai.types.responses.") for event in events)


def test_the_stream_helper_accumulates_the_whole_answer() -> None:
    with client(streamed(*grown())).responses.stream(model="m", input="Hi", tools=TOOLS) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        found = stream.get_final_response()
    assert snapshots == ["Hello"]
    assert found.output_text == "Hello"
    thought, words, call, *_ = found.output
    assert isinstance(thought, ResponseReasoningItem)
    assert thought.summary[0].text == "Hm."
    assert isinstance(words, ResponseOutputMessage)
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.arguments == '{"city":"Oslo"}'


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("exchange", STREAMS, ids=lambda exchange: exchange.name)
def test_the_stream_helper_follows_the_providers_own_items(exchange: Exchange) -> None:
    """Not strict: OpenAI itself sends items that its own types do not allow."""
    batches = read_stream(OPENAI_RESPONSES, [exchange.stream])

    def answering(parsed: ParsedCreate) -> httpx2.Response:
        renderer = ChunkRenderer(echo=parsed.echo, fallback_id="resp_1", now=7)
        content = b"".join(renderer.render(batch) for batch in batches)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content)

    with client(answering, strict=False).responses.stream(model="m", input="Hi") as stream:
        last = list(stream)[-1]
    assert last.type in ("response.completed", "response.incomplete")
    output = [item.type for item in last.response.output]
    assert output == [item["type"] for item in events_of(exchange.stream)[-1]["response"]["output"]]


def test_a_stream_that_fails_raises() -> None:
    failing = streamed(*grown(), failure=GatewayError(Reason.UPSTREAM_OVERLOADED, "busy"))
    with pytest.raises(openai.APIError, match="busy") as caught:
        list(client(failing).responses.create(model="m", input="Hi", stream=True))
    assert caught.value.code == "upstream_overloaded"


def test_an_error_raises_its_class() -> None:
    def answering(parsed: ParsedCreate) -> httpx2.Response:
        failure = GatewayError(Reason.RATE_LIMITED, "slow down")
        return httpx2.Response(429, headers={"content-type": "application/json"}, content=render_error(failure))

    with pytest.raises(openai.RateLimitError, match="slow down"):
        client(answering).responses.create(model="m", input="Hi")
