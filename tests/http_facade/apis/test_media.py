"""Pictures on every face: refused where the operator wants none, and where they are none, in the face's own words."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.http_facade.serving import Facade, serving, settings_for

Json = dict[str, Any]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR").decode()
TEXT = base64.b64encode(b"no picture at all").decode()


def openai(picture: str) -> Json:
    content = [
        {"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    return {"model": "demo/echo", "messages": [{"role": "user", "content": content}]}


def responses(picture: str) -> Json:
    content = [
        {"type": "input_text", "text": "Hi"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{picture}"},
    ]
    return {"model": "demo/echo", "input": [{"role": "user", "content": content}]}


def anthropic(picture: str) -> Json:
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    content = [{"type": "text", "text": "Hi"}, {"type": "image", "source": source}]
    return {"model": "demo/echo", "max_tokens": 10, "messages": [{"role": "user", "content": content}]}


def anthropic_result(picture: str) -> Json:
    """In a tool's result."""
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "image", "source": source}]}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    return {"model": "demo/echo", "max_tokens": 10, "messages": messages}


def gemini(picture: str) -> Json:
    parts = [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": picture}}]
    return {"contents": [{"role": "user", "parts": parts}]}


FACES: dict[str, tuple[str, Callable[[str], Json]]] = {
    "openai": ("/v1/chat/completions", openai),
    "responses": ("/v1/responses", responses),
    "anthropic": ("/v1/messages", anthropic),
    "anthropic, in a result": ("/v1/messages", anthropic_result),
    "gemini": ("/v1beta/models/demo/echo:generateContent", gemini),
    "azure": ("/openai/deployments/demo/echo/chat/completions?api-version=2024-10-21", openai),
    "openrouter": ("/api/v1/chat/completions", openai),
    "cohere": ("/v2/chat", openai),
}
each_face = pytest.mark.parametrize(("path", "body"), FACES.values(), ids=FACES.keys())


@pytest.fixture(scope="module")
def blind() -> Iterator[httpx.Client]:
    with serving(settings_for({"ENABLE_VISION": "false"})) as running:
        yield running.client


@each_face
def test_without_vision_a_picture_is_refused(path: str, body: Callable[[str], Json], blind: httpx.Client) -> None:
    refused = blind.post(path, json=body(PNG))
    assert refused.status_code == 400, refused.text
    assert "ENABLE_VISION=false" in refused.text
    assert "error" in refused.text


@each_face
def test_what_is_no_picture_is_refused_by_name(path: str, body: Callable[[str], Json], facade: Facade) -> None:
    refused = facade.client.post(path, json=body(TEXT))
    assert refused.status_code == 400, refused.text
    assert "messages[" in refused.text
    assert "should be an image, but its bytes are no type of image" in refused.text


@each_face
def test_a_picture_is_taken(path: str, body: Callable[[str], Json], facade: Facade) -> None:
    assert facade.client.post(path, json=body(PNG)).status_code == 200


def test_without_vision_words_are_answered(blind: httpx.Client) -> None:
    asked = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hi"}]}
    assert blind.post("/v1/chat/completions", json=asked).status_code == 200
