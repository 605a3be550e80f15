"""Several candidates from providers that give one for each request: the request is asked as often, all at once.

It counts as one attempt: when one of the requests fails, the others are given up and the attempt has failed. Input is billed
for every request, so the usage is the sum.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import Finished, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_core.deadline import Deadline
from gateway_core.execution.attempt import OpenStream, ask, open_stream
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.route import Target
from gateway_core.transport.base import Transport

Result = TypeVar("Result")


def gives_several(target: Target) -> bool:
    """Whether one request to this target can give several candidates."""
    endpoint = target.endpoint
    return DIALECTS[endpoint.dialect].several_candidates and "n" not in endpoint.quirks.unsupported


async def ask_each(
    request: ChatRequest, target: Target, deadline: Deadline, transports: Mapping[str, Transport]
) -> ChatResponse:
    """The whole answers as one. Raises GatewayError."""
    single = asking_for_one(request)
    answers = await all_or_none([ask(single, target, deadline, transports) for _ in range(request.candidate_count)])
    merged = answers[0]
    for index, answer in enumerate(answers[1:], 1):
        candidate = merged.candidates.add()
        candidate.CopyFrom(answer.candidates[0])
        candidate.index = index
    if all(answer.HasField("usage") for answer in answers):
        merged.usage.CopyFrom(sum_of([answer.usage for answer in answers]))
    else:
        merged.ClearField("usage")
    return merged


async def open_each(
    request: ChatRequest, target: Target, deadline: Deadline, transports: Mapping[str, Transport]
) -> FannedStream:
    """All streams at their first content. The caller closes them. Raises GatewayError."""
    single = asking_for_one(request)
    opened: list[OpenStream] = []

    async def open_one() -> OpenStream:
        stream = await open_stream(single, target, deadline, transports)
        opened.append(stream)
        return stream

    try:
        return FannedStream(await all_or_none([open_one() for _ in range(request.candidate_count)]))
    except BaseException:
        for stream in opened:
            await stream.close()
        raise


class FannedStream:
    """Streams of one candidate each, as one stream of all of them. See OpenStream."""

    def __init__(self, streams: Sequence[OpenStream]) -> None:
        self._streams = streams
        self._finished: dict[int, Finished] = {}
        self.warnings = streams[0].warnings
        self.first = StreamResponse()
        for index, stream in enumerate(streams):
            self._merge(index, stream.first, self.first)

    async def batches(self) -> AsyncGenerator[StreamResponse, None]:
        """All that follows the first batch, as it comes. Raises GatewayError when one of the streams fails."""
        if len(self._finished) < len(self._streams):
            async with aclosing(as_they_come([stream.batches() for stream in self._streams])) as merged:
                async for index, batch in merged:
                    renumbered = StreamResponse()
                    self._merge(index, batch, renumbered)
                    if renumbered.events:
                        yield renumbered
        last = StreamResponse()
        last.events.add().finished.CopyFrom(self._end())
        yield last

    async def close(self) -> None:
        for stream in self._streams:
            await stream.close()

    def _merge(self, index: int, batch: StreamResponse, into: StreamResponse) -> None:
        """The answer begins once, and ends when every candidate has ended."""
        for event in batch.events:
            kind = event.WhichOneof("event")
            if kind == "finished":
                self._finished[index] = event.finished
            elif kind != "started" or index == 0:
                copied = into.events.add()
                copied.CopyFrom(event)
                renumber(copied, index)

    def _end(self) -> Finished:
        ends = [self._finished[index] for index in sorted(self._finished)]
        merged = Finished()
        merged.CopyFrom(ends[0])
        merged.ClearField("usage")
        for index, end in enumerate(ends):
            if index:
                merged.candidates.add().CopyFrom(end.candidates[0])
            merged.candidates[index].index = index
        if all(end.HasField("usage") for end in ends):
            merged.usage.CopyFrom(sum_of([end.usage for end in ends]))
        return merged


def asking_for_one(request: ChatRequest) -> ChatRequest:
    single = ChatRequest()
    single.CopyFrom(request)
    single.ClearField("candidate_count")
    return single


def renumber(event: StreamEvent, index: int) -> None:
    match event.WhichOneof("event"):
        case "part_started":
            event.part_started.candidate_index = index
        case "part_delta":
            event.part_delta.candidate_index = index
        case "part_finished":
            event.part_finished.candidate_index = index
        case _:
            pass


def sum_of(usages: Sequence[Usage]) -> Usage:
    """Without the providers' own words, which tell of one request each."""
    total = Usage()
    for usage in usages:
        for descriptor, value in usage.ListFields():
            if isinstance(value, int) and not isinstance(value, bool):
                setattr(total, descriptor.name, getattr(total, descriptor.name) + value)
    total.estimated = any(usage.estimated for usage in usages)
    if all(usage.HasField("cost") for usage in usages):
        total.cost.total_usd = sum(usage.cost.total_usd for usage in usages)
        total.cost.source = usages[0].cost.source
    return total


async def all_or_none(wanted: Sequence[Awaitable[Result]]) -> list[Result]:
    """All results at once. Raises the first GatewayError, after the others were given up."""
    tasks = [asyncio.ensure_future(one) for one in wanted]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def as_they_come(
    streams: Sequence[AsyncGenerator[StreamResponse, None]],
) -> AsyncGenerator[tuple[int, StreamResponse], None]:
    """(which stream, its batch) until all have ended. Raises the first GatewayError."""
    pending = {asyncio.ensure_future(anext(stream)): index for index, stream in enumerate(streams)}
    try:
        while pending:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                index = pending.pop(task)
                try:
                    batch = task.result()
                except StopAsyncIteration:
                    continue
                pending[asyncio.ensure_future(anext(streams[index]))] = index
                yield index, batch
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
