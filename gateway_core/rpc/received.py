"""What the metadata of a call says: its id, its keys, where it is made, and what its client brings of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway_core.call import NOTHING, Own
from gateway_core.providers.dialect import Secret
from gateway_core.rpc.status import REQUEST_ID
from gateway_core.settings_contexts import KeyPlace

KEY_METADATA = frozenset({"x-api-key", "api-key", "x-goog-api-key"})
"""Where a key may stand by itself, as the SDKs of the providers send it; in authorization it follows Bearer."""
SECRET_METADATA = frozenset({"proxy-authorization", "cookie"})
"""What may hold other secrets, and so never becomes part of a Call."""
CONTEXT = "x-dragoman-context"
PREFIXES = ("x-dragoman-", "x-inference-")
"""Each of the names below has both; where a call has both, the first counts."""
PROVIDER, PROVIDER_KEY, PROVIDER_URL = "provider", "provider-api-key", "provider-url"
TASK_ID, ENVIRONMENT = "task-id", "environment"
OWN_METADATA = frozenset(prefix + name for prefix in PREFIXES for name in (PROVIDER, PROVIDER_KEY, PROVIDER_URL))
LABELS = frozenset(prefix + name for prefix in PREFIXES for name in (TASK_ID, ENVIRONMENT))
LONGEST_LABEL = 256
"""How much of a task's id or an environment's name is kept, in characters."""

_is_sane_request_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


@dataclass(frozen=True, slots=True)
class Received:
    """What the metadata of a call says."""

    request_id: str
    """The client's own where it is sane, so that its logs and ours agree."""
    keys: Sequence[str]
    """Whatever may be a gateway key, in the order in which it came."""
    metadata: Mapping[str, str]
    """All that is no secret."""
    own: Own = NOTHING

    @property
    def context(self) -> str:
        return self.metadata.get(CONTEXT, "")

    @property
    def task_id(self) -> str:
        return self._label(TASK_ID)

    @property
    def environment(self) -> str:
        return self._label(ENVIRONMENT)

    def _label(self, name: str) -> str:
        return "" if LABELS.isdisjoint(self.metadata) else first_of(name, self.metadata)[:LONGEST_LABEL]


class MetadataReader:
    """Knows where the clients of each context put their keys."""

    def __init__(self, key_places: Mapping[str, KeyPlace]) -> None:
        """key_places: by context. In others, and in none, a key counts wherever it is found."""
        self._places = key_places
        self._placed = frozenset(
            name for place in key_places.values() for name in (place.header, place.query.lower()) if name
        )

    def read(self, pairs: Iterable[tuple[str, str | bytes]]) -> Received:
        """What stands in authorization in another form than Bearer KEY is presented as it is: some clients send the
        bare key."""
        metadata: dict[str, str] = {}
        keys: list[str] = []
        own: dict[str, str] = {}
        placed: dict[str, str] = {}
        for name, value in pairs:
            if isinstance(value, bytes):
                continue
            if name in self._placed:
                placed[name] = value
            if name == "authorization":
                keys.append(bearer(value))
            elif name in KEY_METADATA:
                keys.append(value)
            elif name in OWN_METADATA:
                own[name] = value
            elif name not in SECRET_METADATA and name not in self._placed:
                metadata[name] = value
        place = self._places.get(metadata.get(CONTEXT, ""))
        found = keys if place is None else [key for key in place.keys_in(placed) if key]
        return Received(sane_request_id(metadata), found, metadata, read_own(own) if own else NOTHING)

    def place_in(self, context: str) -> KeyPlace | None:
        """The only place where a key counts in this context; None: it counts everywhere."""
        return self._places.get(context)


def bearer(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value


def sane_request_id(metadata: Mapping[str, str]) -> str:
    given = metadata.get(REQUEST_ID, "")
    return given if _is_sane_request_id(given) else uuid.uuid4().hex


def read_own(found: Mapping[str, str]) -> Own:
    provider, url, key = (first_of(name, found) for name in (PROVIDER, PROVIDER_URL, PROVIDER_KEY))
    return Own(provider, url, Secret(bearer(key))) if provider or url or key else NOTHING


def first_of(name: str, metadata: Mapping[str, str]) -> str:
    """The value under the first of the two names that has one."""
    return next((value for prefix in PREFIXES if (value := metadata.get(prefix + name, "").strip())), "")
