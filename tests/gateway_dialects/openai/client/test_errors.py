"""What each vendor's refusals mean, and when it may be asked again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import LONGEST_MESSAGE
from gateway_dialects.openai.decode_errors import decode_error, error_in_body
from tests.recordings import read_all, recordings_absent

RECORDED = {
    "azure/error_401": Reason.UPSTREAM_AUTH,
    "azure/error_404": Reason.MODEL_NOT_FOUND,
    "azure/error_429": Reason.RATE_LIMITED,
    "azure/refusal_or_safety": Reason.CONTENT_FILTERED,
    "deepseek/error_401": Reason.UPSTREAM_AUTH,
    "deepseek/synthetic_error_402": Reason.QUOTA_EXHAUSTED,
    "groq/error_400": Reason.UPSTREAM_REJECTED,
    "groq/error_404": Reason.MODEL_NOT_FOUND,
    "groq/synthetic_error_429": Reason.RATE_LIMITED,
    "mistral/error_401": Reason.UPSTREAM_AUTH,
    "mistral/synthetic_error_422": Reason.UPSTREAM_REJECTED,
    "mistral/synthetic_error_429": Reason.RATE_LIMITED,
    "moonshot/synthetic_error_401": Reason.UPSTREAM_AUTH,
    "ollama-openai/error_400": Reason.CONTEXT_LENGTH_EXCEEDED,
    "ollama-openai/error_401": Reason.UPSTREAM_AUTH,
    "openai-chat/envoy_chat_bad_request": Reason.UPSTREAM_REJECTED,
    "openai-chat/envoy_chat_no_messages": Reason.UPSTREAM_REJECTED,
    "openai-chat/envoy_chat_unknown_model": Reason.MODEL_NOT_FOUND,
    "openai-chat/error_400": Reason.UPSTREAM_REJECTED,
    "openai-chat/error_401": Reason.UPSTREAM_AUTH,
    "openai-chat/error_404": Reason.MODEL_NOT_FOUND,
    "openai-chat/synthetic_error_429_quota": Reason.QUOTA_EXHAUSTED,
    "openai-chat/synthetic_error_429_rate": Reason.RATE_LIMITED,
    "openai-chat/synthetic_error_500": Reason.UPSTREAM_UNAVAILABLE,
    "openrouter/error_400": Reason.CONTEXT_LENGTH_EXCEEDED,
    "openrouter/error_401": Reason.UPSTREAM_AUTH,
    "openrouter/error_429": Reason.RATE_LIMITED,
    "perplexity/error_400": Reason.CONTEXT_LENGTH_EXCEEDED,
    "perplexity/error_401": Reason.UPSTREAM_AUTH,
}
OTHER_DIALECTS = {
    "cohere/error_400": Reason.CONTEXT_LENGTH_EXCEEDED,
    "cohere/synthetic_error_429": Reason.RATE_LIMITED,
    "google/error_400": Reason.UPSTREAM_AUTH,
    "google/error_404": Reason.MODEL_NOT_FOUND,
    "google/error_429": Reason.RATE_LIMITED,
    "ollama/error_404": Reason.MODEL_NOT_FOUND,
    "xai/error_400": Reason.UPSTREAM_AUTH,
}
"""Vendors that have a row here but were recorded in another dialect: their errors look the same in both."""


def recorded(name: str) -> GatewayError:
    for exchange in read_all():
        if exchange.name == name:
            body = b"" if exchange.body is None else json.dumps(exchange.body).encode()
            return decode_error(exchange.response["status"], exchange.response.get("headers") or {}, body)
    pytest.skip(recordings_absent() or f"no recording {name}")


def failure(
    status: int, error: object = None, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> GatewayError:
    return decode_error(status, headers or {}, json.dumps({"error": error}).encode() if body is None else body)


@pytest.mark.parametrize(("name", "reason"), (RECORDED | OTHER_DIALECTS).items())
def test_recorded_refusals(name: str, reason: Reason) -> None:
    found = recorded(name)
    assert found.reason is reason
    assert found.message


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
def test_no_recorded_refusal_is_left_out() -> None:
    refused = {e.name for e in read_all() if "chat/completions" in e.request["path"] and e.response["status"] != 200}
    assert refused == set(RECORDED)


def test_what_a_recorded_refusal_tells() -> None:
    found = recorded("openai-chat/envoy_chat_bad_request")
    assert found.field == "max_tokens"
    assert dict(found.metadata) == {
        "upstream_status": "400",
        "upstream_message": found.message,
        "upstream_code": "unsupported_parameter",
        "upstream_type": "invalid_request_error",
        "upstream_request_id": "req_13d9b359dc234adc87be3833cacab1c6",
    }


def test_mistral_names_the_field_by_a_list() -> None:
    detail = [{"type": "missing", "loc": ["body", "messages", 1, "content"], "msg": "Field required"}]
    found = decode_error(422, {}, json.dumps({"detail": detail}).encode())
    assert (found.field, found.message) == ("messages[1].content", "Field required")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (204, Reason.UPSTREAM_INVALID_RESPONSE),
        (302, Reason.UPSTREAM_INVALID_RESPONSE),
        (400, Reason.UPSTREAM_REJECTED),
        (401, Reason.UPSTREAM_AUTH),
        (402, Reason.QUOTA_EXHAUSTED),
        (403, Reason.UPSTREAM_AUTH),
        (404, Reason.MODEL_NOT_FOUND),
        (405, Reason.UPSTREAM_REJECTED),
        (408, Reason.UPSTREAM_TIMEOUT),
        (409, Reason.UPSTREAM_UNAVAILABLE),
        (413, Reason.REQUEST_TOO_LARGE),
        (422, Reason.UPSTREAM_REJECTED),
        (425, Reason.UPSTREAM_UNAVAILABLE),
        (429, Reason.RATE_LIMITED),
        (500, Reason.UPSTREAM_UNAVAILABLE),
        (502, Reason.UPSTREAM_UNAVAILABLE),
        (503, Reason.UPSTREAM_OVERLOADED),
        (504, Reason.UPSTREAM_TIMEOUT),
        (524, Reason.UPSTREAM_TIMEOUT),
        (529, Reason.UPSTREAM_OVERLOADED),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>gone</html>", b'{"error":{"message":"no"}}', b'{"message":"no"}', b"[]", b"\xff"]
)
def test_the_status_decides_where_no_word_does(status: int, reason: Reason, body: bytes) -> None:
    found = decode_error(status, {"content-type": "text/html; charset=utf-8"}, body)
    assert found.reason is reason
    assert found.metadata["upstream_status"] == str(status)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (429, {"message": "m", "type": "insufficient_quota"}, Reason.QUOTA_EXHAUSTED),
        (400, {"message": "m", "code": "context_length_exceeded"}, Reason.CONTEXT_LENGTH_EXCEEDED),
        (400, {"message": "This model's maximum context length is 8 tokens."}, Reason.CONTEXT_LENGTH_EXCEEDED),
        (413, {"message": "Prompt is too long"}, Reason.CONTEXT_LENGTH_EXCEEDED),
        (500, {"message": "the context window"}, Reason.UPSTREAM_UNAVAILABLE),
        (400, {"message": "API key not valid. Please pass a valid API key.", "code": 400}, Reason.UPSTREAM_AUTH),
        (400, {"message": "m", "code": "content_filter"}, Reason.CONTENT_FILTERED),
        (200, {"message": "m", "type": "server_error"}, Reason.UPSTREAM_UNAVAILABLE),
        (503, {"message": "m", "type": "server_error"}, Reason.UPSTREAM_OVERLOADED),
        (504, {"message": "m", "type": "server_error"}, Reason.UPSTREAM_TIMEOUT),
        (500, {"message": "m", "type": "overloaded_error"}, Reason.UPSTREAM_OVERLOADED),
        (400, "plain words", Reason.UPSTREAM_REJECTED),
        (400, {}, Reason.UPSTREAM_REJECTED),
    ],
)
def test_words_that_decide(status: int, error: object, reason: Reason) -> None:
    assert failure(status, error).reason is reason


def test_google_wraps_its_errors_in_a_list() -> None:
    body = json.dumps([{"error": {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}}]).encode()
    found = decode_error(404, {}, body)
    assert (found.reason, found.message) == (Reason.MODEL_NOT_FOUND, "models/x is not found")


def test_a_page_in_place_of_json_is_quoted_but_not_whole() -> None:
    found = decode_error(502, {"content-type": "text/html"}, b"<html>" + b"x" * 5000)
    assert found.message.startswith("status 502 with text/html: <html>xxx")
    assert len(found.message) < 300
    assert decode_error(502, {}, b"").message == "status 502 with no content type and an empty body"


def test_a_long_message_is_cut() -> None:
    assert len(failure(400, {"message": "x" * 10_000}).message) == LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "2", "retry-after-ms": "120"}, 0.12),
        ({"retry-after": "1", "retry-after-ms": "0"}, 1.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 -0000", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "soon", "date": "today"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_when_to_ask_again(headers: dict[str, str], seconds: float | None) -> None:
    assert failure(429, {"message": "m"}, headers).retry_after_s == seconds
    assert failure(503, body=b"", headers=headers).retry_after_s == seconds


def test_google_says_when_to_ask_again_in_the_body() -> None:
    error = {"message": "m", "details": ["x", {"@type": "QuotaFailure"}, {"@type": "RetryInfo", "retryDelay": "36.5s"}]}
    assert failure(429, error).retry_after_s == 36.5
    assert failure(429, error, {"retry-after": "2"}).retry_after_s == 2.0
    assert recorded("google/error_429").retry_after_s is not None


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id", "mistral-correlation-id", "cf-ray"])
def test_the_providers_own_request_id_is_kept(name: str) -> None:
    assert failure(500, {"message": "m"}, {name: "abc"}).metadata["upstream_request_id"] == "abc"


@pytest.mark.parametrize(
    ("error", "reason", "status"),
    [
        ({"message": "m", "code": 429}, Reason.RATE_LIMITED, "429"),
        ({"message": "m", "code": 502}, Reason.UPSTREAM_UNAVAILABLE, "502"),
        ({"message": "m", "code": "server_error"}, Reason.UPSTREAM_UNAVAILABLE, "500"),
        ({"message": "m", "code": 7}, Reason.UPSTREAM_UNAVAILABLE, "500"),
        ({"message": "m", "type": "insufficient_quota"}, Reason.QUOTA_EXHAUSTED, "500"),
        ({"message": "m", "code": "tool_use_failed", "type": "invalid_request_error"}, Reason.UPSTREAM_REJECTED, "400"),
        ({"message": "m", "code": "tool_use_failed", "status_code": 400}, Reason.UPSTREAM_REJECTED, "400"),
        ("m", Reason.UPSTREAM_UNAVAILABLE, "500"),
    ],
)
def test_an_error_inside_an_answer(error: Any, reason: Reason, status: str) -> None:
    found = error_in_body(error)
    assert (found.reason, found.message, found.metadata["upstream_status"]) == (reason, "m", status)
