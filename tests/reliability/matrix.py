"""Every fault at one target and with another target behind it, for every served API and every language of providers: asked
over real sockets, all at once, of one gateway."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import re
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import grpc
import httpx
import uvloop

from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_cli.core import local_core
from gateway_cli.serve import http_server
from gateway_cli.sockets import bind
from gateway_core.accounts.settlement import Recorder, record_of
from gateway_core.call import Call
from gateway_core.rpc.server import GrpcServer
from gateway_core.settings.providers import ProviderSettings
from gateway_core.settings.settings import BreakerSettings, ModelSettings, RetrySettings, Settings, Timeouts
from gateway_dialects.kit.dialect import Secret
from tests.http_facade.apis.clients import EXAMPLES
from tests.http_facade.serving import ANYWHERE
from tests.reliability.clients import GRPC, Caller, Heard, callers
from tests.reliability.faults import UNAVAILABLE, Case, Fault, Outcome, faults
from tests.reliability.sequences import ATTEMPTS, MOST_TARGETS, PREFIX, Plan, Script, sequences
from tests.reliability.wires import OPENAI, WIRES, Wire
from tests.upstream import Received, Reply, Upstream

AT_ONCE = 24
MODEL_IN_PATH = re.compile(r"/models/([^:/]+):(\w+)")
HASTY = "hasty-"
"""Providers with timeouts so short that a test can wait for them."""
SHORT = {"headers": 1.0, "first_content": 2.0, "idle": 1.0}
BACKUP = "backup"
REFUSES = "refuses"
"""A provider that nobody listens for."""


@dataclass(frozen=True)
class Cell:
    """One of the table."""

    fault: Fault
    wire: Wire
    api: str
    stream: bool
    fallback: bool
    """Whether there is another target."""

    @property
    def model(self) -> str:
        target = target_of(self.wire, self.fault)
        return f"route-{target}" if self.fallback else target

    @property
    def case(self) -> Case:
        found = self.fault.case(self.wire, self.stream)
        assert found is not None
        return found

    def __str__(self) -> str:
        kind = "stream" if self.stream else "whole"
        return f"{self.fault.slug} {self.wire.name}>{self.api} {kind}{' fallback' if self.fallback else ''}"


PLANS = sequences((*EXAMPLES, GRPC))


@dataclass(frozen=True)
class Result:
    heard: Heard
    records: Sequence[CallRecord]
    """Of the call; there must be one."""


def target_of(wire: Wire, fault: Fault) -> str:
    provider = REFUSES if fault is REFUSED else HASTY + wire.name if is_slow(fault) else wire.name
    return f"{provider}/{fault.slug}"


def is_slow(fault: Fault) -> bool:
    return "stall" in fault.slug or "heartbeats-" in fault.slug


REFUSED = Fault(
    "no connection: it is refused",
    "refused",
    lambda _: (Reply(), UNAVAILABLE),
    lambda _: (Reply(), UNAVAILABLE),
    wires=(OPENAI,),
)


def all_faults() -> Sequence[Fault]:
    return [REFUSED, *faults()]


def cells(apis: Sequence[str]) -> Iterator[Cell]:
    """Every API over one language of providers, and every language for one API."""
    first = apis[0]
    for fault, stream in itertools.product(all_faults(), (False, True)):
        for wire in fault.wires:
            case = fault.case(wire, stream)
            for api in apis if wire is OPENAI else (first,):
                if case is not None:
                    yield Cell(fault, wire, api, stream, False)
                if case is not None and (api == first or case[1].reason is not None):
                    yield Cell(fault, wire, api, stream, True)


class Provider:
    """The upstream: what is asked says which fault is meant. It holds nothing of a call."""

    def __init__(self) -> None:
        self.faults = {fault.slug: fault for fault in faults()}
        self.wires = {wire.name: wire for wire in WIRES}
        self.script = Script({plan.name: plan for plan in PLANS})

    def __call__(self, received: Received) -> Reply:
        name = received.path.split("/")[1]
        found = MODEL_IN_PATH.search(received.path)
        if found:
            model, stream = found[1], found[2].startswith("stream")
        else:
            asked = received.json()
            model, stream = asked["model"], asked.get("stream", False)
        if name == BACKUP:
            return OK.stream_reply if stream else OK.whole_reply
        if name.startswith(PREFIX):
            return self.script.reply(received, name, model)
        fault = self.faults[model]
        case = fault.case(self.wires[name.removeprefix(HASTY)], stream)
        assert case is not None
        return fault.handle(received, case[0]) if fault.handle else case[0]


class OK:
    """The answers of the other target."""

    whole_reply = Reply(200, {"content-type": "application/json"}, OPENAI.whole("From another."))
    stream_reply = Reply(200, {"content-type": "text/event-stream"}, OPENAI.frames_of(["From ", "another."]))
    text = "From another."


def settings_at(url: str, nowhere: str) -> Settings:
    key = (Secret("sk-not-to-be-seen"),)
    languages = [ProviderSettings(wire.name, wire.name, f"{url}/{wire.name}", key) for wire in WIRES]
    hasty = [
        dataclasses.replace(one, name=HASTY + one.name, url=f"{url}/{HASTY}{one.name}", timeouts=SHORT) for one in languages
    ]
    others = [ProviderSettings(BACKUP, "openai", f"{url}/{BACKUP}", key), ProviderSettings(REFUSES, "openai", nowhere, key)]
    routes = [
        ModelSettings(f"route-{target_of(wire, fault)}", (target_of(wire, fault), f"{BACKUP}/good"))
        for fault in all_faults()
        for wire in fault.wires
    ]
    routes += [ModelSettings(plan.name, plan.targets) for plan in PLANS]
    in_turn = [
        dataclasses.replace(one, name=f"{PREFIX}{index}-{one.name}", url=f"{url}/{PREFIX}{index}-{one.name}")
        for index in range(MOST_TARGETS)
        for one in languages
    ]
    return Settings(
        providers=(*languages, *hasty, *in_turn, *others),
        models=tuple(routes),
        breaker=BreakerSettings(enabled=False),
        retries=RetrySettings(attempts=ATTEMPTS, initial=0.01, jitter=1.0),
        timeouts=Timeouts(connect=5.0, total=60.0),
    )


@contextlib.asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[list[Caller]]:
    """The callers of one gateway, over HTTP and gRPC."""
    async with local_core(settings) as core:
        server = http_server(core.stub, settings, bind(ANYWHERE, "--http"), None)
        rpc = GrpcServer(core.servicer)
        await server.start()
        port = await rpc.start()
        try:
            async with (
                httpx.AsyncClient(
                    base_url=server.url, timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=AT_ONCE)
                ) as http,
                grpc.aio.insecure_channel(f"127.0.0.1:{port}", (("grpc.max_receive_message_length", -1),)) as channel,
            ):
                yield callers(http, GatewayServiceStub(channel))
        finally:
            await rpc.stop(0)
            await server.stop(5)


async def play() -> tuple[dict[Cell, Result], dict[str, Result]]:
    """The results of all cells, and those of the plans by name."""
    settled: list[CallRecord] = []

    def add(self: Recorder, call: Call) -> None:
        settled.append(record_of(call))

    with socket.socket() as bound, patch.object(Recorder, "add", add):
        bound.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with Upstream(Provider()) as upstream, gateway(settings_at(upstream.url, nowhere)) as found:
            by_name = {caller.name: caller for caller in found}
            heard, planned = await ask_all(by_name), await ask_plans(by_name)
            for received in upstream.requests:
                if is_unfinished(received):
                    await received.closed.wait()
    by_call: dict[str, list[CallRecord]] = {}
    for record in settled:
        by_call.setdefault(record.id, []).append(record)

    def result(one: Heard) -> Result:
        return Result(one, by_call.get(one.call_id, []))

    return {cell: result(one) for cell, one in heard.items()}, {name: result(one) for name, one in planned.items()}


def is_unfinished(received: Received) -> bool:
    return received.path.startswith(f"/{HASTY}")


async def ask_all(found: dict[str, Caller]) -> dict[Cell, Heard]:
    """Those that wait for a timer all at once, before the others keep the event loop busy."""
    heard: dict[Cell, Heard] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(cell: Cell) -> None:
        async with contextlib.nullcontext() if is_slow(cell.fault) else gate:
            heard[cell] = await found[cell.api].ask(cell.model, cell.stream)

    wanted = list(cells(list(found)))
    for slow in (True, False):
        async with asyncio.TaskGroup() as group:
            for cell in wanted:
                if is_slow(cell.fault) is slow:
                    group.create_task(ask(cell), name=str(cell))
    return heard


async def ask_plans(found: dict[str, Caller]) -> dict[str, Heard]:
    gate = asyncio.Semaphore(AT_ONCE)
    heard: dict[str, Heard] = {}

    async def ask(plan: Plan) -> None:
        async with gate:
            heard[plan.name] = await found[plan.api].ask(plan.name, plan.stream)

    async with asyncio.TaskGroup() as group:
        for plan in PLANS:
            group.create_task(ask(plan), name=plan.name)
    return heard


def results() -> tuple[dict[Cell, Result], dict[str, Result]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(play())


def expected(cell: Cell) -> Outcome:
    return cell.case[1]
