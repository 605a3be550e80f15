from __future__ import annotations

import pytest

from dragoman.reasons import RULES, GatewayError, Reason
from gateway_core.execution.chain import RetryPolicy

PLAIN = RetryPolicy(attempts=5, initial=0.5, longest=8.0, jitter=0.0)


def failure(reason: Reason = Reason.RATE_LIMITED, retry_after_s: float | None = None) -> GatewayError:
    return GatewayError(reason, "m", retry_after_s=retry_after_s)


def test_the_pauses_double() -> None:
    assert [PLAIN.pause(made, failure()) for made in range(1, 6)] == [0.5, 1.0, 2.0, 4.0, None]


def test_no_pause_is_longer_than_the_longest() -> None:
    assert RetryPolicy(attempts=9, initial=3.0, longest=4.0, jitter=0.0).pause(5, failure()) == 4.0


@pytest.mark.parametrize(("jitter", "least"), [(1.0, 0.0), (0.25, 3.0)])
def test_jitter_is_a_share_of_the_pause(jitter: float, least: float) -> None:
    policy = RetryPolicy(attempts=9, initial=0.5, longest=4.0, jitter=jitter)
    pauses = [policy.backoff(8) for _ in range(500)]
    assert all(least <= pause <= 4.0 for pause in pauses)
    assert min(pauses) < least + 0.5
    assert max(pauses) > 3.5


def test_jitter_never_undercuts_what_the_provider_asks_for() -> None:
    assert all(RetryPolicy().pause(1, failure(retry_after_s=3.0)) == 3.0 for _ in range(50))


def test_a_filter_is_final_unless_it_is_configured_otherwise() -> None:
    filtered = failure(Reason.CONTENT_FILTERED)
    assert not RetryPolicy().passes_on(filtered)
    assert RetryPolicy(content_filter=True).passes_on(filtered)
    assert not RetryPolicy(content_filter=True).passes_on(failure(Reason.UPSTREAM_REJECTED))


def test_one_attempt_is_no_retry() -> None:
    assert RetryPolicy(attempts=1).pause(1, failure()) is None


@pytest.mark.parametrize(("asked", "pause"), [(None, 0.5), (0.0, 0.5), (0.1, 0.5), (3.0, 3.0), (8.0, 8.0), (8.1, None)])
def test_retry_after_is_a_floor_and_too_long_a_one_is_final(asked: float | None, pause: float | None) -> None:
    assert PLAIN.pause(1, failure(retry_after_s=asked)) == pause


@pytest.mark.parametrize("reason", Reason)
def test_only_what_is_allowed_is_retried(reason: Reason) -> None:
    assert (PLAIN.pause(1, failure(reason)) is not None) is RULES[reason].same_target


def test_what_may_be_retried_may_also_fall_back() -> None:
    assert all(rule.next_target for rule in RULES.values() if rule.same_target)
    final = {
        Reason.INVALID_REQUEST,
        Reason.UPSTREAM_REJECTED,
        Reason.CONTENT_FILTERED,
        Reason.DEADLINE_EXCEEDED,
        Reason.CANCELLED,
    }
    assert not any(RULES[reason].next_target for reason in final)
