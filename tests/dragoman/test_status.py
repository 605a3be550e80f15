"""Errors as gRPC statuses with google.rpc details, there and back."""

from __future__ import annotations

import base64
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from dragoman.reasons import RULES, GatewayError, Reason
from dragoman.status import DETAILS_TRAILER, DOMAIN, pack, unpack
from dragoman.v1 import errors_pb2
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from tests.gateway_core.rpc.serving import detail, details, status_of

MOST_HEADER_BYTES = 8 * 1024
ERRORS_PROTO = Path(errors_pb2.__file__).with_name("errors.proto")


def failed(error: GatewayError) -> grpc.aio.AioRpcError:
    """The error as its client sees it."""
    code, message, trailer = pack(error)
    return foreign(code, message, *trailer)


def foreign(code: grpc.StatusCode, message: str = "", *trailer: tuple[str, str | bytes]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailer), message)


def fields_of(error: GatewayError) -> tuple[object, ...]:
    return error.reason, error.message, error.field, dict(error.metadata), error.retry_after_s, error.trace


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_comes_back(reason: Reason) -> None:
    trace = RouteTrace(requested_model="r", attempts=[Attempt(provider="p", model="m", reason=reason, message="no")])
    error = GatewayError(
        reason, "What happened.", "messages[1].content", {"provider": "p", "upstream_status": "418"}, 2.5, trace
    )
    assert fields_of(unpack(failed(error))) == fields_of(error)


@pytest.mark.parametrize("reason", Reason)
def test_an_error_that_says_little_comes_back(reason: Reason) -> None:
    error = GatewayError(reason, "")
    assert fields_of(unpack(failed(error))) == fields_of(error)
    assert [kind.type_url.rpartition("/")[2] for kind in status_of(failed(error)).details] == ["google.rpc.ErrorInfo"]


def test_every_reason_has_the_code_that_the_contract_states() -> None:
    stated = re.findall(r"// ([^/]*?)\s*REASON_(\w+) = [1-9]", ERRORS_PROTO.read_text())
    codes = {name: next(code for code in grpc.StatusCode if re.search(rf"\b{code.name}\b", text)) for text, name in stated}
    assert codes == {reason.value: grpc.StatusCode[rule.grpc_code] for reason, rule in RULES.items()}
    assert set(RULES) == set(Reason)


def test_the_details_are_those_of_the_contract() -> None:
    error = failed(GatewayError(Reason.RATE_LIMITED, "Slow down.", "model", {"provider": "p"}, 1.25, RouteTrace()))
    status = status_of(error)
    assert (status.code, status.message) == (grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "Slow down.")
    info = detail(error, ErrorInfo)
    assert (info.domain, info.reason) == (DOMAIN, "RATE_LIMITED") == ("dragoman.v1", "RATE_LIMITED")
    assert dict(info.metadata) == {"field": "model", "provider": "p"}
    (violation,) = detail(error, BadRequest).field_violations
    assert (violation.field, violation.description) == ("model", "Slow down.")
    assert detail(error, RetryInfo).retry_delay.ToMilliseconds() == 1250
    assert len(details(error, RouteTrace)) == 1


@pytest.mark.parametrize(
    ("given_s", "told_s"),
    [(0.0, 0.0), (0.001, 0.001), (-3.0, 0.0), (math.inf, 365 * 24 * 3600.0), (1e300, 365 * 24 * 3600.0), (math.nan, None)],
)
def test_any_wait_can_be_told(given_s: float, told_s: float | None) -> None:
    assert unpack(failed(GatewayError(Reason.RATE_LIMITED, "m", retry_after_s=given_s))).retry_after_s == told_s


HUGE = GatewayError(
    Reason.UPSTREAM_UNAVAILABLE,
    "\u00fc\u4e2d\n" * 5000,
    "f" * 5000,
    {f"upstream_{number}": "\u4e2d" * 3000 for number in range(50)},
    1e9,
    RouteTrace(
        requested_model="fast",
        attempts=[Attempt(provider="p" * 40, model="m" * 100, reason="R", message="\u00fc" * 900) for _ in range(100)],
    ),
)


def test_a_status_stays_below_the_limit_of_headers() -> None:
    error = failed(HUGE)
    assert header_bytes(HUGE) < MOST_HEADER_BYTES
    found = unpack(error)
    assert found.reason is HUGE.reason
    assert HUGE.message.startswith(found.message)
    assert len(found.message) > 300
    assert found.field == "f" * 200
    assert found.metadata
    assert found.trace is not None
    assert found.trace.requested_model == "fast"
    assert 0 < len(found.trace.attempts) < 100


def test_the_last_attempts_are_the_ones_that_are_told() -> None:
    attempts = [Attempt(provider=f"p{number}", model="m" * 200, message="x" * 100) for number in range(60)]
    found = unpack(failed(GatewayError(Reason.INTERNAL, "m", trace=RouteTrace(attempts=attempts))))
    assert found.trace is not None
    told = [attempt.provider for attempt in found.trace.attempts]
    assert told == [f"p{number}" for number in range(60 - len(told), 60)]


