"""Rate limits that providers report in headers, and how clients of another API read them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway_dialects.kit.json import inverse

MOST_HEADERS = 40
REMAINING = "remaining"
"""In the names of headers: in its place, others have limit and reset."""
LONGEST_VALUE = 200
is_sound = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?").fullmatch
"""Whether a value may travel in headers and in gRPC metadata."""
is_count = re.compile(r"[0-9]{1,15}").fullmatch


class Measure(Enum):
    """What the header says of a limit: how much, how much is left, when it is full again."""

    LIMIT = auto()
    REMAINING = auto()
    RESET = auto()


Field = tuple[str, Measure]
"""What is counted (requests, tokens), and the measure."""


@dataclass(frozen=True, slots=True)
class RateLimitFormat:
    """How an API names rate limits in its headers."""

    prefixes: tuple[str, ...]
    """How the names begin that its own clients get as they are."""
    fields: Mapping[str, Field]
    """The headers that other APIs have too, by name. Of several with one meaning the first is written."""
    read_reset: Callable[[str, float], float | None]
    """(value, now in Unix seconds) -> seconds from now. None for what is not understood."""
    write_reset: Callable[[float, float], str]
    """(seconds from now, now)."""
    names: Mapping[Field, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", inverse(self.fields))

    def own(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of this API, as they are."""
        prefixes = self.prefixes
        found = [(name, value) for name, value in headers.items() if name.startswith(prefixes)]
        return {name: value for name, value in found[:MOST_HEADERS] if len(value) <= LONGEST_VALUE and is_sound(value)}

    def used_up_s(self, own: Mapping[str, str], now: float) -> float:
        """Seconds until all that has nothing left can be had again; 0: there is something left of everything. own: as own()
        gives them. A limit of 0 is none."""
        if "0" not in own.values():
            return 0.0
        left = [name for name, value in own.items() if value == "0" and REMAINING in name]
        real = [name for name in left if own.get(name.replace(REMAINING, "limit")) != "0"]
        resets = [self.read_reset(own.get(name.replace(REMAINING, "reset"), ""), now) for name in real]
        return max((seconds for seconds in resets if seconds), default=0.0)


def client_headers(
    headers: Mapping[str, str], provider: RateLimitFormat, client: RateLimitFormat | None, now: float
) -> dict[str, str]:
    """A provider's rate limits as headers for a client of an API. headers: the provider's, names in lower case. client: None
    for an API that has none. now: Unix seconds."""
    return converted(provider.own(headers), provider, client, now)


def converted(own: dict[str, str], provider: RateLimitFormat, client: RateLimitFormat | None, now: float) -> dict[str, str]:
    """See client_headers. own: see RateLimitFormat.own."""
    if client is provider or not own:
        return own
    return {} if client is None else translated(own, provider, client, now)


def translated(own: Mapping[str, str], provider: RateLimitFormat, client: RateLimitFormat, now: float) -> dict[str, str]:
    """What both APIs have, in the client's names."""
    found: dict[str, str] = {}
    for name, value in own.items():
        known = provider.fields.get(name)
        theirs = client.names.get(known) if known else None
        if known is None or theirs is None:
            continue
        if known[1] is not Measure.RESET:
            if is_count(value):
                found[theirs] = value
        elif (seconds := provider.read_reset(value, now)) is not None:
            found[theirs] = client.write_reset(max(0.0, seconds), now)
    return found
