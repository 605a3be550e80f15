"""What only Cohere's chat API has, beside the laws of every language."""

from __future__ import annotations

import json

import pytest

from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.openai.render_response import render_chat
from tests.laws.languages.cohere import COHERE
from tests.laws.reading import read_stream
from tests.recordings import Exchange


@pytest.mark.parametrize("exchange", COHERE.streams(), ids=lambda exchange: exchange.name)
def test_clients_of_openais_form_get_the_fold_of_the_stream(exchange: Exchange) -> None:
    folded = accumulate(read_stream(COHERE.client, [exchange.stream]))
    whole = COHERE.client.chat.decode(json.dumps(COHERE.fold_stream(exchange.stream)).encode(), "p")
    assert json.loads(render_chat(folded, "fallback", 1)) == json.loads(render_chat(whole, "fallback", 1))
