"""The gRPC load generator: so many calls at a time with the generated stubs, checking every answer.

    python -m benchmarks.grpc_load --port 50051 --kind streams

Prints a Count as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import grpc.aio
import uvloop

from benchmarks import traffic
from benchmarks.load import Count, Window, add_window, measure, report, window_of
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

CALLS_PER_CHANNEL = 8


def chat_request(model: str) -> ChatRequest:
    """The request that the HTTP generator sends, as the contract says it."""
    system = Message(role=Role.ROLE_SYSTEM, parts=[Part(text=traffic.SYSTEM)])
    user = Message(role=Role.ROLE_USER, parts=[Part(text=traffic.QUESTION)])
    return ChatRequest(model=model, messages=[system, user], max_tokens=256, temperature=0.7)


async def chat(stub: GatewayServiceAsyncStub, request: ChatRequest, count: Count) -> None:
    answer = await stub.Chat(request)
    text = answer.candidates[0].parts[0].text if answer.candidates else ""
    settle(count, "" if text == traffic.TEXT else f"not the expected answer: {answer}", 1)


async def stream(stub: GatewayServiceAsyncStub, request: ChatRequest, count: Count) -> None:
    events = reads = 0
    last = None
    async for batch in stub.Stream(StreamRequest(chat=request)):
        reads += 1
        events += len(batch.events)
        last = batch
    ended = last is not None and bool(last.events) and last.events[-1].HasField("finished")
    settle(count, "" if ended and events >= traffic.CHUNKS else f"{events} events, the last: {last}", reads)


def settle(count: Count, problem: str, reads: int) -> None:
    if problem:
        count.failed += 1
        count.problem = count.problem or problem[:2000]
    else:
        count.finished += 1
        count.reads += reads


async def repeat(call: Callable[[], Awaitable[None]], count: Count) -> None:
    """Until cancelled, or until a call fails with a status."""
    try:
        while True:
            await call()
    except grpc.aio.AioRpcError as error:
        settle(count, f"{error.code().name}: {error.details()}", 0)


async def drive(port: int, model: str, window: Window, *, calls: int, streaming: bool) -> Count:
    """Keep so many calls going for the whole window."""
    count, request = Count(), chat_request(model)
    kind = stream if streaming else chat
    async with AsyncExitStack() as stack:
        # The pool would give all channels to one address a single connection.
        options = (("grpc.use_local_subchannel_pool", 1),)
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options))
            for _ in range(max(1, calls // CALLS_PER_CHANNEL))
        ]
        stubs = [GatewayServiceStub(channels[index % len(channels)]) for index in range(calls)]
        tasks = [asyncio.create_task(repeat(functools.partial(kind, stub, request, count), count)) for stub in stubs]
        await asyncio.sleep(window.warmup_s)
        result = await measure(count, window)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.grpc_load", description="Drives a gateway over gRPC.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default=f"openai/{traffic.MODEL}")
    parser.add_argument("--kind", choices=("unary", "streams"), default="unary")
    parser.add_argument("--calls", type=int, default=32, help="at a time")
    add_window(parser)
    options = parser.parse_args()
    streaming = options.kind == "streams"
    report(uvloop.run(drive(options.port, options.model, window_of(options), calls=options.calls, streaming=streaming)))


if __name__ == "__main__":
    main()
