from __future__ import annotations

import pytest

from dragoman.reasons import RULES, GatewayError, Reason, invalid
from dragoman.v1.errors_pb2 import Reason as ContractReason

AT_FAULT = (
    Reason.INVALID_REQUEST,
    Reason.REQUEST_TOO_LARGE,
    Reason.MISSING_API_KEY,
    Reason.INVALID_API_KEY,
    Reason.PERMISSION_DENIED,
    Reason.CONTENT_FILTERED,
    Reason.UPSTREAM_REJECTED,
    Reason.DEADLINE_EXCEEDED,
    Reason.CANCELLED,
    Reason.SHUTTING_DOWN,
    Reason.INTERNAL,
    Reason.RECORD_NOT_FOUND,
    Reason.STORAGE_UNAVAILABLE,
    Reason.OVERLOADED,
)
"""The caller's doing, or nothing that time or another target could mend."""


def test_the_reasons_are_those_of_the_contract() -> None:
    contract = {name.removeprefix("REASON_") for name in ContractReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert {reason.value for reason in Reason} == contract
    assert all(reason.name == reason.value for reason in Reason)


@pytest.mark.parametrize("reason", Reason)
def test_the_two_bits_of_every_reason(reason: Reason) -> None:
    error = GatewayError(reason, "m")
    assert (error.retries_same_target, error.tries_next_target) == RULES[reason][2:]
    assert error.tries_next_target or not error.retries_same_target
    assert (reason in AT_FAULT) == (not error.tries_next_target)


def test_an_error_is_told_in_its_own_words() -> None:
    error = GatewayError(Reason.RATE_LIMITED, "slow down")
    assert str(error) == "slow down"
    with pytest.raises(GatewayError, match="slow down"):
        raise error


def test_two_errors_are_never_the_same() -> None:
    assert GatewayError(Reason.INTERNAL, "m") != GatewayError(Reason.INTERNAL, "m")
    assert len({GatewayError(Reason.INTERNAL, "m"), GatewayError(Reason.INTERNAL, "m")}) == 2


def test_a_malformed_request_names_its_field() -> None:
    error = invalid("messages[1].content", "it is missing")
    assert (error.reason, error.field, error.message) == (Reason.INVALID_REQUEST, "messages[1].content", "it is missing")


@pytest.mark.parametrize(
    ("reason", "metadata", "status"),
    [
        (Reason.UPSTREAM_REJECTED, {"upstream_status": "422"}, 422),
        (Reason.UPSTREAM_REJECTED, {"upstream_status": "418"}, 418),
        (Reason.UPSTREAM_REJECTED, {"upstream_status": "500"}, 400),
        (Reason.UPSTREAM_REJECTED, {}, 400),
        (Reason.UPSTREAM_AUTH, {"upstream_status": "401"}, 502),
    ],
)
def test_the_status_of_a_reason(reason: Reason, metadata: dict[str, str], status: int) -> None:
    assert GatewayError(reason, "m", metadata=metadata).http_status == status


def test_a_status_of_its_own() -> None:
    assert GatewayError(Reason.REQUEST_TOO_LARGE, "m", status=431).http_status == 431
