"""What OpenRouter's clients send beside what OpenAI's do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from gateway_dialects.openrouter.parse_request import parse_chat


def body(**fields: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "model", "fallbacks"),
    [
        ({"model": "a"}, "a", []),
        ({"model": "a", "models": []}, "a", []),
        ({"model": "a", "models": None}, "a", []),
        ({"model": "a", "models": ["b", "c"]}, "a", ["b", "c"]),
        ({"model": "a", "models": ["a", "b", "b"]}, "a", ["a", "b"]),
        ({"models": ["a", "b"]}, "a", ["a", "b"]),
        ({"model": None, "models": ["a"]}, "a", ["a"]),
    ],
)
def test_the_models_to_ask(fields: dict[str, Any], model: str, fallbacks: list[str]) -> None:
    chat = parse_chat(body(**fields)).chat
    assert (chat.model, list(chat.fallback_models)) == (model, fallbacks)
    assert not chat.provider_options_json


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "model"),
        ({"models": []}, "model"),
        ({"models": "a"}, "models"),
        ({"models": ["a", 1]}, "models[1]"),
        ({"model": "a", "route": "scenic"}, "route"),
        ({"model": "a", "usage": True}, "usage"),
        ({"model": "a", "include_reasoning": "yes"}, "include_reasoning"),
        ({"model": "a", "include_reasoning": False, "reasoning": "much"}, "reasoning"),
        ({"model": "a", "messages": []}, "messages"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_chat(body(**fields))
    assert (caught.value.http_status, caught.value.field) == (400, param)
    assert param in caught.value.message


def test_what_only_openrouter_knows_is_kept_for_it() -> None:
    own = {"plugins": [{"id": "web"}], "transforms": ["middle-out"], "top_a": 0.5}
    chat = parse_chat(body(model="a", min_p=0.1, **own)).chat
    assert json.loads(chat.provider_options_json["openrouter"]) == own
    assert json.loads(chat.extra_body_json) == {"min_p": 0.1}
    alone = parse_chat(body(model="a", preset="x")).chat
    assert dict(alone.provider_options_json) == {"openrouter": '{"preset":"x"}'}
    assert not alone.extra_body_json


def test_what_says_nothing_any_more() -> None:
    chat = parse_chat(body(model="a", usage={"include": True}, route="fallback", include_reasoning=True)).chat
    assert not chat.provider_options_json
    assert not chat.HasField("reasoning")


def test_reasoning_that_is_not_to_be_shown() -> None:
    hidden = parse_chat(body(model="a", include_reasoning=False, reasoning={"effort": "low"})).chat.reasoning
    assert (hidden.exclude, hidden.effort) == (True, "low")
    assert not parse_chat(body(model="a", include_reasoning=False, reasoning={"exclude": False})).chat.reasoning.exclude


def test_streams() -> None:
    assert parse_chat(body(model="a", stream=True)).stream
    assert not parse_chat(body(model="a")).stream


def test_videos_and_files() -> None:
    content = [
        {"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://example.com/a.pdf"}},
    ]
    video, file = parse_chat(body(model="a", messages=[{"role": "user", "content": content}])).chat.messages[0].parts
    assert video.media.uri == "https://example.com/v.mp4"
    assert (file.media.filename, file.media.uri) == ("a.pdf", "https://example.com/a.pdf")
