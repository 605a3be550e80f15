"""What only Anthropic's Messages API has, beside the laws of every language."""

from __future__ import annotations

import pytest

from tests.laws.languages.anthropic import ANTHROPIC, beta_of, events_of
from tests.recordings import Exchange


@pytest.mark.parametrize("exchange", ANTHROPIC.requests(), ids=lambda exchange: exchange.name)
def test_betas_reach_the_provider(exchange: Exchange) -> None:
    chat, stream = ANTHROPIC.parse(exchange)
    upstream, _ = ANTHROPIC.client.encode_chat(chat, "m", ANTHROPIC.endpoint_of(exchange), stream)
    assert upstream.headers.get("anthropic-beta", "") == beta_of(exchange)


@pytest.mark.parametrize("exchange", ANTHROPIC.streams(), ids=lambda exchange: exchange.name)
def test_the_first_event_has_the_input_s_tokens(exchange: Exchange) -> None:
    first, recorded = (
        events_of(stream)[0][1]["message"]["usage"] for stream in (ANTHROPIC.render_stream(exchange.stream), exchange.stream)
    )
    assert first["input_tokens"] == recorded["input_tokens"] > 0
