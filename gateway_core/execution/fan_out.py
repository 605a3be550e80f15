"""Several candidates from providers that give one for each request: the request is asked as often, all at once.

It counts as one attempt: when one of the requests fails, the others are given up and the attempt has failed. Input is billed
for every request, so the usage is the sum.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from typing import TypeVar

from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt
from dragoman.v1.stream_pb2 import Finished, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_core.execution.attempt import Upstream, ask, copy_counts, open_stream
from gateway_core.execution.streams import OpenStream
from gateway_core.execution.usage import sum_of
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target

Result = TypeVar("Result")


def gives_several(target: Target) -> bool:
    """Whether one request to this target can give several candidates."""
    endpoint = target.endpoint
    return DIALECTS[endpoint.dialect].several_candidates and "n" not in endpoint.quirks.unsupported


async def ask_each(request: ChatRequest, upstream: Upstream) -> ChatResponse:
    """The whole answers as one. Raises GatewayError."""
    single = asking_for_one(request)
    branches = branches_of(upstream, request.candidate_count)
    try:
        answers = await all_or_none([ask_one(single, branch) for branch in branches])
    finally:
        record_branches(upstream, branches)
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


async def ask_one(request: ChatRequest, branch: Upstream) -> ChatResponse:
    answer = await ask(request, branch)
    if answer.HasField("usage"):
        copy_counts(answer.usage, branch.record.usage)
    return answer


async def open_each(request: ChatRequest, upstream: Upstream) -> FannedStream:
    """All streams at their first content. The caller closes them. Raises GatewayError."""
    single = asking_for_one(request)
    branches = branches_of(upstream, request.candidate_count)
    opened: list[OpenStream] = []

    async def open_one(branch: Upstream) -> OpenStream:
        stream = await open_stream(single, branch)
        opened.append(stream)
        return stream

    try:
        return FannedStream(await all_or_none([open_one(branch) for branch in branches]))
    except BaseException:
        for stream in opened:
            await stream.close()
        raise
    finally:
        record_branches(upstream, branches)


def branches_of(upstream: Upstream, requests: int) -> Sequence[Upstream]:
    """One for each request, with a record of its own."""
    return [dataclasses.replace(upstream, record=Attempt()) for _ in range(requests)]


def record_branches(upstream: Upstream, branches: Sequence[Upstream]) -> None:
    """The attempt's record from those of its requests."""
    upstream.record.status = max(branch.record.status for branch in branches)
    upstream.used_up_s = max(branch.used_up_s for branch in branches)
    used = [branch.record.usage for branch in branches if branch.record.HasField("usage")]
    if used:
        upstream.record.usage.CopyFrom(sum_of(used))


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

    def reported_usage(self) -> Usage | None:
        """See OpenStream.reported_usage: of all streams together."""
        reports = [self._usage_of(index) for index in range(len(self._streams))]
        found = [report for report in reports if report is not None]
        return sum_of(found) if found else None

    def _usage_of(self, index: int) -> Usage | None:
        finished = self._finished.get(index)
        if finished is not None and finished.HasField("usage"):
            return finished.usage
        return self._streams[index].reported_usage()

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
