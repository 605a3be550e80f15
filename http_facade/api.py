"""Api: the record of one served API. The router, its 404 text, the reserved first segments of paths, docs/paths.md and the
tests' matrix are derived from the tuple of records, http_facade.apis.APIS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from gateway_dialects.kit.server import Served
from http_facade.chat import ChatEndpoint
from http_facade.endpoints import CountEndpoint, ListModels, OneModel

if TYPE_CHECKING:
    from dragoman.v1.chat_pb2 import ChatRequest
    from http_facade.core import Core
    from http_facade.exchange import Exchange

Endpoint: TypeAlias = "Callable[[Exchange], Awaitable[None]]"
"""Answers one request. Raises GatewayError or grpc.aio.AioRpcError before the answer has begun, ClientGone at any time."""
Factory: TypeAlias = "Callable[[Core, Api], Endpoint]"
Tags: TypeAlias = "Callable[[Exchange, ChatRequest], Iterable[tuple[str, str]]]"


@dataclass(frozen=True, slots=True, eq=False)
class Api:
    """Paths are patterns: {name} is one segment, {name:path} any text, {name:a|b} one of these."""

    name: str
    """Sent to the core with every call, as x-dragoman-api."""
    title: str
    """For docs/paths.md."""
    server: Served
    chat_paths: Sequence[str] = ()
    """POST: SERVER.parse_chat."""
    count_paths: Sequence[str] = ()
    """POST: SERVER.parse_count."""
    model_paths: Sequence[str] = ()
    """GET: the list of models; below each, one model."""
    more: Mapping[str, Mapping[str, Factory]] = field(default_factory=lambda: MappingProxyType({}))
    """What only this API has: path -> HTTP method -> endpoint."""
    detect: Callable[[Exchange], bool] | None = None
    """Whether a client of this API asks, where other APIs have the path too, or none has. None: it gets what no other
    API claims."""
    detect_body: Callable[[bytes], bool] | None = None
    """The same by the body of a POST, where no head is recognised."""
    tags: Tags | None = None
    """What CallRecord.tags is to hold of a chat: metadata names (dragoman.metadata.TAGS) and values."""

    def routes(self) -> Iterator[tuple[str, str, Factory]]:
        """(path, HTTP method, what makes its endpoint)"""
        yield from ((path, "POST", ChatEndpoint) for path in self.chat_paths)
        yield from ((path, "POST", CountEndpoint) for path in self.count_paths)
        for path in self.model_paths:
            yield path, "GET", ListModels
            yield path + "/{model:path}", "GET", OneModel
        for path, endpoints in self.more.items():
            yield from ((path, method, factory) for method, factory in endpoints.items())

    def paths(self) -> list[str]:
        """Each once, in the order of the record."""
        return list(dict.fromkeys(path for path, _, _ in self.routes()))
