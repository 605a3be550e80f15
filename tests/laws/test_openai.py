"""What only OpenAI's chat completions have, beside the laws of every language."""

from __future__ import annotations

import pytest

from dragoman.reasons import GatewayError, Reason
from tests.laws.languages.openai import OPENAI
from tests.laws.reading import read_stream
from tests.recordings import Exchange

MESSAGES = {
    "fixtures-openai/stream_error": "Rate limit reached for requests.",
    "openrouter/stream_max_tokens": "Token limit reached",
}


@pytest.mark.parametrize("exchange", OPENAI.failed_streams(), ids=lambda exchange: exchange.name)
def test_an_error_inside_a_stream_keeps_the_provider_s_message(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(OPENAI.client, [exchange.stream])
    assert caught.value.message == MESSAGES[exchange.name]


@pytest.mark.parametrize("exchange", OPENAI.refused_requests(), ids=lambda exchange: exchange.name)
def test_what_the_provider_refuses_is_refused_before_it_is_asked(exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        OPENAI.parse(exchange)
    assert caught.value.reason is Reason.INVALID_REQUEST
