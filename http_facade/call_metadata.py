"""The metadata of the core's calls: the request's id, API, context, keys, BYOK credentials and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from dragoman.metadata import (
    API,
    APP_NAMES,
    BYOK_NAMES,
    CONTEXT,
    KEY_NAMES,
    KEY_PARAMETER,
    LONGEST_TAG,
    PREFIXES,
    REQUEST_ID,
    TAG_NAMES,
)
from dragoman.reasons import invalid
from http_facade.exchange import Exchange

Metadata = list[tuple[str, str]]

KEY_HEADERS = tuple((name.encode(), name) for name in KEY_NAMES)
LONGEST_KEY = 1024
NAMED_HEADERS = frozenset(name.encode() for name in (*BYOK_NAMES, *TAG_NAMES, *APP_NAMES))
LONGEST_BYOK = 3072
"""In characters: some providers' keys are tokens of 2 KiB, and gRPC carries 8 KiB in all."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The only place where the clients of a context put the gateway key. The core knows it too, and decides."""

    header: str = ""
    """In lower case."""
    query: str = ""


KeyPlaces = Mapping[str, KeyPlace]
"""By context. In others, and in none, a key counts wherever it is found."""


def call_metadata(exchange: Exchange, places: KeyPlaces) -> Metadata:
    """Raises GatewayError for what cannot be carried and must not be cut."""
    metadata = [(REQUEST_ID, exchange.request_id), (API, exchange.api.name)]
    if exchange.context:
        metadata.append((CONTEXT, exchange.context))
    if exchange.context in places:
        add_placed_key(metadata, exchange, places[exchange.context])
    else:
        add_keys(metadata, exchange)
    if not NAMED_HEADERS.isdisjoint(exchange.headers):
        add_named(metadata, exchange)
    metadata += [(name, carried(value)[:LONGEST_TAG]) for name, value in exchange.tags]
    return metadata


def add_keys(metadata: Metadata, exchange: Exchange) -> None:
    for header, name in KEY_HEADERS:
        if (key := exchange.header(header)) is not None:
            metadata.append((name, carried(key)))
    if b"key=" in exchange.scope["query_string"] and (key := exchange.query().get(KEY_PARAMETER)):
        metadata.append(("x-goog-api-key", carried(key)))


def add_placed_key(metadata: Metadata, exchange: Exchange, place: KeyPlace) -> None:
    if place.header and (key := exchange.header(place.header.encode())) is not None:
        metadata.append((place.header, carried(key)))
    if place.query and (key := exchange.query().get(place.query)):
        metadata.append((place.query.lower(), carried(key)))


def add_named(metadata: Metadata, exchange: Exchange) -> None:
    for name in BYOK_NAMES:
        if value := exchange.header(name.encode()):
            if len(value) > LONGEST_BYOK or not is_plain(value):
                raise invalid(name, f"The header {name} must be printable ASCII, at most {LONGEST_BYOK} characters.")
            metadata.append((name, value))
    for name in (*TAG_NAMES, *APP_NAMES):
        if value := exchange.header(name.encode()):
            metadata.append((name, carried(value)[:LONGEST_TAG]))


def labels(exchange: Exchange) -> dict[str, object]:
    """The task, environment and application that the client names, for the access log."""
    if NAMED_HEADERS.isdisjoint(exchange.headers):
        return {}
    app = next((value for name in APP_NAMES if (value := exchange.header(name.encode()))), "")
    found = (("task_id", first_of(exchange, "task-id")), ("environment", first_of(exchange, "environment")), ("app", app))
    return {name: value[:LONGEST_TAG] for name, value in found if value}


def first_of(exchange: Exchange, name: str) -> str:
    """The header under the first of the two prefixes that has it."""
    return next((value for prefix in PREFIXES if (value := exchange.header((prefix + name).encode()))), "")


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def carried(key: str) -> str:
    """gRPC carries printable ASCII only, and 8 KiB in all. No gateway key is other, and in this form it is none either."""
    return key if is_plain(key) and len(key) <= LONGEST_KEY else quote(key)[:LONGEST_KEY]
