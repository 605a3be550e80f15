"""Rate limits in the names of one API, read and written in those of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_dialects.anthropic.rate_limits import RATE_LIMITS as ANTHROPIC
from gateway_dialects.kit.rate_limits import MOST_HEADERS, client_headers
from gateway_dialects.openai.rate_limits import RATE_LIMITS as OPENAI

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("17ms", 0.017),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400),
        ("2.5", 2.5),
        ("1800000060", 60),
        ("1800000060000", 60),
        ("", None),
        ("s", None),
        ("1s ", None),
        ("-1s", None),
        ("soon", None),
        ("1e9", None),
    ],
)
def test_when_a_limit_of_openai_is_reset(written: str, seconds: float | None) -> None:
    assert OPENAI.read_reset(written, NOW) == seconds


@given(st.floats(0, 1e6))
def test_a_duration_is_read_as_it_was_written(seconds: float) -> None:
    read = OPENAI.read_reset(OPENAI.write_reset(seconds, NOW), NOW)
    assert read is not None and abs(read - seconds) <= 0.5


@given(st.integers(0, 10_000_000))
def test_a_moment_is_read_as_it_was_written(seconds: int) -> None:
    assert ANTHROPIC.read_reset(ANTHROPIC.write_reset(seconds, NOW), NOW) == seconds


@pytest.mark.parametrize("written", ["", "2026-11-30", "2026-11-30T00:00:00", "tomorrow", "60"])
def test_a_moment_that_is_none(written: str) -> None:
    assert ANTHROPIC.read_reset(written, NOW) is None


def test_what_is_equal_is_translated_and_nothing_else() -> None:
    given = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-tokens": "many",
        "x-ratelimit-reset-requests": "2m0s",
        "x-ratelimit-reset-tokens": "soon",
        "x-ratelimit-limit-project-tokens": "5",
    }
    assert client_headers(given, OPENAI, ANTHROPIC, NOW) == {
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:02:00Z",
    }
    assert client_headers(given, OPENAI, OPENAI, NOW) == given
    assert client_headers(given, OPENAI, None, NOW) == {}


def test_minutes_of_mistral_are_requests() -> None:
    found = client_headers({"x-ratelimit-remaining-req-minute": "5"}, OPENAI, ANTHROPIC, NOW)
    assert found == {"anthropic-ratelimit-requests-remaining": "5"}


@pytest.mark.parametrize("value", ["a\nb", "ü", "", " 5", "5 ", "x" * 500])
def test_what_no_header_may_hold_is_left_out(value: str) -> None:
    assert client_headers({"x-ratelimit-limit-requests": value}, OPENAI, OPENAI, NOW) == {}


def test_so_many_and_no_more() -> None:
    given = {f"x-ratelimit-{number}": "1" for number in range(500)}
    assert len(client_headers(given, OPENAI, OPENAI, NOW)) == MOST_HEADERS
