"""How the clients of each served API ask, and where its answers hold what: an example for each record of APIS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx

from http_facade.api import Api
from http_facade.apis import APIS

Json = dict[str, Any]


@dataclass(frozen=True)
class ApiClient:
    """A client of one API."""

    name: str
    """Of the record in APIS."""
    body: Callable[[str, str, bool], Json]
    """(text, model, whether to stream) -> the request."""
    key: Callable[[str], Mapping[str, str]]
    """How the api's SDK sends a key."""
    text: Callable[[Json], str]
    """The text of a whole answer."""
    piece: Callable[[Json], str]
    """The text of one event of a stream."""
    error: Callable[[Json], tuple[str, str]]
    """(the API's own error code, the message) of an error's body; raises KeyError for another error format."""
    not_found: str
    """The kind of error for a model that there is not."""
    unauthenticated: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What its clients always send."""
    breaks_off: bool = False
    """Whether an error inside a stream ends the connection too."""
    query: Callable[[bool], str] = lambda stream: ""
    """(whether to stream) -> the URL's query, with its question mark."""

    @property
    def api(self) -> Api:
        return next(api for api in APIS if api.name == self.name)

    def path(self, model: str, stream: bool) -> str:
        """The first path of the record, and the query."""

        def value(found: re.Match[str]) -> str:
            name, _, kind = found[1].partition(":")
            if name != "method":
                return quote(model, safe="" if name == "deployment" else "/")
            return kind.split("|")[stream]

        return re.sub(r"\{(.*?)\}", value, self.api.paths()[0]) + self.query(stream)

    def send(self, client: httpx.Client, method: str, model: str = "demo/echo", **more: Any) -> httpx.Response:
        """A request to the api's path with anything in it."""
        return client.request(method, self.path(model, False), headers=self.headers, **more)

    def ask(self, client: httpx.Client, text: str, model: str = "demo/echo", **headers: str) -> httpx.Response:
        return client.post(self.path(model, False), json=self.body(text, model, False), headers={**self.headers, **headers})

    def stream(self, client: httpx.Client, text: str, model: str = "demo/echo") -> list[Json]:
        """The events of a stream."""
        request = client.build_request(
            "POST", self.path(model, True), json=self.body(text, model, True), headers=self.headers
        )
        answer = client.send(request, stream=True)
        received, is_whole = read_stream(answer)
        assert answer.status_code == 200, received
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert is_whole or self.breaks_off
        lines = [line.removeprefix("data: ") for line in received.splitlines() if line.startswith(("data: ", "{"))]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    def __str__(self) -> str:
        return self.name


def read_stream(answer: httpx.Response) -> tuple[str, bool]:
    """(the text, whether the body came to its end)"""
    pieces = []
    try:
        for piece in answer.iter_bytes():
            pieces.append(piece)
    except httpx.RemoteProtocolError:
        return b"".join(pieces).decode(), False
    return b"".join(pieces).decode(), True


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
    fields = body if "message" in body else body["delta"]
    return fields["error_type"], fields["message"] if "message" in fields else fields["error"]


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


OPENAI = ApiClient(
    name="openai",
    body=openai_body,
    key=lambda key: {"authorization": f"Bearer {key}"},
    text=lambda body: str(body["choices"][0]["message"]["content"]),
    piece=lambda event: event["choices"][0]["delta"].get("content") or "" if event.get("choices") else "",
    error=openai_error,
    not_found="model_not_found",
    unauthenticated="invalid_api_key",
)
ANTHROPIC = ApiClient(
    name="anthropic",
    body=lambda text, model, stream: {"max_tokens": 100, **openai_body(text, model, stream)},
    key=lambda key: {"x-api-key": key},
    text=lambda body: "".join(block["text"] for block in body["content"]),
    piece=lambda event: str(event.get("delta", {}).get("text", "")),
    error=anthropic_error,
    not_found="not_found_error",
    unauthenticated="authentication_error",
)
GEMINI = ApiClient(
    name="gemini",
    breaks_off=True,
    query=lambda stream: "?alt=sse" if stream else "",
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
    query=lambda stream: "?api-version=2024-10-21",
    body=lambda text, model, stream: {**openai_body(text, model, stream), "model": None},
    key=lambda key: {"api-key": key},
)
MISTRAL = replace(OPENAI, name="mistral", error=mistral_error, headers={"user-agent": "mistral-client-python/3.7.0"})
COHERE = ApiClient(
    name="cohere",
    body=openai_body,
    key=lambda key: {"authorization": f"Bearer {key}"},
    text=lambda body: "".join(block["text"] for block in body["message"]["content"]),
    piece=cohere_piece,
    error=cohere_error,
    not_found="MODEL_NOT_FOUND",
    unauthenticated="INVALID_API_KEY",
)
OPENROUTER = replace(OPENAI, name="openrouter", error=openrouter_error)
COMPLETIONS = replace(
    OPENAI,
    name="openai-completions",
    body=lambda text, model, stream: {"model": model, "prompt": text, **({"stream": True} if stream else {})},
    text=lambda body: str(body["choices"][0]["text"]),
    piece=lambda event: str(event["choices"][0]["text"]),
)
RESPONSES = replace(
    OPENAI,
    name="openai-responses",
    body=lambda text, model, stream: {"model": model, "input": text, **({"stream": True} if stream else {})},
    text=lambda body: str(body["output"][0]["content"][0]["text"]),
    piece=lambda event: str(event["delta"]) if event["type"] == "response.output_text.delta" else "",
    error=responses_error,
)
EXAMPLES = {
    client.name: client for client in (OPENAI, ANTHROPIC, GEMINI, AZURE, MISTRAL, COHERE, OPENROUTER, COMPLETIONS, RESPONSES)
}
CLIENTS = tuple(EXAMPLES[api.name] for api in APIS if api.name != "proxy")
"""The matrix: one for each API that answers chats. A KeyError asks for an example of a new API."""
