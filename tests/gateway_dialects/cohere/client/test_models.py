import json

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.cohere import CLIENT as COHERE
from tests.gateway_dialects.cohere.client.asking import ENDPOINT

LISTED = {
    "models": [
        {"name": "command-a-03-2025", "endpoints": ["chat"], "context_length": 288000.0, "features": None},
        {"name": "command-r7b-12-2024", "is_deprecated": False, "context_length": "long"},
        {"endpoints": ["chat"]},
        "odd",
    ],
    "next_page_token": "",
}


def test_where_the_list_is() -> None:
    upstream = COHERE.list_models.encode(None, "", ENDPOINT).request

    assert (upstream.method, upstream.url) == ("GET", "https://api.cohere.ai/v1/models?page_size=1000&endpoint=chat")
    assert upstream.headers["authorization"] == "Bearer k"


def test_models() -> None:
    first, second = COHERE.list_models.decode(json.dumps(LISTED).encode(), "c")

    assert (first.id, first.provider, first.owned_by, first.context_length) == ("c/command-a-03-2025", "c", "cohere", 288000)
    assert json.loads(first.provider_details_json["cohere"]) == {"endpoints": ["chat"], "context_length": 288000.0}
    assert second.id == "c/command-r7b-12-2024"
    assert not second.HasField("context_length")


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b'{"models":5}'])
def test_a_list_that_is_none(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        COHERE.list_models.decode(body, "c")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
