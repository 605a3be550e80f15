"""The whole core behind a channel: in this process with everything serialised, or on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pytest
import uvloop
from google.protobuf.message import Message as Proto
from google.rpc.status_pb2 import Status

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.gateway_pb2_grpc import GatewayServiceServicer, GatewayServiceStub
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.stream_pb2 import StreamRequest, StreamResponse
from gateway_core.accounts.keys import KeyRing
from gateway_core.bootstrap import build_gateway
from gateway_core.call import EVERYTHING, KeyScope
from gateway_core.providers.registry import DIALECTS
from gateway_core.rpc.inprocess import local_channel
from gateway_core.rpc.server import GrpcServer
from gateway_core.rpc.servicer import GatewayServicer
from gateway_core.settings.byok import ByokSettings
from gateway_core.settings.contexts import ContextSettings
from gateway_core.settings.models import MediaSettings
from gateway_core.settings.settings import KeySettings, ModelSettings, ProviderSettings, RetrySettings, Settings, hash_key
from gateway_core.storage import Store
from gateway_dialects.kit.dialect import Secret
from tests.upstream import Handler, Upstream, json_reply

if TYPE_CHECKING:
    from dragoman.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

ProtoT = TypeVar("ProtoT", bound=Proto)

SOON_S = 20.0
"""A hanging test fails after this time; nothing here waits for it."""
PROVIDER_KEY = "sk-of-the-provider"
ANY_SIZE = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
NORMAL_MEDIA = MediaSettings()


@dataclass(frozen=True)
class Served:
    """A channel to the core, and the provider behind it."""

    channel: grpc.aio.Channel
    stub: GatewayServiceAsyncStub
    upstream: Upstream


@dataclass(frozen=True)
class Behind:
    """What stands behind the channel. The demo is always there, and for each dialect a provider named at-DIALECT, which is
    the upstream."""

    upstream: Handler = lambda _: json_reply({})
    keys: Sequence[str] = ()
    """Gateway keys; each is its owner's name too."""
    scopes: Mapping[str, KeyScope] = field(default_factory=dict)
    """What some of these keys open."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of Settings, in place of the defaults."""
    routes: Sequence[ModelSettings] = ()
    contexts: Sequence[ContextSettings] = ()
    byok: Callable[[str], ByokSettings] = lambda _: ByokSettings()
    """What clients may bring; it is told the upstream's URL."""
    media: MediaSettings = NORMAL_MEDIA
    attempts: int = 1
    total_timeout_s: float | None = None
    prices: Mapping[str, Prices] = field(default_factory=dict)
    store: Store | None = None


DEMO_ALONE = Behind()
Reach = Callable[[GatewayServiceServicer], AbstractAsyncContextManager[grpc.aio.Channel]]


@asynccontextmanager
async def in_process(servicer: GatewayServiceServicer) -> AsyncIterator[grpc.aio.Channel]:
    async with local_channel(servicer, strict=True) as channel:
        yield channel


@asynccontextmanager
async def by_socket(servicer: GatewayServiceServicer) -> AsyncIterator[grpc.aio.Channel]:
    server = GrpcServer(servicer, keys=servicer if isinstance(servicer, GatewayServicer) else None)
    port = await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", ANY_SIZE) as channel:
            yield channel
    finally:
        await server.stop(0)


@asynccontextmanager
async def served(reach: Reach, behind: Behind) -> AsyncIterator[Served]:
    async with Upstream(behind.upstream) as upstream, serving(behind, upstream) as servicer, reach(servicer) as channel:
        yield Served(channel, GatewayServiceStub(channel), upstream)


@asynccontextmanager
async def serving(behind: Behind, upstream: Upstream) -> AsyncIterator[GatewayServicer]:
    gateway = build_gateway(settings_of(behind, upstream), store=behind.store, sleep=at_once)
    keys = KeyRing([KeySettings(key, hash_key(key), behind.scopes.get(key, EVERYTHING)) for key in behind.keys])
    try:
        places = {context.name: context.auth for context in behind.contexts if context.auth}
        yield GatewayServicer(gateway, keys.authenticate, total_timeout_s=behind.total_timeout_s, key_places=places)
    finally:
        await gateway.close()


def settings_of(behind: Behind, upstream: Upstream) -> Settings:
    key = (Secret(PROVIDER_KEY),)
    providers = [ProviderSettings(f"at-{dialect}", dialect, upstream.url, key) for dialect in DIALECTS]
    demo = ProviderSettings("demo", "openai", "demo://demo")
    return Settings(
        providers=(demo, *providers),
        models=tuple(behind.routes),
        contexts=tuple(behind.contexts),
        byok=behind.byok(upstream.url),
        media=behind.media,
        retries=RetrySettings(attempts=behind.attempts),
        prices=behind.prices,
        **behind.settings,
    )


async def at_once(_: float) -> None:
    """No pause between attempts."""


def run(check: Callable[[], Awaitable[None]]) -> None:
    """On the event loop that the gateway runs on."""

    async def soon() -> None:
        async with asyncio.timeout(SOON_S):
            await check()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(soon())


def question(model: str = "demo/echo", text: str = "Hello there", **fields: Any) -> ChatRequest:
    return ChatRequest(model=model, messages=[Message(role=Role.ROLE_USER, parts=[Part(text=text)])], **fields)


def streamed(model: str = "demo/echo", text: str = "Hello there", **fields: Any) -> StreamRequest:
    return StreamRequest(chat=question(model, text, **fields))


async def failure_of(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def read_all(messages: AsyncIterable[ProtoT]) -> list[ProtoT]:
    return [message async for message in messages]


async def read_until_failure(messages: AsyncIterable[StreamResponse]) -> tuple[list[StreamResponse], grpc.aio.AioRpcError]:
    """What came before the failure, and the failure."""
    read: list[StreamResponse] = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for message in messages:
            read.append(message)
    return read, caught.value


def text_of(batches: Sequence[StreamResponse]) -> str:
    return "".join(event.part_delta.text for batch in batches for event in batch.events)


def status_of(error: grpc.aio.AioRpcError | grpc.RpcError) -> Status:
    """google.rpc.Status as any client in any language reads it."""
    trailer: Any = error.trailing_metadata()
    (packed,) = [value for name, value in trailer if name == "grpc-status-details-bin"]
    return Status.FromString(packed)


def detail(error: grpc.aio.AioRpcError | grpc.RpcError, kind: type[ProtoT]) -> ProtoT:
    """The one detail of this kind. Fails when there is none, or more than one."""
    (found,) = details(error, kind)
    return found


def details(error: grpc.aio.AioRpcError | grpc.RpcError, kind: type[ProtoT]) -> list[ProtoT]:
    found = []
    for packed in status_of(error).details:
        message = kind()
        if packed.Unpack(message):
            found.append(message)
    return found


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    """One event of the openai dialect's stream."""
    delta = {"role": "assistant", "content": text}
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def answer(text: str) -> dict[str, Any]:
    """A whole answer of the openai dialect."""
    message = {"role": "assistant", "content": text}
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
