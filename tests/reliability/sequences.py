"""Sequences of faults at the targets of a route, at random with a fixed seed, and what must come of each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.reliability.faults import ANSWERED, Fault, Outcome, faults
from tests.reliability.wires import WIRES, Wire
from tests.upstream import Received, Reply

SEED = 11
COUNT = 300
ATTEMPTS = 2
MOST_TARGETS = 4
PREFIX = "sequence-"
SLOW = ("stall", "heartbeats", "no-end", "large", "bytes", "pieces", "idle-closed", "429-")
"""What would take long, and waits that are too long for the same target."""
UNCOUNTED = frozenset({"cut", "reset"})
"""On a connection that was kept open they may be met twice: the request is sent once more."""


@dataclass(frozen=True)
class Plan:
    """A route of targets in several languages, each of which fails in its own way at each attempt."""

    name: str
    api: str
    stream: bool
    wires: Sequence[Wire]
    faults: Sequence[Sequence[Fault]]
    """For each target, of each attempt."""

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(f"{PREFIX}{index}-{wire.name}/{self.name}" for index, wire in enumerate(self.wires))

    def outcome(self) -> tuple[Outcome, int]:
        """What the client gets, and after how many attempts."""
        made, last = 0, ANSWERED
        for wire, own in zip(self.wires, self.faults, strict=True):
            for attempt, fault in enumerate(own, 1):
                case = fault.case(wire, self.stream)
                assert case is not None
                made, last = made + 1, case[1]
                if last.reason is None or last.said is not None:
                    return last, made
                if last.attempts < ATTEMPTS or attempt == ATTEMPTS:
                    break
            if not last.passed_on:
                break
        return last, made


@cache
def sequences(apis: tuple[str, ...]) -> Sequence[Plan]:
    chance = random.Random(SEED)
    found = []
    for number in range(COUNT):
        stream = chance.random() < 0.6
        wires = [chance.choice(WIRES) for _ in range(chance.randint(1, MOST_TARGETS))]
        plans = [[chance.choice(possible(wire, stream)) for _ in range(ATTEMPTS)] for wire in wires]
        found.append(Plan(f"{PREFIX}{number}", chance.choice(apis), stream, wires, plans))
    return found


@cache
def possible(wire: Wire, stream: bool) -> Sequence[Fault]:
    quick = [fault for fault in faults() if not fault.slug.startswith(SLOW) and fault.slug not in UNCOUNTED]
    return [fault for fault in quick if fault.case(wire, stream) is not None]


@dataclass
class Script:
    """The providers: each knows how often it was asked by each sequence."""

    by_name: dict[str, Plan] = field(default_factory=dict)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    def reply(self, received: Received, provider: str, model: str) -> Reply:
        index = int(provider.removeprefix(PREFIX).partition("-")[0])
        sequence = self.by_name[model]
        attempt = self.asked[model, index]
        self.asked[model, index] += 1
        case = sequence.faults[index][attempt].case(sequence.wires[index], sequence.stream)
        assert case is not None
        return case[0]
