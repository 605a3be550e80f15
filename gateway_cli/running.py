"""A process of servers, from its start to its stop: signals, the order of things, and no waiting for what hangs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import uvloop

log = logging.getLogger("dragoman")
CUT_OFF_S = 5.0
"""How much longer than its grace a stop may take before the process ends without it."""


class Server(Protocol):
    async def start(self) -> object:
        """Returns when it accepts calls."""

    async def stop(self, grace: float) -> None:
        """Accepts nothing new and returns when what ran has ended, after so many seconds at the latest."""


class StopSignals:
    """SIGTERM and SIGINT: the first asks for a clean stop, the second for an immediate one."""

    def __init__(self) -> None:
        self.first = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def stop(self) -> None:
        if self.first.is_set():
            end_at_once()
        self.first.set()

    def listen_to_parent(self) -> None:
        """Stop when the process at the other end of standard input is gone."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            if not os.read(0, 1024):
                loop.remove_reader(0)
                self.first.set()

        loop.add_reader(0, read)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Like asyncio.run, on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def run_servers(
    servers: Sequence[Server], grace: float, ready: Callable[[], None], *, supervised: bool = False
) -> None:
    """Starts the servers in order, calls ready(), and stops all of them together at a signal."""
    signals = StopSignals()
    signals.listen()
    if supervised:
        signals.listen_to_parent()
    started: list[Server] = []
    try:
        for server in servers:
            await server.start()
            started.append(server)
        spare_the_collector()
        ready()
        await signals.first.wait()
        log.info("stopping: what runs has %g s to finish, a second signal ends it at once", grace)
    finally:
        asyncio.get_running_loop().call_later(grace + CUT_OFF_S, end_at_once)
        await asyncio.gather(*(server.stop(grace) for server in started))


def spare_the_collector() -> None:
    """What start-up made lives as long as the process, and requests leave almost nothing in cycles. Looking for garbage
    every 700 allocations, as Python does by itself, would cost a busy gateway a tenth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def end_at_once() -> None:
    """Sockets are the kernel's to close."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(1)
