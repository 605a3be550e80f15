"""Prices as arithmetic: what a usage costs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from dragoman.v1.models_pb2 import Prices
from dragoman.v1.usage_pb2 import Usage

MILLION = 1_000_000
UNITS = 1e12
"""Of a dollar: what is less than one is the noise of binary fractions."""


class Charge:
    """What each kind of token costs beside what it would cost as a plain one: subsets are in the totals already, and one
    without a price of its own is charged like the rest."""

    __slots__ = (
        *("input", "output", "request", "web_search", "hidden", "above"),
        *("cache_read", "cache_write", "cache_write_1h", "input_audio", "input_image", "special_input"),
        *("output_audio", "output_image", "reasoning", "special_output"),
    )

    def __init__(self, prices: Prices) -> None:
        given: dict[str, float] = {field.name: value for field, value in prices.ListFields()}
        self.input, self.output = prices.input, prices.output
        self.request, self.web_search = prices.request, prices.web_search
        self.cache_read = given.get("cache_read", prices.input) - prices.input
        self.cache_write = given.get("cache_write", prices.input) - prices.input
        self.cache_write_1h = given.get("cache_write_1h", prices.input + self.cache_write) - prices.input - self.cache_write
        self.input_audio = given.get("input_audio", prices.input) - prices.input
        self.input_image = given.get("input_image", prices.input) - prices.input
        self.output_audio = given.get("output_audio", prices.output) - prices.output
        self.output_image = given.get("output_image", prices.output) - prices.output
        self.reasoning = given.get("reasoning", prices.output) - prices.output
        self.special_input = bool(self.cache_write or self.cache_write_1h or self.input_audio or self.input_image)
        self.hidden = bool(self.cache_write_1h or self.web_search)
        self.special_output = bool(self.output_audio or self.output_image or self.reasoning)
        self.above = tuple((longer.above_input_tokens, Charge(longer.prices)) for longer in prices.long_context)

    def amount(self, usage: Usage) -> float:
        """US dollars. A subset that claims more than its total is cut to it: never below zero, never charged twice."""
        tokens = usage.input_tokens
        if self.above:
            for start, longer in reversed(self.above):
                if tokens > start:
                    return longer.amount(usage)
        total = tokens * self.input + usage.output_tokens * self.output
        if self.cache_read and (read := usage.cache_read_tokens):
            total += min(read, tokens) * self.cache_read
        extras = self._extras(usage) if self.hidden else NOTHING
        if self.special_input:
            total += self._special_input(usage, tokens, extras)
        if self.special_output:
            total += self._special_output(usage)
        total /= MILLION
        if self.request or self.web_search:
            total += self.request + extras.searches * self.web_search
        return int(total * UNITS + 0.5) / UNITS if total > 0.0 else 0.0

    def _extras(self, usage: Usage) -> RawUsage:
        raw = usage.raw_json
        if (self.web_search and SEARCHES in raw) or (self.cache_write_1h and HOUR_WRITES in raw):
            return read_raw(raw)
        return NOTHING

    def _special_input(self, usage: Usage, tokens: int, extras: RawUsage) -> float:
        left = tokens - min(usage.cache_read_tokens, tokens)
        written = min(usage.cache_write_tokens, left)
        total = written * self.cache_write + min(extras.hour_writes, written) * self.cache_write_1h
        left -= written
        sound = min(usage.input_audio_tokens, left)
        pictures = min(usage.input_image_tokens, left - sound)
        return total + sound * self.input_audio + pictures * self.input_image

    def _special_output(self, usage: Usage) -> float:
        left = usage.output_tokens
        sound = min(usage.output_audio_tokens, left)
        pictures = min(usage.output_image_tokens, left - sound)
        reasoning = min(usage.reasoning_tokens, left - sound - pictures)
        return sound * self.output_audio + pictures * self.output_image + reasoning * self.reasoning


Tally: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: Tally | None = None


class ServerToolUse(msgspec.Struct):
    web_search_requests: Tally | None = None


class RawUsage(msgspec.Struct):
    """What providers charge for and the contract does not count."""

    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUse | None = None
    speed: str | None = None

    @property
    def hour_writes(self) -> int:
        """Tokens written to a cache with a TTL of an hour."""
        return (self.cache_creation and self.cache_creation.ephemeral_1h_input_tokens) or 0

    @property
    def searches(self) -> int:
        """Searches of the web that the provider made."""
        return (self.server_tool_use and self.server_tool_use.web_search_requests) or 0


NOTHING = RawUsage()
SEARCHES = '"web_search_requests"'
HOUR_WRITES = '"ephemeral_1h_input_tokens"'


def read_raw(raw_json: str) -> RawUsage:
    """Never raises: what is not as expected counts for nothing."""
    try:
        return msgspec.json.decode(raw_json, type=RawUsage)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING


def speed(usage: Usage) -> str:
    """The speed that a provider reports, where that has a price. Empty: none."""
    raw = usage.raw_json
    return read_raw(raw).speed or "" if '"speed"' in raw else ""
