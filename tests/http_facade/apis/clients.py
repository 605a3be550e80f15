"""How the clients of each face ask, and where its answers hold what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class Face:
    name: str
    path: Callable[[str, bool], str]
    """(model, whether to stream) -> the URL's path and query."""
    body: Callable[[str, str, bool], Json]
    """(text, model, whether to stream) -> the request."""
    key: Callable[[str], Mapping[str, str]]
    """How the face's SDK sends a key."""
    text: Callable[[Json], str]
    """The text of a whole answer."""
    piece: Callable[[Json], str]
    """The text of one event of a stream."""
    error: Callable[[Json], tuple[str, str]]
    """(the kind of error in the face's words, the message) of an error's body; raises KeyError for another envelope."""
    not_found: str
    """The kind of error for a model that there is not."""
    unauthenticated: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What its clients always send."""

    def send(self, client: httpx.Client, method: str, model: str = "demo/echo", **more: Any) -> httpx.Response:
        """A request to the face's path with anything in it."""
        return client.request(method, self.path(model, False), headers=self.headers, **more)

    def ask(self, client: httpx.Client, text: str, model: str = "demo/echo", **headers: str) -> httpx.Response:
        return client.post(self.path(model, False), json=self.body(text, model, False), headers={**self.headers, **headers})

    def stream(self, client: httpx.Client, text: str, model: str = "demo/echo") -> list[Json]:
        """The events of a stream."""
        answer = client.post(self.path(model, True), json=self.body(text, model, True), headers=self.headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith(("data: ", "{"))]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    def __str__(self) -> str:
        return self.name


def openai_error(body: Json) -> tuple[str, str]:
    return body["error"]["code"], body["error"]["message"]


def anthropic_error(body: Json) -> tuple[str, str]:
    assert body["type"] == "error"
    return body["error"]["type"], body["error"]["message"]


def gemini_error(body: Json) -> tuple[str, str]:
    return body["error"]["status"], body["error"]["message"]


def mistral_error(body: Json) -> tuple[str, str]:
    assert body["object"] == "error"
    return body["code"], body["message"]


def cohere_error(body: Json) -> tuple[str, str]:
    """Of a whole answer, or of the event that ends a stream."""
    told = body if "message" in body else body["delta"]
    return told["error_type"], told["message"] if "message" in told else told["error"]


def cohere_piece(event: Json) -> str:
    if event["type"] != "content-delta":
        return ""
    return str(event["delta"]["message"]["content"].get("text", ""))


def openrouter_error(body: Json) -> tuple[str, str]:
    error = body["error"]
    assert type(error["code"]) is int
    return error["metadata"]["reason"], error["message"]


def responses_error(body: Json) -> tuple[str, str]:
    """Of a whole answer, or of the response that failed."""
    return openai_error(body if "error" in body else body["response"])


def gemini_text(body: Json) -> str:
    return "".join(part["text"] for part in body["candidates"][0]["content"]["parts"])


def openai_body(text: str, model: str, stream: bool) -> Json:
    return {"model": model, "messages": [{"role": "user", "content": text}], **({"stream": True} if stream else {})}


OPENAI = Face(
    name="openai",
    path=lambda model, stream: "/v1/chat/completions",
    body=openai_body,
    key=lambda key: {"authorization": f"Bearer {key}"},
    text=lambda body: str(body["choices"][0]["message"]["content"]),
    piece=lambda event: event["choices"][0]["delta"].get("content") or "" if event.get("choices") else "",
    error=openai_error,
    not_found="model_not_found",
    unauthenticated="invalid_api_key",
)
ANTHROPIC = Face(
    name="anthropic",
    path=lambda model, stream: "/v1/messages",
    body=lambda text, model, stream: {"max_tokens": 100, **openai_body(text, model, stream)},
    key=lambda key: {"x-api-key": key},
    text=lambda body: "".join(block["text"] for block in body["content"]),
    piece=lambda event: str(event.get("delta", {}).get("text", "")),
    error=anthropic_error,
    not_found="not_found_error",
    unauthenticated="authentication_error",
)
GEMINI = Face(
    name="gemini",
    path=lambda model, stream: f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}",
    body=lambda text, model, stream: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
    key=lambda key: {"x-goog-api-key": key},
    text=gemini_text,
    piece=lambda event: gemini_text(event) if event.get("candidates") else "",
    error=gemini_error,
    not_found="NOT_FOUND",
    unauthenticated="UNAUTHENTICATED",
)
AZURE = replace(
    OPENAI,
    name="azure",
    path=lambda model, stream: f"/openai/deployments/{quote(model, safe='')}/chat/completions?api-version=2024-10-21",
    body=lambda text, model, stream: {**openai_body(text, model, stream), "model": None},
    key=lambda key: {"api-key": key},
)
MISTRAL = replace(
    OPENAI,
    name="mistral",
    error=mistral_error,
    headers={"user-agent": "mistral-client-python/3.7.0"},
)
COHERE = Face(
    name="cohere",
    path=lambda model, stream: "/v2/chat",
    body=openai_body,
    key=lambda key: {"authorization": f"Bearer {key}"},
    text=lambda body: "".join(block["text"] for block in body["message"]["content"]),
    piece=cohere_piece,
    error=cohere_error,
    not_found="MODEL_NOT_FOUND",
    unauthenticated="INVALID_API_KEY",
)
OPENROUTER = replace(
    OPENAI, name="openrouter", path=lambda model, stream: "/api/v1/chat/completions", error=openrouter_error
)
COMPLETIONS = replace(
    OPENAI,
    name="completions",
    path=lambda model, stream: "/v1/completions",
    body=lambda text, model, stream: {"model": model, "prompt": text, **({"stream": True} if stream else {})},
    text=lambda body: str(body["choices"][0]["text"]),
    piece=lambda event: str(event["choices"][0]["text"]),
)
RESPONSES = replace(
    OPENAI,
    name="responses",
    path=lambda model, stream: "/v1/responses",
    body=lambda text, model, stream: {"model": model, "input": text, **({"stream": True} if stream else {})},
    text=lambda body: str(body["output"][0]["content"][0]["text"]),
    piece=lambda event: str(event["delta"]) if event["type"] == "response.output_text.delta" else "",
    error=responses_error,
)
FACES = (OPENAI, ANTHROPIC, GEMINI, AZURE, MISTRAL, COHERE, OPENROUTER, COMPLETIONS, RESPONSES)
