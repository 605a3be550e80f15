"""The fuzzer's laws, with the same inputs each time. `scripts/fuzz` goes on with others for as long as it is let."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.laws import LAWS, Law

INPUTS = 120


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_any_input_is_read_or_refused(law: Law) -> None:
    chance, taken = Random(law.name), 0
    for number in range(INPUTS):
        exchange = chance.choice(law.seeds)
        try:
            taken += law.run(exchange, number)
        except Exception as error:
            raise AssertionError(f"{exchange.name} {number}: {law.input(exchange, number)[:5000]!r}") from error
    # Else they are all refused for one and the same reason.
    assert 0 < taken < INPUTS


def test_a_case_is_the_same_again() -> None:
    for law in LAWS:
        assert law.input(law.seeds[0], 7) == law.input(law.seeds[0], 7)
