"""Paths that several faces share: who asks decides how they are answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http_facade.serving import Facade, asking

MISTRAL = {"user-agent": "mistral-client-python/1.12.4"}
COHERE = {"x-fern-sdk-name": "cohere"}


@pytest.mark.parametrize(
    ("headers", "where", "names"),
    [
        ({"user-agent": "OpenAI/Python 3.51.0"}, "data", {"id", "object", "created", "owned_by"}),
        ({}, "data", {"id", "object", "created", "owned_by"}),
        ({"anthropic-version": "2023-06-01"}, "data", {"id", "type", "display_name"}),
        ({"x-goog-api-key": "k"}, "models", {"name", "supportedGenerationMethods"}),
        (MISTRAL, "data", {"id", "capabilities", "type"}),
        ({"user-agent": "mistral-client-typescript/2.7.0"}, "data", {"id", "capabilities", "type"}),
        (COHERE, "models", {"name", "endpoints"}),
        ({"x-fern-sdk-name": "cohere-ai"}, "models", {"name", "endpoints"}),
    ],
)
@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_models(facade: Facade, prefix: str, headers: dict[str, str], where: str, names: set[str]) -> None:
    cards = facade.client.get(f"{prefix}/models", headers=headers).json()[where]
    assert names <= cards[0].keys()
    one = facade.client.get(f"{prefix}/models/demo/echo", headers=headers).json()
    assert names <= one.keys()
    assert any(one == card for card in cards)


@pytest.mark.parametrize(
    ("headers", "envelope"),
    [
        ({}, {"error"}),
        ({"anthropic-version": "2023-06-01"}, {"type", "error", "request_id"}),
        ({"x-goog-api-key": "k"}, {"error"}),
        (MISTRAL, {"object", "message", "type", "param", "code"}),
        (COHERE, {"id", "message", "error_type", "param"}),
    ],
)
def test_a_model_that_there_is_not(facade: Facade, headers: dict[str, str], envelope: set[str]) -> None:
    refused = facade.client.get("/v1/models/nobody/nothing", headers=headers)
    assert refused.status_code == 404
    assert envelope <= refused.json().keys()


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        (MISTRAL, {}),
        ({"user-agent": "ai-sdk/mistral/4.0.87 ai-sdk/provider-utils/5.0.11 runtime/node.js/v24"}, {}),
        (
            {"user-agent": "python-httpx/0.28.1", "accept": "text/event-stream", "cache-control": "no-store"},
            {"stream": True},
        ),
        ({}, {"safe_prompt": False}),
        ({}, {"random_seed": 7}),
    ],
)
def test_a_chat_of_mistrals_form(facade: Facade, headers: dict[str, str], more: dict[str, Any]) -> None:
    answer = facade.client.post("/v1/chat/completions", json=asking("Hi", "demo/reasoning", **more), headers=headers)
    assert answer.status_code == 200
    assert '"content":[{"type":"thinking"' in answer.text


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"user-agent": "OpenAI/Python 3.51.0"}, "Hi"),
        ({"accept": "text/event-stream"}, "Hi"),
        ({"user-agent": "python-httpx/0.28.1", "accept": "*/*", "cache-control": "no-store"}, "Hi"),
        ({}, 'Say "safe_prompt" and "random_seed"!'),
    ],
)
def test_a_chat_of_openais_form(facade: Facade, headers: dict[str, str], text: str) -> None:
    answer = facade.client.post("/v1/chat/completions", json=asking(text, "demo/reasoning"), headers=headers)
    message = answer.json()["choices"][0]["message"]
    assert message["reasoning_content"]
    assert message["content"] == text


@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_paths_without_a_version(facade: Facade, path: str) -> None:
    body = {"model": "demo/echo", "prompt": "Hi"} if path == "/completions" else asking("Hi")
    assert facade.client.post(path, json=body).json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/demo/echo:generateContent",
        "/models/demo/echo:generateContent",
        "/v1beta/demo/echo:generateContent",
        "/v1alpha/demo/echo:generateContent",
        "/v1/demo/echo:generateContent",
    ],
)
def test_geminis_paths(facade: Facade, path: str) -> None:
    answer = facade.client.post(path, json={"contents": [{"parts": [{"text": "Hi"}]}]})
    assert answer.json()["candidates"][0]["content"]["parts"] == [{"text": "Hi"}]


@pytest.mark.parametrize("path", ["/v1beta/demo/echo:explode", "/v1beta/demo/echo", "/v1beta/x"])
def test_what_is_none_of_geminis_paths(facade: Facade, path: str) -> None:
    refused = facade.client.post(path, json={})
    assert (refused.status_code, refused.json()["error"]["code"] in (404, "unknown_url")) == (404, True)


def test_a_path_that_is_not_there_is_refused_in_the_clients_own_form(facade: Facade) -> None:
    assert facade.client.get("/v1/nowhere", headers=MISTRAL).json()["object"] == "error"
    assert "error_type" in facade.client.get("/v1/nowhere", headers=COHERE).json()
    assert facade.client.get("/api/v1/generation", params={"id": "gen-1"}).json()["error"]["code"] == 404
