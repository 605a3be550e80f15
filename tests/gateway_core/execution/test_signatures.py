"""The memory of signatures: whose they are, for how long, how many, and what comes back where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import Candidate, ChatRequest, ChatResponse
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, Message, Part, Reasoning, Signature, ToolCall
from dragoman.v1.records_pb2 import Record
from dragoman.v1.stream_pb2 import PartDelta, PartFinished, PartStarted, StreamEvent, StreamResponse
from gateway_core.call import ByokCredentials, Call, Caller
from gateway_core.execution.signatures import KIND, SignatureMemory
from gateway_core.execution.signed_calls import with_signatures
from gateway_core.storage.sqlite import SqliteStore
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_core.storage.stored import Clock

ANTHROPIC = Endpoint("anthropic", "anthropic", "http://a")
THOUGHT = Part(reasoning=Reasoning(text="I search.", signature="sealed", provider="anthropic"))


def tool_call(call_id: str = "c1", arguments: str = '{"a": 1, "b": [2]}', **more: Any) -> Part:
    return Part(tool_call=ToolCall(id=call_id, name="find", arguments_json=arguments), **more)


def answer(*parts: Part) -> ChatResponse:
    return ChatResponse(candidates=[Candidate(parts=parts)])


SIGNED = answer(THOUGHT, Part(text="Let me see."), tool_call())


def history(*parts: Part) -> ChatRequest:
    return ChatRequest(messages=[Message(role=ROLE_ASSISTANT, parts=parts)])


BARE = history(Part(text="Let me see."), tool_call(arguments='{"b":[2],"a":1}'))


def call_of(owner: str = "ann", *, key: str = "") -> Call:
    call = Call("r", caller=Caller(owner), byok=ByokCredentials(key=Secret(key)))
    call.route.provider = "anthropic"
    call.route.attempts.add(provider="anthropic", api="anthropic")
    return call


async def recalled(memory: SignatureMemory, request: ChatRequest = BARE, call: Call | None = None) -> list[Part]:
    """The parts of the first message as Anthropic gets them."""
    found = await memory.recall(request, call or call_of())
    return list(with_signatures(request, found, ANTHROPIC).messages[0].parts)


def run(check: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(check())


def test_reasoning_comes_back_before_its_call_and_the_words_between() -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        assert await recalled(memory) == [THOUGHT, *BARE.messages[0].parts]
        assert [part.WhichOneof("kind") for part in BARE.messages[0].parts] == ["text", "tool_call"]

    run(check)


def test_unsigned_reasoning_of_the_client_is_the_same_and_goes() -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        shown = history(Part(reasoning=Reasoning(text="I search.")), tool_call())
        assert await recalled(memory, shown) == [THOUGHT, tool_call()]

    run(check)


def test_what_a_client_gives_back_stays_as_it_is() -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        own = Part(reasoning=Reasoning(text="I search.", signature="the client's", provider="anthropic"))
        assert await recalled(memory, history(own, tool_call())) == [own, tool_call()]

    run(check)


def test_each_of_several_calls_has_its_own() -> None:
    second = tool_call("c2", signature=Signature(provider="gemini", value="of the second"))

    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), answer(THOUGHT, tool_call(), second))
        assert await recalled(memory, history(tool_call(), tool_call("c2"))) == [THOUGHT, tool_call(), second]

    run(check)


def test_a_signed_text_is_known_again_by_its_words() -> None:
    said = Part(text="Let me see.", signature=Signature(provider="gemini", value="of the words"))

    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), answer(THOUGHT, said, tool_call()))
        assert await recalled(memory) == [THOUGHT, said, BARE.messages[0].parts[1]]
        others = history(Part(text="Let me see!"))
        assert await recalled(memory, others) == list(others.messages[0].parts)

    run(check)


def test_a_stream_is_remembered_as_its_whole_answer() -> None:
    signature = Signature(provider="gemini", value="late")
    events = [
        StreamEvent(part_started=PartStarted(part=Part(reasoning=Reasoning(provider="anthropic")))),
        StreamEvent(part_delta=PartDelta(reasoning="I ")),
        StreamEvent(part_delta=PartDelta(reasoning="search.")),
        StreamEvent(part_delta=PartDelta(signature="sealed")),
        StreamEvent(part_started=PartStarted(part_index=1, part=Part(text=""))),
        StreamEvent(part_delta=PartDelta(part_index=1, text="Let me see.")),
        StreamEvent(part_finished=PartFinished(part_index=1, signature=Signature(provider="gemini", value="of the words"))),
        StreamEvent(part_started=PartStarted(part_index=2, part=tool_call(arguments=""))),
        StreamEvent(part_delta=PartDelta(part_index=2, arguments_json='{"a":1,')),
        StreamEvent(part_delta=PartDelta(part_index=2, arguments_json='"b":[2]}')),
        StreamEvent(part_finished=PartFinished(part_index=2, signature=signature)),
    ]

    async def check() -> None:
        memory = SignatureMemory(1)
        seen = memory.watch()
        assert seen is not None
        for event in events:
            seen.feed(StreamResponse(events=[event]))
        memory.streamed(call_of(), seen)
        thought, text, call = await recalled(memory)
        assert (thought, text.text, call.signature) == (THOUGHT, "Let me see.", signature)
        assert text.signature.value == "of the words"

    run(check)


@pytest.mark.parametrize(
    "request_",
    [
        history(tool_call(arguments='{"a": 2}')),
        history(tool_call("c2")),
        history(Part(tool_call=ToolCall(id="c1", name="other", arguments_json='{"a": 1, "b": [2]}'))),
    ],
    ids=["other arguments", "another id", "another tool"],
)
def test_another_call_gets_nothing(request_: ChatRequest) -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        assert await recalled(memory, request_) == list(request_.messages[0].parts)

    run(check)


@pytest.mark.parametrize(
    "endpoint", [Endpoint("other", "anthropic", "http://o"), Endpoint("anthropic", "openai", "http://a")], ids=str
)
def test_who_did_not_sign_gets_nothing(endpoint: Endpoint) -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        found = await memory.recall(BARE, call_of())
        assert with_signatures(BARE, found, endpoint) is BARE

    run(check)


@pytest.mark.parametrize("other", [call_of("bob"), call_of("ann", key="of somebody else")], ids=["caller", "key"])
def test_another_caller_gets_nothing(other: Call) -> None:
    async def check() -> None:
        memory = SignatureMemory(1)
        memory.answered(call_of(), SIGNED)
        assert not await memory.recall(BARE, other)

    run(check)


def test_it_is_forgotten_after_its_time() -> None:
    async def check() -> None:
        clock = Clock()
        memory = SignatureMemory(2, clock=clock)
        memory.answered(call_of(), SIGNED)
        clock.now += 2 * 3600 - 1
        assert await memory.recall(BARE, call_of())
        clock.now += 2
        assert not await memory.recall(BARE, call_of())

    run(check)


def test_the_oldest_make_room() -> None:
    async def check() -> None:
        memory = SignatureMemory(1, most_bytes=2000)
        for number in range(100):
            memory.answered(call_of(), answer(THOUGHT, tool_call(f"c{number}")))
        everything = history(*(tool_call(f"c{number}") for number in range(100)))
        found = await memory.recall(everything, call_of())
        assert 0 < len(found) < 10
        assert "c99" in found

    run(check)


def test_switched_off_it_remembers_nothing() -> None:
    async def check() -> None:
        memory = SignatureMemory(0)
        memory.answered(call_of(), SIGNED)
        assert memory.watch() is None
        assert not await memory.recall(BARE, call_of())

    run(check)


def test_in_a_file_another_process_finds_it(tmp_path: Path) -> None:
    async def check() -> None:
        stores = [SqliteStore(tmp_path / "kept.db", max_records=100, max_bytes=2**20) for _ in range(2)]
        first, second = (SignatureMemory(1, store) for store in stores)
        first.answered(call_of(), SIGNED)
        await first.close()
        assert await recalled(second) == [THOUGHT, *BARE.messages[0].parts]
        assert not await second.recall(BARE, call_of("bob"))
        for store in stores:
            await store.close()

    run(check)


FORGED = [
    "{}",
    '{"calls":[{"id":"c1"}]}',
    '{"calls":[{"id":"c1","origin":"o","digest":"?","parts":"?"}]}',
    '{"calls":[{"id":"c1","origin":"o","digest":"AA==","parts":"AA=="}]}',
    '{"calls":[{"id":"c1","origin":"o","digest":"AA==","parts":""}]}',
]


@pytest.mark.parametrize("text", FORGED)
def test_a_record_that_somebody_else_put_is_none(text: str) -> None:
    async def check() -> None:
        store = SqliteStore(None, max_records=100, max_bytes=2**20)
        await store.put("ann", Record(kind=KIND, id="c1", part_ids=["c1"], json=text, expires=2**40))
        assert not await SignatureMemory(1, store).recall(BARE, call_of())
        await store.close()

    run(check)


class Broken(SqliteStore):
    async def put(self, owner: str, record: Record) -> None:
        raise GatewayError(Reason.STORAGE_UNAVAILABLE, "the disk is full")


def test_a_storage_that_fails_costs_no_answer() -> None:
    async def check() -> None:
        memory = SignatureMemory(1, Broken(None, max_records=1, max_bytes=1))
        memory.answered(call_of(), SIGNED)
        await memory.close()
        assert await memory.recall(BARE, call_of())

    run(check)
