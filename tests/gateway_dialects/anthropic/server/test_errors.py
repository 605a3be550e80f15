"""Failures in Anthropic's error envelope."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.anthropic.render_response import render_error, render_error_event


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (408, "timeout_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (499, "invalid_request_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_the_type_goes_by_the_status(status: int, kind: str) -> None:
    assert json.loads(render_error(GatewayError(Reason.INTERNAL, "Why.", status=status), "req_1")) == {
        "type": "error",
        "error": {"type": kind, "message": "Why."},
        "request_id": "req_1",
    }


def test_the_field_at_fault_and_the_providers_metadata() -> None:
    metadata = {"provider": "claude", "upstream_status": "400", "upstream_type": "invalid_request_error"}
    failure = GatewayError(Reason.UPSTREAM_REJECTED, "Why.", field="messages.0.content", metadata=metadata)
    assert json.loads(render_error(failure)) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "Why.", "param": "messages.0.content", "metadata": metadata},
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (400, "billing_error", "billing_error"),
        (400, "tokens", "invalid_request_error"),
        (429, "overloaded_error", "overloaded_error"),
        (502, "authentication_error", "api_error"),
        (503, "rate_limit_error", "overloaded_error"),
    ],
)
def test_the_clients_own_mistake_keeps_the_providers_type(status: int, told: str, kind: str) -> None:
    """The provider's 401 is not the client's."""
    failure = GatewayError(Reason.INTERNAL, "Why.", metadata={"upstream_type": told}, status=status)
    assert json.loads(render_error(failure))["error"]["type"] == kind


def test_an_error_inside_a_stream_is_one_named_event() -> None:
    written = render_error_event(GatewayError(Reason.UPSTREAM_OVERLOADED, "Busy:\nwait."), "req_1")
    name, data, *rest = written.split(b"\n")
    assert (name, rest) == (b"event: error", [b"", b""])
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Busy:\nwait."},
        "request_id": "req_1",
    }
