"""How many tokens a request may have."""

from __future__ import annotations

from gateway_dialects.kit.estimate import MEDIA_TOKENS, estimate_input_tokens
from tests.gateway_dialects.anthropic.server.reading import Json, chat


def estimate(*content: Json, **fields: object) -> int:
    return estimate_input_tokens(chat(messages=[{"role": "user", "content": list(content)}], **fields))


def test_never_nothing() -> None:
    assert estimate() == 1
    assert estimate_input_tokens(chat()) >= 1


def test_it_grows_with_what_is_said() -> None:
    words = {"type": "text", "text": "word " * 1000}
    assert 1000 <= estimate(words) <= 1500
    assert estimate(words, words) > estimate(words) + 1000
    assert estimate(system="word " * 1000) >= 1000
    tool = {"name": "f", "description": "word " * 1000, "input_schema": {"type": "object"}}
    assert estimate(tools=[tool]) >= 1000
    assert estimate({"type": "tool_result", "tool_use_id": "t", "content": [words]}) >= 1000


def test_bytes_of_pictures_are_no_words() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 1_000_000}
    assert estimate({"type": "image", "source": source}) == MEDIA_TOKENS
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    assert estimate(result) == MEDIA_TOKENS
