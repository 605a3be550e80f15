import json
from typing import Any

import pytest

from dragoman.reasons import Reason
from gateway_dialects.cohere import CLIENT as COHERE
from tests.recordings import exchanges, recordings_absent

RECORDED = {
    "cohere/error_400": Reason.CONTEXT_LENGTH_EXCEEDED,
    "cohere/error_401": Reason.UPSTREAM_AUTH,
    "cohere/error_404": Reason.MODEL_NOT_FOUND,
    "cohere/synthetic_error_429": Reason.RATE_LIMITED,
}


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded_errors(name: str) -> None:
    found = next(exchange for exchange in exchanges("/v2/") if exchange.name == name)
    headers = {key.lower(): value for key, value in found.response["headers"].items()}
    failure = COHERE.chat.decode_error(found.response["status"], headers, json.dumps(found.body).encode())

    assert failure.reason is RECORDED[name]
    assert failure.message == failure.metadata["upstream_message"] == found.body["message"]
    assert failure.metadata["upstream_request_id"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"message": "invalid request: tools must be a list"}, Reason.UPSTREAM_REJECTED),
        (
            400,
            {"message": "too many tokens: total number of tokens in the prompt cannot exceed"},
            Reason.CONTEXT_LENGTH_EXCEEDED,
        ),
        (400, {"message": "too many tokens: max tokens must be less than or equal to 4096"}, Reason.UPSTREAM_REJECTED),
        (401, {"message": "invalid api token"}, Reason.UPSTREAM_AUTH),
        (402, {"message": "Please add or update your payment method"}, Reason.QUOTA_EXHAUSTED),
        (403, {"message": "no access"}, Reason.UPSTREAM_AUTH),
        (404, {"message": "model 'x' not found"}, Reason.MODEL_NOT_FOUND),
        (413, {"message": "too large"}, Reason.REQUEST_TOO_LARGE),
        (422, {"message": "bad", "error_type": "INVALID_TOOL_GENERATION"}, Reason.UPSTREAM_INVALID_RESPONSE),
        (422, {"message": "cannot process"}, Reason.UPSTREAM_REJECTED),
        (429, {"message": "limited to 40 API calls / minute"}, Reason.RATE_LIMITED),
        (429, {"message": "Trial key, which is limited to 1000 API calls / month"}, Reason.QUOTA_EXHAUSTED),
        (498, {"message": "blocked input"}, Reason.CONTENT_FILTERED),
        (499, {"message": "request cancelled"}, Reason.UPSTREAM_UNAVAILABLE),
        (500, {"message": "internal server error"}, Reason.UPSTREAM_UNAVAILABLE),
        (501, {"message": "not implemented"}, Reason.UPSTREAM_UNAVAILABLE),
        (503, {"data": "down"}, Reason.UPSTREAM_OVERLOADED),
        (504, {"detail": "slow"}, Reason.UPSTREAM_TIMEOUT),
        (500, {"error": "odd"}, Reason.UPSTREAM_UNAVAILABLE),
        (429, {"error": {"message": "calm down"}}, Reason.RATE_LIMITED),
        (404, ["x"], Reason.MODEL_NOT_FOUND),
        (302, {"message": "moved"}, Reason.UPSTREAM_INVALID_RESPONSE),
    ],
)
def test_reasons(status: int, body: Any, reason: Reason) -> None:
    failure = COHERE.chat.decode_error(status, {}, json.dumps(body).encode())

    assert failure.reason is reason
    assert failure.metadata["upstream_status"] == str(status)


def test_the_request_id_and_the_time_to_wait() -> None:
    body = b'{"message":"slow down","id":"in-body"}'

    assert COHERE.chat.decode_error(429, {}, body).metadata["upstream_request_id"] == "in-body"
    failure = COHERE.chat.decode_error(429, {"x-debug-trace-id": "in-header", "retry-after": "7"}, body)
    assert (failure.metadata["upstream_request_id"], failure.retry_after_s) == ("in-header", 7.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon", "date": "now"}, None),
        ({}, None),
    ],
)
def test_when_to_try_again(headers: dict[str, str], seconds: float | None) -> None:
    assert COHERE.chat.decode_error(429, headers, b"").retry_after_s == seconds


def test_a_page_of_a_proxy() -> None:
    failure = COHERE.chat.decode_error(502, {"content-type": "text/html; charset=utf-8"}, b"<h1>Bad gateway</h1>")

    assert failure.reason is Reason.UPSTREAM_UNAVAILABLE
    assert failure.message == "status 502 with text/html: <h1>Bad gateway</h1>"