def test_a_trace_that_cannot_be_made_small_is_left_out() -> None:
    error = GatewayError(Reason.INTERNAL, "m", trace=RouteTrace(requested_model="m" * 9000))
    assert unpack(failed(error)).trace is None


def test_packing_leaves_the_error_as_it_was() -> None:
    trace = RouteTrace(attempts=[Attempt(message="x" * 900) for _ in range(60)])
    before = RouteTrace.FromString(trace.SerializeToString())
    pack(GatewayError(Reason.INTERNAL, "m", trace=trace))
    assert trace == before


def header_bytes(error: GatewayError) -> int:
    """As gRPC writes them: the message percent-encoded, the details in base64."""
    _, message, ((name, packed),) = pack(error)
    assert isinstance(packed, bytes)
    return len("grpc-message" + quote(message)) + len(name) + len(base64.b64encode(packed)) + len("grpc-status16")


texts = st.text(st.characters(codec=None), max_size=3000)


@given(
    st.sampled_from(Reason),
    texts,
    texts,
    st.dictionaries(st.sampled_from(["provider", "model", "upstream_message"]), texts),
    st.none() | st.floats(),
)
def test_anything_can_be_packed(
    reason: Reason, message: str, field: str, metadata: dict[str, str], retry_after_s: float | None
) -> None:
    error = GatewayError(reason, message, field, metadata, retry_after_s)
    assert header_bytes(error) < MOST_HEADER_BYTES
    assert unpack(failed(error)).reason is reason


def test_addresses_of_the_operators_network_are_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = unpack(foreign(grpc.StatusCode.UNAVAILABLE, "failed to connect to ipv4:10.0.0.7:50051"))
    assert found.message == "the core is not reachable"
    assert "10.0.0.7" in caplog.text


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a_status_without_details_is_judged_by_its_code(code: grpc.StatusCode) -> None:
    found = unpack(foreign(code, "the proxy says no"))
    assert found.message.endswith("the proxy says no") is (code is not grpc.StatusCode.UNAVAILABLE)
    wait = 1.0 if code is grpc.StatusCode.UNAVAILABLE else None
    assert (found.field, found.metadata, found.retry_after_s, found.trace) == ("", {}, wait, None)
    same = (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
    )
    assert (RULES[found.reason].grpc_code == code.name) == (code in same)


def test_a_message_over_the_limit_is_told_from_a_rate_limit() -> None:
    # The words are those of gRPC's core.
    large = foreign(grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER: Received message larger than max (60 vs. 50)")
    assert unpack(large).reason is Reason.REQUEST_TOO_LARGE
    crowded = foreign(grpc.StatusCode.RESOURCE_EXHAUSTED, "received metadata size exceeds hard limit (18691 vs. 16384)")
    assert unpack(crowded).reason is Reason.REQUEST_TOO_LARGE
    assert unpack(foreign(grpc.StatusCode.RESOURCE_EXHAUSTED)).reason is Reason.RATE_LIMITED


def packed(*details_of_status: Any) -> tuple[str, bytes]:
    status = Status(code=5, message="m")
    for one in details_of_status:
        status.details.add().Pack(one)
    return DETAILS_TRAILER, status.SerializeToString()


FOREIGN_TRAILERS: dict[str, tuple[tuple[str, str | bytes], ...]] = {
    "none": (),
    "empty": ((DETAILS_TRAILER, b""),),
    "text": ((DETAILS_TRAILER, "text"),),
    "garbage": ((DETAILS_TRAILER, b"\xff\xff\xff"),),
    "garbage within": ((DETAILS_TRAILER, Status(details=[Packed(type_url="x", value=b"\xff")]).SerializeToString()),),
    "another domain": (packed(ErrorInfo(reason="RATE_LIMITED", domain="googleapis.com")),),
    "a reason of tomorrow": (packed(ErrorInfo(reason="MOON_IN_THE_WAY", domain=DOMAIN)),),
    "no ErrorInfo": (packed(RetryInfo(), QuotaFailure()),),
}


@pytest.mark.parametrize("trailer", FOREIGN_TRAILERS.values(), ids=FOREIGN_TRAILERS.keys())
def test_trailers_that_are_not_ours(trailer: tuple[tuple[str, str | bytes], ...]) -> None:
    found = unpack(foreign(grpc.StatusCode.NOT_FOUND, "nothing here", *trailer))
    assert found.reason is Reason.MODEL_NOT_FOUND
    assert found.message == "not found: nothing here"


def test_a_broken_detail_of_ours_is_no_crash() -> None:
    broken = Packed(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    trailer = (DETAILS_TRAILER, Status(details=[broken]).SerializeToString())
    assert unpack(foreign(grpc.StatusCode.UNAVAILABLE, "", trailer)).reason is Reason.UPSTREAM_UNAVAILABLE


def test_details_of_others_beside_ours_are_passed_over() -> None:
    trailer = packed(
        QuotaFailure(), ErrorInfo(reason="INTERNAL", domain="x"), ErrorInfo(reason="RATE_LIMITED", domain=DOMAIN)
    )
    assert unpack(foreign(grpc.StatusCode.RESOURCE_EXHAUSTED, "", ("a", "b"), trailer)).reason is Reason.RATE_LIMITED
