"""What answers took, kept in the core for the clients that got them: after the answer, and without it failing."""

from __future__ import annotations

import asyncio
import logging
import time

import grpc

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.records_pb2 import GetRecordRequest, Record
from gateway_dialects.openrouter.render_metadata import Generation
from http_facade.connect import failure_of
from http_facade.core import Core
from http_facade.exchange import Exchange

KIND = "generation"
LONGEST_ID = 256
MOST_AT_ONCE = 256
"""So many are being kept at the same time; what comes when the store is that late is not kept."""
KEPT_WITHIN_S = 5.0
KEPT_FOR_S = 24 * 3600
"""They come with every answer, and must not push out what their client keeps on purpose."""
TOLD_EVERY_S = 60.0

log = logging.getLogger("dragoman.http")


class Generations:
    """Those of all clients. One for a facade's routes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._losses = Losses()
        self._coming: dict[str, asyncio.Event] = {}
        """By id: those that a client may ask for before they are kept, and when they are."""
        self._running = 0

    def follow(self, generation: Generation, exchange: Exchange) -> None:
        """Keep it once the client has its answer, or has left."""

        async def afterwards() -> None:
            if generation.begun:
                await self._keep(generation, exchange)

        exchange.afterwards = afterwards

    def expect(self, generation: Generation) -> None:
        """Its client is about to learn that it is complete: who asks for it now waits until it is kept."""
        if len(self._coming) < MOST_AT_ONCE:
            self._coming.setdefault(generation.id, asyncio.Event())

    async def one(self, generation_id: str, exchange: Exchange) -> str:
        """The JSON that was kept. Raises GatewayError: 404 when there is none of this caller's."""
        if len(generation_id) > LONGEST_ID:
            raise not_found(generation_id)
        if coming := self._coming.get(generation_id):
            await coming.wait()
        try:
            answer = await self._core.get_record(GetRecordRequest(kind=KIND, id=generation_id), exchange)
        except grpc.aio.AioRpcError as error:
            raise told(error, generation_id) from None
        return answer.record.json

    async def _keep(self, generation: Generation, exchange: Exchange) -> None:
        self.expect(generation)
        if self._running >= MOST_AT_ONCE:
            self._losses.add(f"{MOST_AT_ONCE} others are being kept")
            self._arrived(generation.id)
            return
        self._running += 1
        try:
            # What has been written leaves at the end of the event loop's turn.
            await asyncio.sleep(0)
            async with asyncio.timeout(KEPT_WITHIN_S):
                await self._core.put_record(record_of(generation), exchange)
        except grpc.aio.AioRpcError as error:
            self._losses.add(str(failure_of(error)))
        except GatewayError as failure:
            self._losses.add(failure.message)
        except TimeoutError:
            self._losses.add(f"the store took longer than {KEPT_WITHIN_S:g} seconds")
        finally:
            self._running -= 1
            self._arrived(generation.id)

    def _arrived(self, generation_id: str) -> None:
        if coming := self._coming.pop(generation_id, None):
            coming.set()


class Losses:
    """Tells the log of what was not kept, not each time."""

    def __init__(self) -> None:
        self._count = 0
        self._told_at = -TOLD_EVERY_S

    def add(self, why: str) -> None:
        self._count += 1
        now = time.monotonic()
        if now - self._told_at >= TOLD_EVERY_S:
            log.warning("generations that were not kept: %d; the last because %s", self._count, why)
            self._count, self._told_at = 0, now


def record_of(generation: Generation) -> Record:
    return Record(kind=KIND, id=generation.id, json=generation.render(), expires=int(time.time()) + KEPT_FOR_S)


def told(error: grpc.aio.AioRpcError, generation_id: str) -> GatewayError:
    failure = failure_of(error)
    return not_found(generation_id) if failure.reason == "RECORD_NOT_FOUND" else failure


def not_found(generation_id: str) -> GatewayError:
    message = f"Generation {generation_id[:LONGEST_ID]} not found."
    return GatewayError(Reason.RECORD_NOT_FOUND, message, code="generation_not_found")
