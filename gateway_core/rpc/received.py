"""Metadata of a call, read: its request id, its keys, its context and BYOK credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dragoman.metadata import (
    BARE_KEY_NAMES,
    BYOK_NAMES,
    CONTEXT,
    PROVIDER,
    PROVIDER_API_KEY,
    PROVIDER_URL,
    REQUEST_ID,
    bearer,
    first_value,
    is_request_id,
)
from gateway_core.call import NO_CREDENTIALS, ByokCredentials
from gateway_core.settings.contexts import KeyPlace
from gateway_dialects.kit.dialect import Secret

SECRET_METADATA = frozenset({"proxy-authorization", "cookie"})
"""May hold other secrets, and never becomes part of a Call."""


@dataclass(frozen=True, slots=True)
class Received:
    """The metadata of a call."""

    request_id: str
    """The client's own where it is valid, so that its logs and ours agree. Empty: it gave none."""
    keys: Sequence[str]
    """All values that may be a gateway key, in the order in which they came."""
    metadata: Mapping[str, str]
    """Text metadata without secrets."""
    byok: ByokCredentials = NO_CREDENTIALS

    @property
    def context(self) -> str:
        return self.metadata.get(CONTEXT, "")


class MetadataReader:
    """Knows where the clients of each context put their keys."""

    def __init__(self, key_places: Mapping[str, KeyPlace]) -> None:
        """key_places: by context. In others, and in none, a key counts wherever it is found."""
        self._places = key_places
        self._placed = frozenset(
            name for place in key_places.values() for name in (place.header, place.query.lower()) if name
        )

    def read(self, pairs: Iterable[tuple[str, str | bytes]]) -> Received:
        """authorization in another form than Bearer KEY counts as a bare key: some clients send it so."""
        metadata: dict[str, str] = {}
        keys: list[str] = []
        given: dict[str, str] = {}
        placed: dict[str, str] = {}
        for name, value in pairs:
            if isinstance(value, bytes):
                continue
            if name in self._placed:
                placed[name] = value
            if name == "authorization":
                keys.append(bearer(value))
            elif name in BARE_KEY_NAMES:
                keys.append(value)
            elif name in BYOK_NAMES:
                given[name] = value
            elif name not in SECRET_METADATA and name not in self._placed:
                metadata[name] = value
        place = self._places.get(metadata.get(CONTEXT, ""))
        found = keys if place is None else [key for key in place.keys_in(placed) if key]
        request_id = metadata.get(REQUEST_ID, "")
        if not is_request_id(request_id):
            request_id = ""
        return Received(request_id, found, metadata, read_credentials(given) if given else NO_CREDENTIALS)

    def place_in(self, context: str) -> KeyPlace | None:
        """The only place where a key counts in this context; None: it counts everywhere."""
        return self._places.get(context)


def read_credentials(found: Mapping[str, str]) -> ByokCredentials:
    provider, url, key = (first_value(name, found) for name in (PROVIDER, PROVIDER_URL, PROVIDER_API_KEY))
    return ByokCredentials(provider, url, Secret(bearer(key))) if provider or url or key else NO_CREDENTIALS
