"""What only Azure has, beside the laws of every language: its addresses and its key header."""

from __future__ import annotations

import pytest

from tests.laws.languages.azure import AZURE
from tests.recordings import Exchange


@pytest.mark.parametrize("exchange", AZURE.requests(), ids=lambda exchange: exchange.name)
def test_address_and_key(exchange: Exchange) -> None:
    chat, stream = AZURE.parse(exchange)
    upstream, _ = AZURE.client.encode_chat(chat, AZURE.model_of(exchange), AZURE.endpoint_of(exchange), stream)
    expected = f"https://{exchange.request['host']}{exchange.request['path']}"
    assert upstream.url in (expected, f"{expected}?api-version=2024-10-21")
    assert upstream.headers["api-key"] == "k"
    assert "authorization" not in upstream.headers
