"""What a provider adapter is: a frozen record of pure functions, and what they read and write. Nothing here does I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO, Media, MediaKind, Part
from dragoman.v1.models_pb2 import Model
from dragoman.v1.routing_pb2 import Warning
from dragoman.v1.stream_pb2 import StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.capabilities import Capabilities, unknown
from gateway_dialects.kit.json import TOO_DEEP, malformed
from gateway_dialects.kit.rate_limits import RateLimitFormat
from gateway_dialects.kit.readings import ForOthers, plain_reading
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.kit.tool_names import NameRule, name_rule

WIDESPREAD_NAMES = name_rule()
FUNCTIONS_ONLY = ToolForms()


class Secret:
    """A key that shows itself only when asked by name, so that no log, error or repr can hold it by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where an OpenAI-compatible vendor leaves the common path. A row names only what differs."""

    max_tokens_field: str = "max_tokens"
    """The spelling of the token bound that this vendor takes: max_tokens or max_completion_tokens."""
    stream_usage: bool = True
    """Whether the vendor accepts stream_options.include_usage."""
    developer_role: bool = False
    """Whether the vendor knows the role developer; where it does not, system is sent."""
    reasoning_field: str = "reasoning_content"
    """Where reasoning goes when it is replayed in an assistant message: reasoning_content or reasoning. Empty: the vendor
    refuses it."""
    reasoning_field_only: bool = False
    """Whether the vendor refuses or overlooks replayed reasoning that is spelled otherwise."""
    reasoning_details: bool = True
    """Whether the vendor takes reasoning_details back, signatures included. OpenRouter does, and gateways like it."""
    signed_reasoning: bool = False
    """Whether the vendor refuses reasoning in the conversation that it has not signed, whatever the model."""
    reasoning_in_tool_turns: bool = False
    """Whether the vendor, while it thinks, refuses an assistant message with tool calls that has no reasoning: turns of
    other providers get an empty one."""
    shown_field: str = ""
    """The boolean request field that says whether reasoning is shown, where the vendor has one."""
    thinking_object: bool = False
    """Whether thinking is switched by {"thinking": {"type": "enabled" | "disabled"}}."""
    extra_content: bool = False
    """Whether the vendor takes extra_content.google back: Google's signatures of its own thoughts."""
    cache_control: bool = True
    """Whether the vendor takes the cache_control that a client of its own form wrote."""
    automatic_cache: bool = False
    """Whether the vendor caches prompts unasked: a cache hint that is not sent is then dropped without a warning."""
    cache_hints: bool = False
    """Whether the vendor is known to have a prompt cache that cache_control directs, so that the cache hints of all clients
    are sent."""
    prompt_cache: str = ""
    """How long the provider's prompt cache lasts that the gateway marks for clients that mark none: 5m or 1h. Empty: it does
    not."""
    media_in_tool_messages: bool = False
    """Whether a tool's answer may hold pictures and files. Where it may not, a user message behind the answers does."""
    drawn_images: bool = False
    """Whether the vendor takes back pictures that a model drew, in the field images of the assistant's message."""
    alternating_roles: bool = False
    """Whether the vendor refuses two messages of one role in a row, and instructions behind the first of them."""
    billing_header: bool = False
    """Whether the vendor reads the header that Claude Code writes above its instructions. It is left out elsewhere."""
    custom_tools: bool = False
    """Whether the vendor has tools with free-form input, although ToolForms.custom of its dialect does not say so."""
    tool_names: NameRule | None = None
    """Which names of tools the vendor takes, where it is not Dialect.tool_names."""
    longest_user: int = 0
    """The most characters that the id of an end user may have; a longer one is hashed. 0: the vendor names no bound."""
    longest_call_id: int = 0
    """The same for the id of a tool call."""
    efforts: tuple[str, ...] = ()
    """The efforts of reasoning that the vendor's API knows, from the least; its models may take fewer. Empty: whatever the
    client wrote."""
    lacks: frozenset[MediaKind.ValueType] = frozenset()
    """The kinds of media that the vendor has no form for; they are refused before it is asked."""
    reads_urls_of: frozenset[MediaKind.ValueType] = frozenset({MEDIA_KIND_IMAGE, MEDIA_KIND_VIDEO})
    """The kinds of media that the vendor fetches itself where it is given a URL. Of all others it is sent the bytes."""
    inline_thinking: bool = False
    """Whether reasoning is in the text, between <think> and </think>, and is to be separated."""
    reasoning_object: bool = False
    """Whether the vendor takes a reasoning object (OpenRouter's) instead of reasoning_effort."""
    unsupported: tuple[str, ...] = ()
    """Request fields that the vendor refuses; they are dropped with a warning."""
    service_tiers: tuple[str, ...] = ()
    """The service tiers that the vendor knows. Empty: whatever the client wrote."""
    routes: bool = False
    """Whether the vendor routes to other providers itself, by the object provider of OpenRouter's API."""
    own_options: str = ""
    """Under which other name than the dialect's the caller's options reach this vendor: what no other vendor takes."""
    chat_path: str = "/chat/completions"
    models_path: str = "/models"
    key_header: str = "authorization"
    """Where the key travels: authorization, as a bearer token, or a header of the vendor's own, bare."""


