"""SERVER: a wire language as we serve it to clients. Pure functions from bytes to the contract and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.fields import Fields, flag
from gateway_dialects.kit.json import Json, json_text

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


class ParsedChat(NamedTuple):
    """A client's request, and whether it wants a stream."""

    chat: ChatRequest
    stream: bool


FieldParser = Callable[[ChatRequest, Any, Json], None]
"""(request, value, options) sets what the contract names. What else the value holds becomes an option."""


def parse_fields(fields: Json, plain: Fields, parsers: Mapping[str, FieldParser], dialect: str) -> ParsedChat:
    """A client's request from the fields of its body. What neither table names goes to provider_options_json[dialect].
    Raises GatewayError naming the field at fault."""
    request, options = ChatRequest(), Json()
    for name, value in fields.items():
        if value is None or name == "stream":
            continue
        if known := plain.get(name):
            setattr(request, known[0], known[1](value, name))
        elif parse := parsers.get(name):
            parse(request, value, options)
        else:
            options[name] = value
    if options:
        request.provider_options_json[dialect] = json_text(options)
    return ParsedChat(request, flag(fields, "stream"))


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
    abort: Callable[[GatewayError], bytes] | None = None
    """What is written by itself after StreamWriter.fail, before the connection breaks off without the end of the body. For
    APIs whose clients take a body that ends well for a whole answer, whatever it says."""
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
    status_of: Callable[[GatewayError], int] = lambda error: error.http_status
    """The HTTP status of an error."""
    request_id_header: bytes = b"x-request-id"
    """Where the API's clients look for the request's id; it is in x-request-id as well."""
