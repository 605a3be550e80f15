"""Errors in OpenRouter's envelope."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.openrouter.render_response import ERROR_TYPES, render_error


def test_a_client_s_mistake() -> None:
    assert json.loads(render_error(invalid("messages", "Say something."))) == {
        "error": {
            "code": 400,
            "message": "Say something.",
            "metadata": {"error_type": "invalid_request", "reason": "invalid_value", "param": "messages"},
        }
    }


def test_a_providers_failure() -> None:
    upstream = {"provider": "openai", "model": "m", "upstream_status": "429", "upstream_code": "slow_down"}
    error = json.loads(render_error(GatewayError(Reason.RATE_LIMITED, "Slow down.", metadata=upstream)))["error"]
    assert (error["code"], error["message"]) == (429, "Slow down.")
    assert error["metadata"] == {
        "error_type": "rate_limit_exceeded",
        "reason": "rate_limited",
        "provider_name": "openai",
        "provider_code": "slow_down",
        "model": "m",
        "upstream_status": "429",
    }


@pytest.mark.parametrize("reason", ["INTERNAL", "SHUTTING_DOWN", "CANCELLED"])
def test_what_is_nobodys_fault_but_the_servers(reason: str) -> None:
    assert json.loads(render_error(GatewayError(Reason(reason), "Oh.")))["error"]["metadata"]["error_type"] == "server"


def test_every_reason_is_one_of_the_contract() -> None:
    assert set(ERROR_TYPES) <= set(Reason)
