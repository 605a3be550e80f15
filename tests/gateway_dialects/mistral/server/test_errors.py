"""Errors in Mistral's flat envelope."""

import json

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.mistral.render_response import render_error
from gateway_dialects.mistral.render_stream import render_error_event
from tests.laws.languages.openai import chunks_of


def test_a_clients_mistake() -> None:
    assert json.loads(render_error(invalid("messages", "Say something."))) == {
        "object": "error",
        "message": "Say something.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "invalid_value",
    }


def test_a_providers_failure() -> None:
    failure = GatewayError(Reason.RATE_LIMITED, "Slow down.", metadata={"provider": "mistral", "upstream_code": "1300"})
    error = json.loads(render_error(failure))
    assert (error["type"], error["code"], error["metadata"]["provider"]) == ("rate_limit_error", "rate_limited", "mistral")


def test_the_end_of_a_stream_is_nothing_that_a_client_could_take_for_an_answer() -> None:
    (event,) = chunks_of(render_error_event(GatewayError(Reason.STREAM_INTERRUPTED, "It broke off.")))
    assert (event["message"], event["error"]["message"]) == ("It broke off.", "It broke off.")
    assert event["choices"] == [{"index": 0, "delta": None, "finish_reason": "error"}]
    assert "id" not in event
