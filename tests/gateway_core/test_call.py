"""A call: what stays of it once it is compact."""

from __future__ import annotations

import pytest

from dragoman.v1.usage_pb2 import Usage
from gateway_core.call import Call


def test_a_compact_call_still_has_its_route_and_its_usage() -> None:
    call = Call("r1", operation="Chat", model="p/m")
    attempt = call.route.attempts.add(provider="p", model="m", usage=Usage(input_tokens=3))
    call.usage = attempt.usage
    whole = call.route
    before = call.log_fields("OK")
    call.compact()
    assert (call.route, call.usage) == (whole, Usage(input_tokens=3))
    assert {**call.log_fields("OK"), "ms": 0} == {**before, "ms": 0}
    with pytest.raises(AttributeError):
        call.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("attempts", [0, 1, 2])
def test_a_compact_call_without_usage_has_none(attempts: int) -> None:
    call = Call("r1")
    for _ in range(attempts):
        call.route.attempts.add(provider="p")
    call.compact()
    assert call.usage is None
    assert len(call.route.attempts) == attempts
