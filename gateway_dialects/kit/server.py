"""SERVER: a wire language as we serve it to clients. Pure functions from bytes to the contract and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.stream_pb2 import StreamResponse

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
COMMENT = b": keep-alive\n\n"
"""A server-sent comment, which clients skip."""


class RequestHead(Protocol):
    """What a parser may look at beside the body."""

    request_id: str

    def header(self, name: bytes) -> str | None:
        """The header of this lower-case name."""

    def query(self) -> Mapping[str, Any]:
        """The query's parameters; the last of a repeated one counts."""

    def path_param(self, name: str) -> str:
        """A named piece of the path; empty where the path has none of this name."""


class StreamWriter(Protocol):
    """Writes one stream of an API: fed every batch in order."""

    def render(self, batch: StreamResponse) -> bytes: ...

    def fail(self, error: GatewayError) -> bytes:
        """The error that ends the stream, in-band. Nothing follows it."""


@dataclass(frozen=True, slots=True)
class ServedChat:
    """A client's request in the contract's terms, and how its answer is written."""

    chat: ChatRequest
    render: Callable[[ChatResponse], bytes]
    """The whole answer."""
    writer: Callable[[], StreamWriter] | None = None
    """None: the client wants the whole answer at once."""
    keep_alive: bytes = COMMENT
    """Written during silence, between events."""
    content_type: bytes = EVENT_STREAM
    further: Sequence[ChatRequest] = ()
    """More chats of the same request, one for each further prompt of a text completion. Whole answers are asked for at the
    same time; streams follow one another, and one writer is fed all of them."""
    render_all: Callable[[Sequence[ChatResponse]], bytes] | None = None
    """The whole answer to several chats, in their order. Set where there are further chats."""


@dataclass(frozen=True, slots=True)
class Served:
    """SERVER: an API's functions. What it does not have is None."""

    name: str
    render_error: Callable[[GatewayError, str], bytes]
    """(error, request id) -> the body in the API's own error format."""
    parse_chat: Callable[[RequestHead, bytes], ServedChat] | None = None
    """(head, body). Raises GatewayError INVALID_REQUEST naming the field at fault."""
    render_models: Callable[[ListModelsResponse], bytes] | None = None
    render_model: Callable[[Model], bytes] | None = None
    parse_count: Callable[[RequestHead, bytes], ChatRequest] | None = None
    """(head, body) -> the chat whose input tokens are to be counted."""
    render_count: Callable[[int], bytes] | None = None
    request_id_header: bytes = b"x-request-id"
    """Where the API's clients look for the request's id; it is in x-request-id as well."""
