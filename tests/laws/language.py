"""A wire language as the laws see it: a dialect, the API that serves it, recorded exchanges, and how a client reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_dialects.kit.dialect import Dialect, Endpoint
from gateway_dialects.kit.server import StreamWriter
from tests.laws.reading import read_stream
from tests.recordings import Exchange, read_all

JSON = dict[str, Any]


class Least(NamedTuple):
    """How many exchanges with recordings there are at least: fewer mean that a filter lost some."""

    requests: int
    answers: int
    streams: int


def model_in_body(exchange: Exchange) -> str:
    return str(exchange.request["body"]["model"])


def stream_in_body(exchange: Exchange) -> bool:
    return bool(exchange.request["body"].get("stream"))


def as_it_is(ours: JSON, theirs: JSON) -> JSON:
    return ours


@dataclass(frozen=True, kw_only=True, eq=False)
class Language:
    """One row of the laws. The functions raise AssertionError for a stream that breaks the language's grammar."""

    client: Dialect
    is_own: Callable[[Exchange], bool]
    """Whether a recorded exchange is in this language."""
    endpoint_of: Callable[[Exchange], Endpoint]
    parse: Callable[[Exchange], tuple[ChatRequest, bool]]
    """The request as the served API parses it, and whether the client asks for a stream."""
    render: Callable[[ChatResponse], bytes]
    writer: Callable[[], StreamWriter]
    fold_stream: Callable[[bytes], JSON]
    """A stream as one whole answer, as the language's SDKs accumulate it."""
    canonical_request: Callable[[JSON], Any]
    """A body with everything that means the same written one way."""
    canonical_answer: Callable[[JSON], Any]
    canonical_fold: Callable[[JSON], Any] | None = None
    """The same for a folded stream, where less may differ there. None: canonical_answer."""
    comparable: Callable[[JSON, JSON], JSON] = as_it_is
    """(ours, theirs) -> ours without what an answer recorded at another time could not have."""
    live: Callable[[bytes], list[Any]]
    """Everything in a stream that is shown as it arrives, in its order."""
    same_in_fold: Callable[[ChatResponse], object]
    """What, beside the canonical rendering, a stream's fold and the whole answer share."""
    end_of_content: Callable[[bytes], int]
    """How many bytes of a stream say all of the answer: any fewer must not look complete."""
    model_of: Callable[[Exchange], str] = model_in_body
    is_stream: Callable[[Exchange], bool] = stream_in_body
    ending: bytes = b""
    """What every rendered stream ends with."""
    failed: Mapping[str, Reason] = field(default_factory=dict)
    """Streams that hold the provider's error, by name."""
    refused: frozenset[str] = frozenset()
    """Requests recorded because the provider refuses them; so do we, before any provider is asked."""
    broken: frozenset[str] = frozenset()
    """Answers and streams that are not whole."""
    least: Least
    split_bound: int = 6000
    """Streams of fewer bytes are split everywhere."""

    @property
    def name(self) -> str:
        return self.client.name

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """Its own, fixtures first."""
        return [exchange for exchange in read_all() if self.is_own(exchange)]

    def requests(self) -> list[Exchange]:
        return [one for one in self.with_body() if one.name not in self.refused]

    def refused_requests(self) -> list[Exchange]:
        return [one for one in self.with_body() if one.name in self.refused]

    def with_body(self) -> list[Exchange]:
        return [one for one in self.exchanges if isinstance(one.request.get("body"), dict)]

    def answers(self) -> list[Exchange]:
        return [one for one in self.successful() if isinstance(one.body, dict) and one.name not in self.broken]

    def streams(self) -> list[Exchange]:
        unfinished = self.broken | self.failed.keys()
        return [one for one in self.successful() if "stream" in one.response and one.name not in unfinished]

    def successful(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.response["status"] == 200]

    def short_streams(self) -> list[Exchange]:
        return [one for one in self.streams() if len(one.stream) < self.split_bound]

    def failed_streams(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.name in self.failed]

    def render_stream(self, stream: bytes) -> bytes:
        """A provider's stream as the served API writes it."""
        writer = self.writer()
        return b"".join(writer.render(batch) for batch in read_stream(self.client, [stream]))
