"""Google's errors in the contract's vocabulary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.gemini import CLIENT as GEMINI

TYPE = "type.googleapis.com/google.rpc."


def failure(status: int, error: Any, headers: dict[str, str] | None = None) -> GatewayError:
    return GEMINI.chat.decode_error(status, headers or {}, json.dumps(error).encode())


def error(code: int, message: str = "m", word: str = "", *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": word, "details": list(details)}}


def info(reason: str) -> dict[str, Any]:
    return {"@type": f"{TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, error(400, "bad"), Reason.UPSTREAM_REJECTED),
        (400, error(400, "API key not valid.", "INVALID_ARGUMENT", info("API_KEY_INVALID")), Reason.UPSTREAM_AUTH),
        (400, error(400, "API key expired. Please renew the API key."), Reason.UPSTREAM_AUTH),
        (400, error(400, "The input exceeds the maximum number of tokens allowed."), Reason.CONTEXT_LENGTH_EXCEEDED),
        (400, error(400, "Request payload size exceeds the limit: 20971520 bytes."), Reason.REQUEST_TOO_LARGE),
        (400, error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"), Reason.UPSTREAM_AUTH),
        (401, error(401), Reason.UPSTREAM_AUTH),
        (403, error(403, "denied", "PERMISSION_DENIED"), Reason.UPSTREAM_AUTH),
        (404, error(404, "models/x is not found", "NOT_FOUND"), Reason.MODEL_NOT_FOUND),
        (413, error(413), Reason.REQUEST_TOO_LARGE),
        (429, error(429), Reason.RATE_LIMITED),
        (429, error(429, "Your prepayment credits are depleted."), Reason.QUOTA_EXHAUSTED),
        (500, error(500), Reason.UPSTREAM_UNAVAILABLE),
        (503, error(503), Reason.UPSTREAM_OVERLOADED),
        (504, error(504), Reason.UPSTREAM_TIMEOUT),
        (502, {"unheard": "of"}, Reason.UPSTREAM_UNAVAILABLE),
        (429, [error(429)], Reason.RATE_LIMITED),
        (400, {"error": "text"}, Reason.UPSTREAM_REJECTED),
    ],
)  # fmt: skip
def test_reasons(status: int, body: Any, reason: Reason) -> None:
    assert failure(status, body).reason is reason


@pytest.mark.parametrize(
    ("quota", "reason"),
    [
        ({"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "10"}, Reason.RATE_LIMITED),
        ({"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}, Reason.QUOTA_EXHAUSTED),
        ({"quotaId": "GenerateRequestsPerMinute", "quotaValue": "0"}, Reason.QUOTA_EXHAUSTED),
    ],
)
def test_a_quota_for_the_day_is_not_worth_waiting_for(quota: dict[str, Any], reason: Reason) -> None:
    violations = {"@type": f"{TYPE}QuotaFailure", "violations": [quota]}
    assert failure(429, error(429, "m", "RESOURCE_EXHAUSTED", violations)).reason is reason


@pytest.mark.parametrize(
    ("delay", "seconds"), [("48s", 48), ("0.5s", 0.5), ("soon", None), (7, None), ("-1s", None), ("nans", None)]
)
def test_how_long_to_wait_stands_in_the_details(delay: Any, seconds: float | None) -> None:
    retry = {"@type": f"{TYPE}RetryInfo", "retryDelay": delay}
    assert failure(429, error(429, "m", "RESOURCE_EXHAUSTED", retry)).retry_after_s == seconds


def test_or_in_the_header() -> None:
    assert failure(503, error(503), {"retry-after": "3"}).retry_after_s == 3


def test_words_are_kept_and_the_key_is_not() -> None:
    leak = {"@type": f"{TYPE}DebugInfo", "detail": "key=AIzaSECRET"}
    found = failure(
        403, error(403, "denied", "PERMISSION_DENIED", info("IAM_PERMISSION_DENIED"), leak), {"x-goog-request-id": "q"}
    )
    assert found.message == "denied"
    assert found.metadata == {
        "upstream_status": "403",
        "upstream_message": "denied",
        "upstream_code": "IAM_PERMISSION_DENIED",
        "upstream_type": "PERMISSION_DENIED",
        "upstream_request_id": "q",
    }


def test_the_field_at_fault_is_named() -> None:
    violation = {"@type": f"{TYPE}BadRequest", "fieldViolations": [{"field": "contents[0].parts", "description": "d"}]}
    assert failure(400, error(400, "m", "INVALID_ARGUMENT", violation)).field == "contents[0].parts"


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b"\xff"])
def test_a_proxy_s_page(body: bytes) -> None:
    found = GEMINI.chat.decode_error(502, {"content-type": "text/html"}, body)
    assert found.reason is Reason.UPSTREAM_UNAVAILABLE
    assert found.message.startswith("status 502 with text/html")
