"""`dragoman serve --workers N`: one process for each core, all on the same ports, watched over by this one.

The kernel spreads connections over the workers (SO_REUSEPORT). Workers are processes of their own making, not forks: gRPC
does not survive a fork. This one only binds the ports, so that nobody else gets them between two starts of a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway_cli import MISUSED
from gateway_cli.sockets import address_of, bind, greeting
from gateway_core.routing.contexts import Contexts
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.server import Address
from gateway_core.settings.settings import Settings, from_environment
from gateway_core.storage.sqlite import check_storage

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A worker that ran for so long and then crashed starts again after the first pause."""


def supervise(config: Path | None, http: str | None, grpc: str | None, count: int) -> int:
    """Runs until it is stopped; then 0, or the status of a worker that could not even begin."""
    settings = from_environment(config).listening(http=http, grpc=grpc)
    settings.check_exposure()
    # What every worker would complain of is complained of once. And workers share their ports with any other process of
    # this user that asks, so nobody may be there yet.
    Contexts(ModelResolver(settings), settings)
    check_storage(settings.storage.path)
    bind(settings.server.http, "--http").close()
    bind(settings.server.grpc, "--grpc").close()
    with (
        bind(settings.server.http, "--http", shared=True) as http_held,
        bind(settings.server.grpc, "--grpc", shared=True) as grpc_held,
        tempfile.TemporaryDirectory(prefix="dragoman-") as folder,
    ):
        addresses = address_of(http_held), address_of(grpc_held)
        # What one process would store in its memory, several need a file for.
        storage = Path(folder, "storage.db") if settings.storage.path is None else None
        return asyncio.run(Supervisor(settings, worker_command(config, *addresses, storage), count).run(addresses))


def worker_command(config: Path | None, http: Address, grpc: Address, storage: Path | None) -> Sequence[str]:
    """The command line of a worker, but for the number of its ready pipe at the end."""
    command = [sys.executable, "-m", "gateway_cli.main", "serve", "--http", str(http), "--grpc", str(grpc)]
    given = {"--config": config, "--storage": storage}
    return [*command, *(word for flag, path in given.items() if path for word in (flag, str(path))), "--ready-fd"]


class Supervisor:
    def __init__(self, settings: Settings, command: Sequence[str], count: int) -> None:
        self._settings = settings
        self._command = command
        self._count = count
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._status = 0

    async def run(self, addresses: tuple[Address, Address]) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        begun = [loop.create_future() for _ in range(self._count)]
        keeping = [asyncio.create_task(self._keep(index, ready)) for index, ready in enumerate(begun)]
        await asyncio.gather(*begun)
        if not self._stopping.is_set():
            scheme = "https" if self._settings.server.http_tls else "http"
            line = greeting(self._settings, f"{scheme}://{addresses[0]}", addresses[1])
            print(f"{line} {self._count} workers.", flush=True)
        await asyncio.gather(*keeping)
        return self._status

    def _stop(self) -> None:
        """Every signal is passed on: the workers know what a second one means."""
        self._stopping.set()
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.terminate()

    async def _keep(self, index: int, begun: asyncio.Future[None]) -> None:
        """Keep one worker running. begun is done when it served for the first time, or never will."""

        def ready() -> None:
            if begun.done():
                print(f"dragoman: worker {index + 1} serves again", file=sys.stderr)
            else:
                begun.set_result(None)

        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            started = loop.time()
            status = await self._run_worker(index, ready)
            if self._stopping.is_set():
                break
            if not begun.done() or status == MISUSED:
                # It printed the reason itself, and would do so again.
                self._status = max(status, 1)
                self._stop()
                break
            pause = FIRST_PAUSE_S if loop.time() - started > STEADY_S else min(pause * 2, LONGEST_PAUSE_S)
            print(f"dragoman: worker {index + 1} ended with status {status}; another one in {pause:g} s", file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
        if not begun.done():
            begun.set_result(None)

    async def _run_worker(self, index: int, ready: Callable[[], None]) -> int:
        """One life of a worker. Its standard input is a pipe from here: where it ends, this process has died."""
        reading, writing = os.pipe()
        try:
            worker = await asyncio.create_subprocess_exec(
                *self._command, str(writing), stdin=asyncio.subprocess.PIPE, pass_fds=(writing,), process_group=0
            )
        finally:
            os.close(writing)
        self._workers[index] = worker
        if self._stopping.is_set():
            worker.terminate()
        limit_s = self._settings.server.watchdog

        def stuck() -> None:
            print(f"dragoman: worker {index + 1} has not moved for {limit_s:g} s and is killed", file=sys.stderr)
            worker.kill()

        loop = asyncio.get_running_loop()
        watching = Heartbeat(ready, stuck, limit_s, loop)
        transport, _ = await loop.connect_read_pipe(lambda: watching, os.fdopen(reading, "rb"))
        try:
            return await worker.wait()
        finally:
            watching.stop()
            transport.close()
            del self._workers[index]


class Heartbeat(asyncio.Protocol):
    """The supervisor's end of a worker's pipe: the first bytes say that it serves, further ones that its event loop runs."""

    def __init__(
        self, ready: Callable[[], None], stuck: Callable[[], None], limit_s: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        """stuck: called when nothing has come for limit_s; 0: never."""
        self._ready = ready
        self._stuck = stuck
        self._limit_s = limit_s
        self._loop = loop
        self._last: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        is_first, self._last = self._last is None, self._loop.time()
        if is_first:
            self._ready()
            if self._limit_s:
                self._timer = self._loop.call_later(self._limit_s, self._check)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        assert self._last is not None
        left = self._last + self._limit_s - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self._stuck()
