"""Why Anthropic refused or failed, in the contract's vocabulary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.anthropic import CLIENT
from gateway_dialects.anthropic.decode_errors import decode_error
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.anthropic.client.answering import Json, read, start, text


def body_of(kind: str, message: str = "Why.", **fields: Any) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message, **fields}}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "invalid_request_error", Reason.UPSTREAM_REJECTED),
        (401, "authentication_error", Reason.UPSTREAM_AUTH),
        (402, "billing_error", Reason.QUOTA_EXHAUSTED),
        (403, "permission_error", Reason.UPSTREAM_AUTH),
        (404, "not_found_error", Reason.UPSTREAM_REJECTED),
        (408, "timeout_error", Reason.UPSTREAM_TIMEOUT),
        (409, "conflict_error", Reason.UPSTREAM_UNAVAILABLE),
        (413, "request_too_large", Reason.REQUEST_TOO_LARGE),
        (422, "of_the_future_error", Reason.UPSTREAM_REJECTED),
        (429, "rate_limit_error", Reason.RATE_LIMITED),
        (500, "api_error", Reason.UPSTREAM_UNAVAILABLE),
        (503, "of_the_future_error", Reason.UPSTREAM_OVERLOADED),
        (504, "timeout_error", Reason.UPSTREAM_TIMEOUT),
        (529, "overloaded_error", Reason.UPSTREAM_OVERLOADED),
    ],
)
def test_every_type_of_error(status: int, kind: str, reason: Reason) -> None:
    failure = decode_error(status, {}, body_of(kind))
    assert (failure.reason, failure.message) == (reason, "Why.")
    assert failure.metadata == {"upstream_status": str(status), "upstream_message": "Why.", "upstream_type": kind}


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 413, 425, 429, 500, 502, 503, 504, 524, 529])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{}", b"[1]", b'"x"', b"\xff"])
def test_a_status_without_an_error_object(status: int, body: bytes) -> None:
    failure = decode_error(status, {"content-type": "text/html; charset=utf-8"}, body)
    expected = {
        401: Reason.UPSTREAM_AUTH,
        402: Reason.QUOTA_EXHAUSTED,
        403: Reason.UPSTREAM_AUTH,
        404: Reason.MODEL_NOT_FOUND,
        408: Reason.UPSTREAM_TIMEOUT,
        413: Reason.REQUEST_TOO_LARGE,
        429: Reason.RATE_LIMITED,
        503: Reason.UPSTREAM_OVERLOADED,
        504: Reason.UPSTREAM_TIMEOUT,
        524: Reason.UPSTREAM_TIMEOUT,
        529: Reason.UPSTREAM_OVERLOADED,
    }
    assert failure.reason is expected.get(status, Reason.UPSTREAM_UNAVAILABLE)
    assert str(status) in failure.message


def test_a_redirect_is_no_answer() -> None:
    assert decode_error(302, {}, b"").reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (400, "prompt is too long: 210000 tokens > 200000 maximum", Reason.CONTEXT_LENGTH_EXCEEDED),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", Reason.CONTEXT_LENGTH_EXCEEDED),
        (400, "Your credit balance is too low to access the Claude API.", Reason.QUOTA_EXHAUSTED),
        (400, "You have reached your specified API usage limits.", Reason.QUOTA_EXHAUSTED),
        (400, "Output blocked by content filtering policy", Reason.CONTENT_FILTERED),
        (400, "max_tokens: 5000000 > 64000", Reason.UPSTREAM_REJECTED),
        (413, "Prompt is too long", Reason.CONTEXT_LENGTH_EXCEEDED),
    ],
)
def test_what_a_refusals_message_means(status: int, message: str, reason: Reason) -> None:
    assert decode_error(status, {}, body_of("invalid_request_error", message)).reason is reason


def test_a_model_and_a_file_that_are_not_there() -> None:
    assert decode_error(404, {}, body_of("not_found_error", "model: claude-x")).reason is Reason.MODEL_NOT_FOUND
    assert decode_error(404, {}, body_of("not_found_error", "File not found")).reason is Reason.UPSTREAM_REJECTED


def test_a_stable_code_is_kept_and_means_a_limit_that_does_not_pass() -> None:
    details = {"error_code": "contract_spend_limit_reached"}
    failure = decode_error(429, {"retry-after": "5"}, body_of("rate_limit_error", details=details))
    assert (failure.reason, failure.metadata["upstream_code"]) == (Reason.QUOTA_EXHAUSTED, "contract_spend_limit_reached")
    failure = decode_error(400, {}, body_of("invalid_request_error", details={"error_code": "tool_name_conflict"}))
    assert (failure.reason, failure.metadata["upstream_code"]) == (Reason.UPSTREAM_REJECTED, "tool_name_conflict")


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"request-id": "req_h"}, {"request_id": "req_b"}, "req_h"),
        ({"x-request-id": "req_x"}, {}, "req_x"),
        ({"cf-ray": "ray"}, {"request_id": ""}, "ray"),
        ({}, {"request_id": "req_b"}, "req_b"),
        ({}, {"request_id": 5}, None),
        ({"request-id": ""}, {}, None),
    ],
)
def test_the_providers_request_id_is_kept(headers: dict[str, str], body: Json, request_id: str | None) -> None:
    content = json.dumps({"type": "error", "error": {"type": "api_error", "message": "x"}, **body}).encode()
    assert decode_error(500, headers, content).metadata.get("upstream_request_id") == request_id


DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:00 GMT", "date": DATE}, 60),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:00 GMT"}, None),
        ({"retry-after": "soon", "date": DATE}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_when_to_try_again(headers: dict[str, str], seconds: float | None) -> None:
    assert decode_error(429, headers, body_of("rate_limit_error")).retry_after_s == seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "just words"}, "just words"),
        ({"message": "just words"}, "just words"),
        ({"detail": "just words"}, "just words"),
        ({"error": {"message": None}}, "status 500"),
        ({"error": {"message": {"a": 1}}}, "status 500"),
        ({"error": {"message": "x" * 9000}}, "x" * 2000),
        ({"error": {"message": "x", "type": 5, "details": [5]}}, "x"),
    ],
)
def test_errors_of_proxies_and_compatible_vendors(body: Json, message: str) -> None:
    failure = decode_error(500, {}, json.dumps(body).encode())
    assert (failure.reason, failure.message) == (Reason.UPSTREAM_UNAVAILABLE, message)


@pytest.mark.parametrize(
    ("kind", "reason", "status"),
    [
        ("overloaded_error", Reason.UPSTREAM_OVERLOADED, "529"),
        ("api_error", Reason.UPSTREAM_UNAVAILABLE, "500"),
        ("rate_limit_error", Reason.RATE_LIMITED, "429"),
        ("timeout_error", Reason.UPSTREAM_TIMEOUT, "504"),
        ("invalid_request_error", Reason.UPSTREAM_REJECTED, "400"),
        ("of_the_future_error", Reason.UPSTREAM_UNAVAILABLE, "500"),
    ],
)
@pytest.mark.parametrize("before", [[], [start()], [start(), *text(0, "Hel")[:-1]]])
def test_an_error_inside_a_stream_whose_status_was_200(kind: str, reason: Reason, status: str, before: list[Json]) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "Why."}, "request_id": "req_1"}
    with pytest.raises(GatewayError) as caught:
        read([*before, error])
    assert (caught.value.reason, caught.value.message) == (reason, "Why.")
    assert caught.value.metadata["upstream_status"] == status
    assert caught.value.metadata["upstream_request_id"] == "req_1"


@pytest.mark.parametrize("data", [b'{"type":"error"}', b'{"error":{"message":"x"}}', b'{"type":"error","error":5}'])
def test_an_error_event_that_says_little(data: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        CLIENT.stream.decoder().feed(ServerSentEvent(data, "error"), StreamResponse())
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
    assert caught.value.message
