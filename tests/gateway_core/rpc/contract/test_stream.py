from __future__ import annotations

import asyncio

import grpc
import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from gateway_dialects.kit.accumulate import accumulate
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, chunk, question, read_all, streamed, text_of
from tests.upstream import Received, Reply, Signal, event_stream

DONE = b"data: [DONE]\n\n"


def repeat(request: Received) -> Reply:
    text = request.json()["messages"][0]["content"]
    return event_stream(chunk(text), chunk("", "stop"), DONE)


@pytest.mark.parametrize("model", ["demo/echo", "demo/reasoning", "demo/refusal", "demo/length", "demo/json"])
def test_a_stream_adds_up_to_the_whole_answer(contract: Contract, model: str) -> None:
    async def check(house: Served) -> None:
        batches = await read_all(house.stub.Stream(streamed(model)))
        events = [event.WhichOneof("event") for batch in batches for event in batch.events]
        assert (events[0], events[-1]) == ("started", "finished")
        folded, whole = accumulate(batches), await house.stub.Chat(question(model))
        for response in (folded, whole):
            response.route.attempts[0].ClearField("duration_ms")
            assert len(response.route.call_id) == 32
            response.route.ClearField("call_id")
        assert folded == whole

    contract(check)


def test_events_come_when_they_happen(contract: Contract) -> None:
    go_on = Signal()

    async def check(house: Served) -> None:
        call = house.stub.Stream(streamed("at-openai/gpt"))
        messages = aiter(call)
        assert text_of([await anext(messages)]) == "first "
        assert not call.done()
        go_on.set()
        assert text_of(await read_all(messages)) == "second"
        assert await call.code() is grpc.StatusCode.OK

    contract(check, Behind(lambda _: event_stream(chunk("first "), go_on, chunk("second", "stop"), DONE)))


def test_messages_can_be_read_one_by_one(contract: Contract) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Stream(streamed())
        batches: list[StreamResponse] = []
        while isinstance(batch := await call.read(), StreamResponse):
            batches.append(batch)
        assert batch is grpc.aio.EOF
        assert text_of(batches) == "Hello there"
        assert await call.read() is grpc.aio.EOF
        assert call.done()
        assert (await call.code(), await call.details()) == (grpc.StatusCode.OK, "")

    contract(check)


def test_metadata_can_be_read_before_the_messages(contract: Contract) -> None:
    async def check(house: Served) -> None:
        call = house.stub.Stream(streamed(), metadata=(("x-request-id", "r1"),))
        assert dict(await call.initial_metadata())["x-request-id"] == "r1"
        assert text_of(await read_all(call)) == "Hello there"

    contract(check)


def test_who_answers_is_told_first(contract: Contract) -> None:
    async def check(house: Served) -> None:
        (first, *_) = await read_all(house.stub.Stream(streamed("demo/echo")))
        started = first.events[0].started
        assert (started.route.provider, started.route.model) == ("demo", "echo")

    contract(check)


def test_a_large_event(contract: Contract) -> None:
    text = "0123456789abcdef" * (6 * 1024 * 1024 // 16)

    async def check(house: Served) -> None:
        assert text_of(await read_all(house.stub.Stream(streamed("at-openai/gpt", text)))) == text

    contract(check, Behind(repeat))


def test_a_long_stream(contract: Contract) -> None:
    async def check(house: Served) -> None:
        assert len(text_of(await read_all(house.stub.Stream(streamed("demo/long-3000")))).split()) == 3000

    contract(check)


def test_many_at_a_time(contract: Contract) -> None:
    texts = [f"question {number}" for number in range(50)]

    async def check(house: Served) -> None:
        streams = [read_all(house.stub.Stream(streamed("at-openai/gpt", text))) for text in texts]
        assert [text_of(batches) for batches in await asyncio.gather(*streams)] == texts

    contract(check, Behind(repeat))


def test_a_request_stays_as_the_client_made_it(contract: Contract) -> None:
    request = streamed("demo/echo", temperature=0.7)
    before = StreamRequest(chat=ChatRequest.FromString(request.chat.SerializeToString()))

    async def check(house: Served) -> None:
        await read_all(house.stub.Stream(request))
        assert request == before

    contract(check)
