import json

import pytest

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.cohere.render_response import render_error
from gateway_dialects.cohere.render_stream import render_error_event


def test_an_error() -> None:
    failure = invalid("messages[0].role", "Invalid value.")

    assert json.loads(render_error(failure, "r1")) == {
        "id": "r1",
        "message": "Invalid value.",
        "error_type": "INVALID_VALUE",
        "param": "messages[0].role",
    }


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (400, "TOO_MANY_TOKENS", "TOO_MANY_TOKENS"),
        (502, "TOO_MANY_TOKENS", "UPSTREAM_REJECTED"),
        (400, "", "UPSTREAM_REJECTED"),
    ],
)
def test_the_providers_word_for_a_clients_mistake(status: int, told: str, kind: str) -> None:
    metadata = {"provider": "cohere", "upstream_type": told} if told else {}
    error = json.loads(render_error(GatewayError(Reason.UPSTREAM_REJECTED, "x", metadata=metadata, status=status)))

    assert error["error_type"] == kind
    assert error.get("metadata", {}) == metadata


def test_an_error_inside_a_stream() -> None:
    text = render_error_event(GatewayError(Reason.UPSTREAM_TIMEOUT, "too slow"), "r1").decode()
    name, data = text.removesuffix("\n\ndata: [DONE]\n\n").split("\n")

    assert name == "event: message-end"
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "message-end",
        "id": "r1",
        "delta": {"finish_reason": "ERROR", "error": "too slow", "error_type": "UPSTREAM_TIMEOUT", "usage": {}},
    }