class Timers(NamedTuple):
    """How long an upstream is awaited in one attempt, in seconds. 0: for as long as the call may take. headers_s: from the
    request to the answer's head. first_content_s: to a stream's first content. idle_s: between two reads."""

    connect_s: float
    headers_s: float
    first_content_s: float
    idle_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class OtherApi:
    """Another API of a provider, reached with the same keys and headers."""

    url: str
    """See Endpoint.url."""
    quirks: Quirks = Quirks()
    only_models: tuple[str, ...] = ()
    """How the names of the models begin that it serves. Empty: it serves all of the provider's."""
    capabilities_of: Callable[[str], Capabilities] = field(default=unknown, repr=False, compare=False)
    """See Endpoint.capabilities_of."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider as configured: where it is and how to speak to it."""

    provider: str
    dialect: str
    url: str
    """Base URL without a trailing slash."""
    keys: tuple[Secret, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request to this provider. May hold keys."""
    quirks: Quirks = Quirks()
    api_version: str = ""
    """The version of its API to ask for, where it has several by date. Empty: the one that the dialect prefers."""
    byok: bool = False
    """Whether its key or its URL is a client's own (BYOK): nothing of it is cached for other callers."""
    guarded: bool = False
    """Whether a client chose its URL, so that it must not lead into the operator's network."""
    others: Mapping[str, OtherApi] = field(default_factory=dict)
    """The provider's other APIs, by dialect."""
    timers: Timers | None = None  # None: those of the gateway.
    capabilities_of: Callable[[str], Capabilities] = field(default=unknown, repr=False, compare=False)
    """(model in the provider's own name) -> what it takes here."""

    def speaking(self, dialect: str, model: str) -> Endpoint:
        """The provider's API of this dialect where it has one that serves the model, else this one."""
        other = self.others.get(dialect)
        if other is None or (other.only_models and not model.startswith(other.only_models)):
            return self
        known = other.capabilities_of
        return replace(self, dialect=dialect, url=other.url, quirks=other.quirks, capabilities_of=known)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One HTTP request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    verbatim: bool = False
    """Whether nothing is added to the headers but what HTTP needs, and the answer's body is wanted as it is sent, compressed
    or not."""
    stream: AsyncIterator[bytes] | None = None
    """The body piece by piece, in place of body. Of the length that the header content-length says, else chunked."""

    def __repr__(self) -> str:
        return f"UpstreamRequest({self.method} {self.url})"


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a text/event-stream body (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    data: bytes
    """Never empty. Bytes, as a JSON decoder reads them; UTF-8 is not checked."""
    event: str = ""


class StreamDecoder(Protocol):
    """A sans-IO machine: upstream events in, contract events out. One for each stream."""

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        """Decode one upstream event and add what it says to the batch: events of one read travel together, and adding in
        place costs a third of building them apart. Raises GatewayError when the provider reports a failure or breaks its
        format; what was added before counts."""

    def finish(self, batch: StreamResponse) -> None:
        """The upstream ended. Raises GatewayError STREAM_INTERRUPTED unless the answer is complete."""

    @property
    def complete(self) -> bool:
        """True once every candidate has ended: only the end of the stream, or its usage, can still come."""

    @property
    def done(self) -> bool:
        """True once finished was emitted: nothing more is read from the upstream."""


class UsageReport(NamedTuple):
    """What an answer, or an event of one, tells about what it took."""

    raw: dict[str, Any]
    """The usage object as the provider wrote it. Of several in a stream the last one counts."""
    model: str = ""
    """The model that answers. Empty: it is not there."""
    service_tier: str = ""
    """The tier that answers, by its name in the contract. Empty: it is not there."""
    partial: bool = False
    """Whether it says only what is new: what earlier ones say besides still counts."""


class Encoded(NamedTuple):
    """What to send, and what was dropped or changed on the way."""

    request: UpstreamRequest
    warnings: Sequence[Warning] = ()


RequestT = TypeVar("RequestT", contravariant=True)
ResponseT = TypeVar("ResponseT", covariant=True)


class Encode(Protocol[RequestT]):
    """(request, model in the provider's own name, endpoint) -> what to send. Raises GatewayError: UNSUPPORTED, naming the
    field, for content that the dialect cannot carry, and INVALID_REQUEST."""

    def __call__(self, request: RequestT, model: str, endpoint: Endpoint, /) -> Encoded: ...


class Decode(Protocol[ResponseT]):
    """(the body of an answer whose status is 200, the provider's name) -> the response. Raises GatewayError
    UPSTREAM_INVALID_RESPONSE for a body that breaks the format."""

    def __call__(self, body: bytes, provider: str, /) -> ResponseT: ...


DecodeError = Callable[[int, Mapping[str, str], bytes], GatewayError]
"""(status, headers with lower-case names, body) -> why. Never raises."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[RequestT, ResponseT]):
    """One thing that a dialect's providers can be asked for, answered at once."""

    encode: Encode[RequestT]
    decode: Decode[ResponseT]
    decode_error: DecodeError


@dataclass(frozen=True, slots=True)
class StreamOperation:
    """A chat whose answer comes as server-sent events."""

    encode: Encode[ChatRequest]
    decoder: Callable[[], StreamDecoder]
    decode_error: DecodeError


@dataclass(frozen=True, slots=True)
class Dialect:
    """CLIENT: a wire language as we speak it to providers."""

    name: str
    chat: Operation[ChatRequest, ChatResponse]
    stream: StreamOperation
    list_models: Operation[None, Sequence[Model]]
    """The models have the ids provider/model."""
    headers: Callable[[Endpoint], Mapping[str, str]]
    """What every request to the endpoint carries: its first key, what the operator configured, and defaults."""
    find_usage: Callable[[dict[str, Any]], UsageReport | None]
    """(a JSON object that the provider answered with, or that was an event's data) -> its usage. None where it has none, or
    one of another dialect's form. Never raises."""
    read_usage: Callable[[dict[str, Any]], Usage]
    """Reads what find_usage found. Never raises."""
    count_tokens: Operation[ChatRequest, int] | None = None
    """How many input tokens a chat has. None: the dialect has no such question."""
    needs_bytes: Callable[[Media, str, Endpoint], bool] = lambda media, model, endpoint: False
    """(media at an http or https URL, model, endpoint) -> whether the gateway is to fetch it, since the provider takes its
    bytes and does not read such URLs. False where the provider reads them, and for what the dialect refuses anyway."""
    essential_options: Mapping[str, str] = field(default_factory=dict)
    """Fields of the caller's options in this dialect without which no other dialect can answer: why, for the message."""
    tool_forms: ToolForms = FUNCTIONS_ONLY
    """What its providers take beside functions; other tools are given another form before encode, or left out."""
    tool_names: NameRule = WIDESPREAD_NAMES
    """Which names of tools its providers take; others are renamed before encode."""
    for_others: ForOthers = plain_reading
    """What content that only this dialect understands says to models of others."""
    reads: frozenset[str] = frozenset()
    """The other dialects whose content is sent as it is."""
    refuses: Callable[[Media, Endpoint], str] = lambda media, endpoint: ""
    """(media from the user, endpoint) -> why the dialect cannot carry it. Empty: it can."""
    takes_back: Callable[[Part, Endpoint], bool] = lambda part, endpoint: False
    """(media in an answer, endpoint) -> whether the model's own message may hold it. Otherwise the user shows it."""
    not_in_results: frozenset[MediaKind.ValueType] = frozenset()
    """The kinds of media that the user shows in place of the tool's result that holds them."""
    results_anywhere: bool = False
    """Whether a tool's result may stand elsewhere than directly behind its call."""
    signs_texts: bool = False
    """Whether models sign what they say, beside their calls."""
    several_candidates: bool = True
    """Whether one request can ask for several candidates."""
    rate_limits: RateLimitFormat | None = None
    """How its providers report rate limits, and its clients read them. None: it has no headers for them."""
    for_its_clients: bool = False
    """Whether its clients are answered by the provider's API of this language, where the provider's first is another."""
    automatic_cache: bool = False
    """Whether its providers cache prompts unasked: a cache hint is then dropped without a warning."""

    def encode_chat(self, request: ChatRequest, model: str, endpoint: Endpoint, stream: bool) -> Encoded:
        """See Encode."""
        return (self.stream if stream else self.chat).encode(request, model, endpoint)


EncodeChat = Callable[[ChatRequest, str, Endpoint, bool], tuple[UpstreamRequest, Sequence[Warning]]]


def chat_operation(
    encode: EncodeChat, decode: Callable[[bytes], ChatResponse], decode_error: DecodeError
) -> Operation[ChatRequest, ChatResponse]:
    """encode: its last argument says whether to stream."""
    return Operation(
        lambda request, model, endpoint: Encoded(*encode(request, model, endpoint, False)),
        lambda body, provider: decoded(body, decode),
        decode_error,
    )


def decoded(body: bytes, decode: Callable[[bytes], ChatResponse]) -> ChatResponse:
    """What can just be decoded may be too deep to be encoded as a part of something: that raises RecursionError."""
    try:
        return decode(body)
    except RecursionError:
        raise malformed(TOO_DEEP) from None


def stream_operation(encode: EncodeChat, decoder: Callable[[], StreamDecoder], decode_error: DecodeError) -> StreamOperation:
    return StreamOperation(
        lambda request, model, endpoint: Encoded(*encode(request, model, endpoint, True)), decoder, decode_error
    )


def list_operation(
    encode: Callable[[Endpoint], UpstreamRequest], decode: Callable[[bytes, str], Sequence[Model]], decode_error: DecodeError
) -> Operation[None, Sequence[Model]]:
    return Operation(lambda request, model, endpoint: Encoded(encode(endpoint)), decode, decode_error)


def count_operation(
    encode: Callable[[ChatRequest, str, Endpoint], UpstreamRequest],
    decode: Callable[[bytes], int],
    decode_error: DecodeError,
) -> Operation[ChatRequest, int]:
    return Operation(
        lambda request, model, endpoint: Encoded(encode(request, model, endpoint)),
        lambda body, provider: decode(body),
        decode_error,
    )


def bound_of(request: ChatRequest) -> int | None:
    """The most tokens that the client wants in an answer; None: it names no bound."""
    if request.HasField("max_output_tokens"):
        return request.max_output_tokens
    return request.max_tokens if request.HasField("max_tokens") else None
