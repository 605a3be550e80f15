from __future__ import annotations

import pytest

from gateway_core.call import Deadline


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_shrinks_and_never_grows_again() -> None:
    clock = Clock()
    deadline = Deadline.after(10.0, clock)
    assert deadline.remaining() == 10.0
    clock.now += 4.0
    assert deadline.remaining() == 6.0
    clock.now += 100.0
    assert deadline.remaining() == 0.0


@pytest.mark.parametrize("deadline", [Deadline(), Deadline.after(None), Deadline.after(None, Clock())])
def test_no_deadline(deadline: Deadline) -> None:
    assert deadline.remaining() is None
    assert deadline.allows(1e9)


@pytest.mark.parametrize(("seconds", "allowed"), [(0.0, True), (9.9, True), (10.0, False), (11.0, False)])
def test_what_would_end_at_the_deadline_comes_too_late(seconds: float, allowed: bool) -> None:
    assert Deadline.after(10.0, Clock()).allows(seconds) is allowed


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_deadline_that_has_passed_allows_nothing(seconds: float) -> None:
    deadline = Deadline.after(seconds, Clock())
    assert deadline.remaining() == 0.0
    assert not deadline.allows(0.0)
