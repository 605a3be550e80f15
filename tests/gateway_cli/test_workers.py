"""How the supervisor hears that a worker is alive."""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

from gateway_cli.serve import beat
from gateway_cli.workers import Heartbeat


class Clock:
    """An event loop's time and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Any]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Any) -> None:
        self.timers.append((self.now + delay, call))

    def move(self, seconds: float) -> None:
        self.now += seconds
        due, self.timers = (
            [call for at, call in self.timers if at <= self.now],
            [one for one in self.timers if one[0] > self.now],
        )
        for call in due:
            call()


def test_a_worker_that_moves_is_left_alone_and_one_that_does_not_is_stuck() -> None:
    clock, heard = Clock(), []
    heart = Heartbeat(lambda: heard.append("ready"), lambda: heard.append("stuck"), 60.0, cast("Any", clock))
    clock.move(1000.0)
    assert heard == []
    for _ in range(100):
        heart.data_received(b".")
        clock.move(59.0)
    assert heard == ["ready"]
    clock.move(2.0)
    assert heard == ["ready", "stuck"]


def test_without_a_limit_no_worker_is_stuck() -> None:
    clock, heard = Clock(), []
    Heartbeat(lambda: None, lambda: heard.append("stuck"), 0.0, cast("Any", clock)).data_received(b".")
    clock.move(1e6)
    assert heard == []


def test_a_pipe_that_nobody_reads_holds_up_no_worker() -> None:
    async def check() -> None:
        reading, writing = os.pipe()
        for _ in range(100_000):
            beat(writing, 0)
        os.close(reading)
        beat(writing, 0)
        os.close(writing)

    asyncio.run(check())
