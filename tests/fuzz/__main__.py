"""scripts/fuzz: every law in turn, with inputs that no run before had. The status is 1 where there was a fault."""

from __future__ import annotations

import secrets
import sys
import time
import traceback
from collections.abc import Sequence
from random import Random

from tests.fuzz.laws import LAWS

HOUR_S = 3600.0
AT_ONCE = 100
"""Inputs of one law."""


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["again", law, exchange, number]:
            return again(law, exchange, int(number))
        case [seconds]:
            return fuzz(float(seconds))
        case _:
            return fuzz(HOUR_S)


def fuzz(seconds: float) -> int:
    """Prints each fault once."""
    first, until = secrets.randbits(48), time.monotonic() + seconds
    chance = Random(first)
    faults: set[str] = set()
    ran = taken = 0
    while time.monotonic() < until:
        for law in LAWS:
            for _ in range(AT_ONCE):
                exchange, number = chance.choice(law.seeds), first + ran
                ran += 1
                try:
                    taken += law.run(exchange, number)
                except Exception as error:
                    place = place_of(error)
                    if place not in faults:
                        faults.add(place)
                        print(f"{place}: {error!r:.300}", flush=True)
                        print(f"    scripts/fuzz again {law.name!r} {exchange.name!r} {number}", flush=True)
    print(f"{ran} inputs, {taken} of them taken, {len(faults)} faults")
    return 1 if faults else 0


def place_of(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def again(law_name: str, exchange_name: str, number: int) -> int:
    """Prints the input, and fails as it did."""
    law = next(law for law in LAWS if law.name == law_name)
    exchange = next(seed for seed in law.seeds if seed.name == exchange_name)
    print(law.input(exchange, number).decode(errors="backslashreplace"))
    print("taken" if law.run(exchange, number) else "refused")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
