"""OpenAI's error envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from dragoman.v1.errors_pb2 import Reason
from gateway_dialects.kit.failure import Failure, bad_request, missing, wrong_type
from gateway_dialects.openai.server.errors import render_error, render_error_event
from http_facade.errors import STATUS_BY_REASON, status_for


def test_a_clients_mistake() -> None:
    failure = bad_request("messages[1].content", "It is 'ü'.")
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
def test_mistakes_that_many_fields_share(failure: Failure, message: str, code: str) -> None:
    assert (failure.message, failure.code, failure.param, failure.status) == (message, code, "n", 400)


def test_no_param_is_null() -> None:
    assert json.loads(render_error(Failure(401, "MISSING_API_KEY", "A key is needed.")))["error"] == {
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
    assert json.loads(render_error(Failure(status, "X", "m")))["error"]["type"] == kind


REFUSAL = {"provider": "openai", "upstream_status": "400", "upstream_code": "bad_voice", "upstream_type": "voice_error"}


def test_a_providers_refusal_keeps_its_words() -> None:
    error = json.loads(render_error(Failure(400, "UPSTREAM_REJECTED", "No.", metadata=REFUSAL)))["error"]
    assert (error["code"], error["type"], error["metadata"]) == ("bad_voice", "voice_error", REFUSAL)


def test_a_providers_failure_is_told_in_ours() -> None:
    error = json.loads(render_error(Failure(502, "UPSTREAM_AUTH", "No.", metadata=REFUSAL)))["error"]
    assert (error["code"], error["type"]) == ("upstream_auth", "server_error")


def test_a_number_is_no_code() -> None:
    failure = Failure(429, "RATE_LIMITED", "Slow down.", metadata={**REFUSAL, "upstream_code": "429"})
    assert json.loads(render_error(failure))["error"]["code"] == "rate_limited"


def test_an_error_inside_a_stream_is_one_event() -> None:
    event = render_error_event(Failure(502, "STREAM_INTERRUPTED", "line\n\nline"))
    assert event.startswith(b'data: {"error":{')
    assert event.count(b"\n") == 2
    assert event.endswith(b"}}\n\n")


@pytest.mark.parametrize(
    ("reason", "metadata", "status"),
    [
        ("UPSTREAM_REJECTED", {"upstream_status": "422"}, 422),
        ("UPSTREAM_REJECTED", {"upstream_status": "418"}, 418),
        ("UPSTREAM_REJECTED", {"upstream_status": "500"}, 400),
        ("UPSTREAM_REJECTED", {}, 400),
        ("UPSTREAM_AUTH", {"upstream_status": "401"}, 502),
        ("A_REASON_OF_THE_FUTURE", {}, 500),
    ],
)
def test_the_status_of_a_reason(reason: str, metadata: Mapping[str, str], status: int) -> None:
    assert status_for(reason, metadata) == status


def test_every_reason_has_a_status() -> None:
    names = {value.name.removeprefix("REASON_") for value in Reason.DESCRIPTOR.values}
    assert set(STATUS_BY_REASON) == names - {"UNSPECIFIED"}
