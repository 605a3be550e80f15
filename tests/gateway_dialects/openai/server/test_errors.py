"""OpenAI's error envelope."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.kit.fields import missing, wrong_type
from gateway_dialects.openai.render_response import render_error, render_error_event


def test_a_clients_mistake() -> None:
    failure = invalid("messages[1].content", "It is 'ü'.")
    assert json.loads(render_error(failure)) == {
        "error": {
            "message": "It is 'ü'.",
            "type": "invalid_request_error",
            "param": "messages[1].content",
            "code": "invalid_value",
        }
    }


@pytest.mark.parametrize(
    ("failure", "message", "code"),
    [
        (missing("n"), "Missing required parameter: 'n'.", "missing_required_parameter"),
        (missing("n", "Give it."), "Missing required parameter: 'n'. Give it.", "missing_required_parameter"),
        (wrong_type("n", "integer", None), "Invalid type for 'n': expected an integer, but got null.", "invalid_type"),
        (wrong_type("n", "string", 0.5), "Invalid type for 'n': expected a string, but got a number.", "invalid_type"),
    ],
)
def test_mistakes_that_many_fields_share(failure: GatewayError, message: str, code: str) -> None:
    assert (failure.message, failure.code, failure.field, failure.http_status) == (message, code, "n", 400)


def test_no_param_is_null() -> None:
    assert json.loads(render_error(GatewayError(Reason.MISSING_API_KEY, "A key is needed.")))["error"] == {
        "message": "A key is needed.",
        "type": "invalid_request_error",
        "param": None,
        "code": "missing_api_key",
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "invalid_request_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (405, "invalid_request_error"),
        (413, "invalid_request_error"),
        (418, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (431, "invalid_request_error"),
        (499, "cancelled"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_the_type_by_status(status: int, kind: str) -> None:
    assert json.loads(render_error(GatewayError(Reason.INTERNAL, "m", status=status)))["error"]["type"] == kind


REFUSAL = {"provider": "openai", "upstream_status": "400", "upstream_code": "bad_voice", "upstream_type": "voice_error"}


def test_a_providers_refusal_keeps_its_words() -> None:
    error = json.loads(render_error(GatewayError(Reason.UPSTREAM_REJECTED, "No.", metadata=REFUSAL)))["error"]
    assert (error["code"], error["type"], error["metadata"]) == ("bad_voice", "voice_error", REFUSAL)


def test_a_providers_failure_is_told_in_ours() -> None:
    error = json.loads(render_error(GatewayError(Reason.UPSTREAM_AUTH, "No.", metadata=REFUSAL)))["error"]
    assert (error["code"], error["type"]) == ("upstream_auth", "server_error")


def test_a_number_is_no_code() -> None:
    failure = GatewayError(Reason.RATE_LIMITED, "Slow down.", metadata={**REFUSAL, "upstream_code": "429"})
    assert json.loads(render_error(failure))["error"]["code"] == "rate_limited"


def test_an_error_inside_a_stream_is_one_event() -> None:
    event = render_error_event(GatewayError(Reason.STREAM_INTERRUPTED, "line\n\nline"))
    assert event.startswith(b'data: {"error":{')
    assert event.count(b"\n") == 2
    assert event.endswith(b"}}\n\n")
