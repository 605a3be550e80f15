"""What every dialect must endure, whatever a provider sends."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.dialect import Dialect, ServerSentEvent


def check_error(dialect: Dialect, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Any failure is told, with its status, and with a wait that somebody could wait."""
    failure = dialect.chat.decode_error(status, headers, body)
    assert failure.message
    assert int(failure.metadata["upstream_status"]) == status
    assert all(isinstance(value, str) for value in failure.metadata.values())
    assert failure.retry_after_s is None or failure.retry_after_s >= 0


def check_model_list(dialect: Dialect, body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        for model in dialect.list_models.decode(body, "p"):
            assert model.id.startswith("p/")


def check_nesting(dialect: Dialect, deep: bytes) -> None:
    """deep: an answer that is nested without end."""
    decoder = dialect.stream.decoder()
    assert dialect.chat.decode_error(500, {}, deep).reason is Reason.UPSTREAM_UNAVAILABLE
    for decode in (
        lambda body: dialect.chat.decode(body, "p"),
        lambda body: dialect.list_models.decode(body, "p"),
        lambda body: decoder.feed(ServerSentEvent(body), StreamResponse()),
    ):
        with pytest.raises(GatewayError) as caught:
            decode(deep)
        assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
