"""What load balancers and orchestrators are told."""

from __future__ import annotations

import asyncio

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest

from gateway_core.rpc.server import SERVICE
from tests.gateway_core.rpc.listening import NOT_SERVING, SERVICE_UNKNOWN, SERVING, health, listening, waiting
from tests.gateway_core.rpc.serving import Behind, failure_of, read_all, run, streamed, text_of
from tests.upstream import Signal


def test_health_needs_no_key() -> None:
    async def check() -> None:
        async with listening(Behind(keys=["secret"])) as here:
            for service in ("", SERVICE):
                response = await health(here.channel).Check(HealthCheckRequest(service=service))
                assert response.status == SERVING
            error = await failure_of(health(here.channel).Check(HealthCheckRequest(service="nothing")))
            assert error.code() is grpc.StatusCode.NOT_FOUND

    run(check)


def test_watchers_are_told_first_that_the_server_stops() -> None:
    go_on = Signal()

    async def check() -> None:
        async with listening(waiting(go_on)) as here:
            watching = [here.watch(""), here.watch(SERVICE)]
            assert [await anext(one) for one in watching] == [SERVING, SERVING]
            messages = aiter(here.stub.Stream(streamed("at-openai/gpt")))
            assert text_of([await anext(messages)]) == "first "

            stopping = asyncio.create_task(here.server.stop(60))
            assert [await anext(one) for one in watching] == [NOT_SERVING, NOT_SERVING]
            for one in watching:
                assert [status async for status in one] == []
            assert not stopping.done()

            go_on.set()
            assert text_of(await read_all(messages)) == "second"
            await stopping
            await here.server.wait_stopped()

    run(check)


def test_a_watcher_of_an_unknown_service() -> None:
    async def check() -> None:
        async with listening() as here:
            watching = here.watch("nothing")
            assert await anext(watching) == SERVICE_UNKNOWN
            stopping = asyncio.create_task(here.server.stop(60))
            assert [status async for status in watching] == []
            await stopping

    run(check)
