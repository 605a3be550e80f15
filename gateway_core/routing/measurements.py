"""Measurements: how fast and how reliable each target was during the last five minutes, in this process.

Ended calls are only noted; scores are computed from them every few seconds beside the calls, which read the last ones.
Nothing is noted before the first call that needs it: one of a measured route, or a request that prefers speed.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

from dragoman.reasons import Reason
from gateway_core.call import Call, Clock

COUNTING = "CountTokens"
"""The operation that asks nobody for an answer."""
WINDOW_S = 300.0
REFRESH_S = 5.0
HALF_LIFE_S = 30.0
"""Of what a success or failure says of reliability."""
MOST_TARGETS, MOST_SAMPLES = 1000, 2000
"""Clients choose the names of models; the samples are those of each."""
PERCENTILES: Mapping[str, float] = MappingProxyType({"p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99})
FAULTS = frozenset(
    {
        *(Reason.RATE_LIMITED, Reason.QUOTA_EXHAUSTED, Reason.UPSTREAM_AUTH, Reason.UPSTREAM_UNAVAILABLE),
        *(Reason.UPSTREAM_OVERLOADED, Reason.UPSTREAM_TIMEOUT, Reason.UPSTREAM_INVALID_RESPONSE, Reason.STREAM_INTERRUPTED),
        Reason.DEADLINE_EXCEEDED,
    }
)
"""The reasons that count against a target; others are the request's or the client's."""


class Sample(NamedTuple):
    """One attempt. A failed one has no times: it never counts as fast."""

    at: float
    failed: bool
    latency: float | None = None
    """Seconds to the first content of a stream."""
    throughput: float | None = None
    """Tokens per second."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one target."""

    reliability: float = 1.0
    """The share of attempts that it answered, the later ones counting more, from 0 to 1."""
    latency: Mapping[str, float] | None = None
    """Seconds to the first content, by percentile. None: not measured."""
    throughput: Mapping[str, float] | None = None
    """Tokens per second that so many of a hundred answers reach, by percentile. None: not measured."""


UNMEASURED = Score()
Later = Callable[[float, Callable[[], None]], object]
"""(seconds, what is to be done then)"""


def on_the_loop(seconds: float, do: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, do)


class Measurements:
    def __init__(self, clock: Clock = time.monotonic, *, later: Later = on_the_loop) -> None:
        self.watching = False
        """Whether ended calls are noted."""
        self._clock = clock
        self._later = later
        self._samples: OrderedDict[str, deque[Sample]] = OrderedDict()
        self._scores: Mapping[str, Score] = {}
        self._waiting = False

    def of(self, target: str) -> Score:
        """target: provider/model."""
        return self._scores.get(target, UNMEASURED)

    def observe(self, call: Call) -> None:
        """A chat that has ended, while it still has its route. BYOK calls tell nothing of the operator's account."""
        if call.request is None or call.operation == COUNTING or call.byok.key or call.byok.url:
            return
        now, attempts = self._clock(), call.route.attempts
        for made in attempts:
            if not made.reason:
                tokens, seconds = made.usage.output_tokens, made.duration_ms / 1000
                if call.streamed and call.ended is not None and call.first_content is not None:
                    answering = call.ended - call.first_content
                    sample = Sample(now, False, seconds, tokens / answering if tokens > 1 and answering > 0 else None)
                else:
                    sample = Sample(now, False, None, tokens / seconds if tokens and seconds > 0 else None)
            elif made.reason in FAULTS:
                sample = Sample(now, True)
            else:
                continue
            self._note(f"{made.provider}/{made.model}", sample)

    def _note(self, target: str, sample: Sample) -> None:
        samples = self._samples.get(target)
        if samples is None:
            samples = self._samples[target] = deque(maxlen=MOST_SAMPLES)
            if len(self._samples) > MOST_TARGETS:
                self._samples.popitem(last=False)
        samples.append(sample)
        if not self._waiting:
            self._waiting = True
            self._later(REFRESH_S, self._tick)

    def _tick(self) -> None:
        self.refresh()
        self._waiting = bool(self._samples)
        if self._waiting:
            self._later(REFRESH_S, self._tick)

    def refresh(self) -> None:
        """Compute the scores anew, and forget what is older than the window."""
        now = self._clock()
        for target, samples in list(self._samples.items()):
            while samples and now - samples[0].at > WINDOW_S:
                samples.popleft()
            if not samples:
                del self._samples[target]
        self._scores = {target: score_of(samples, now) for target, samples in self._samples.items()}


def score_of(samples: Iterable[Sample], now: float) -> Score:
    """A target begins with one success, so that its first failure is not all that is known of it."""
    weights = [(0.5 ** ((now - sample.at) / HALF_LIFE_S), sample) for sample in samples]
    answered = 1.0 + sum(weight for weight, sample in weights if not sample.failed)
    reliability = answered / (1.0 + sum(weight for weight, _ in weights))
    latencies = sorted(sample.latency for _, sample in weights if sample.latency is not None)
    speeds = sorted((sample.throughput for _, sample in weights if sample.throughput is not None), reverse=True)
    return Score(reliability, percentiles_of(latencies), percentiles_of(speeds))


def percentiles_of(values: Sequence[float]) -> Mapping[str, float] | None:
    """values: the best first. The value that so many of a hundred are not worse than."""
    if not values:
        return None
    return {name: values[min(len(values) - 1, int(len(values) * share))] for name, share in PERCENTILES.items()}


def filled(values: Sequence[float | None]) -> Sequence[float]:
    """The values with the median of the others in place of those that are not known; 1 where none is."""
    known = [value for value in values if value is not None]
    usual = median(known) if known else 1.0
    return [usual if value is None else value for value in values]
