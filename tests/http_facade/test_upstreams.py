"""Providers that misbehave, as an HTTP client sees it: which provider, why, and never the gateway's key for it."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.settings.settings import RetrySettings
from tests.http_facade.serving import (
    DONE,
    UPSTREAM_KEY,
    Provided,
    asking,
    completion,
    refusal,
    serving,
    settings_with,
    streamed,
    text_of,
)
from tests.upstream import CUT, Reply, event_stream, json_reply, running_upstream

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = f"<html><title>Oops</title><body>{UPSTREAM_KEY}</body></html>".encode()
WHOLE = json.dumps(completion()).encode()
HALF = gzip.compress(WHOLE)[:60]


def failed(status: int, headers: dict[str, str] | None = None, **error: Any) -> Reply:
    message = f"It is because of {UPSTREAM_KEY}."
    return json_reply({"error": {"message": message, **error}}, status, headers)


EITHER_WAY: dict[str, tuple[Reply, int, str, str]] = {
    "html page with 502": (Reply(502, HTML, PAGE), 502, "upstream_unavailable", "text/html"),
    "html page with 403": (Reply(403, HTML, PAGE), 502, "upstream_auth", "text/html"),
    "html page with 404": (Reply(404, HTML, PAGE), 404, "model_not_found", "text/html"),
    "html page with 200": (Reply(200, HTML, PAGE), 502, "upstream_invalid_response", ""),
    "empty 500": (Reply(500), 502, "upstream_unavailable", "empty body"),
    "empty 400": (Reply(400), 400, "upstream_rejected", "empty body"),
    "wrong key": (failed(401, code="invalid_api_key"), 502, "upstream_auth", "because of ***"),
    "no permission": (failed(403), 502, "upstream_auth", "because"),
    "no such model": (failed(404, code="model_not_found"), 404, "model_not_found", "because"),
    "no credit": (failed(402), 429, "quota_exhausted", "because"),
    "too slow a request": (failed(408), 504, "upstream_timeout", "because"),
    "too large a request": (failed(413), 413, "request_too_large", "because"),
    "refused": (failed(400, code="bad_voice", type="voice_error", param="audio.voice"), 400, "bad_voice", "because"),
    "not processable": (failed(422), 422, "upstream_rejected", "because"),
    "teapot": (failed(418), 418, "upstream_rejected", "because"),
    "broke": (failed(500), 502, "upstream_unavailable", "because"),
    "bad gateway": (failed(502), 502, "upstream_unavailable", "because"),
    "busy": (failed(503), 503, "upstream_overloaded", "because"),
    "slow": (failed(504), 504, "upstream_timeout", "because"),
    "overloaded": (failed(529), 503, "upstream_overloaded", "because"),
    "unheard of": (failed(599), 502, "upstream_unavailable", "because"),
    "no status of HTTP": (failed(999), 502, "upstream_unavailable", "because"),
    "context": (failed(400, code="context_length_exceeded"), 400, "context_length_exceeded", "because"),
    "redirect": (
        Reply(302, {"location": f"http://127.0.0.1:9/?key={UPSTREAM_KEY}"}),
        502,
        "upstream_invalid_response",
        "302",
    ),
    "permanent redirect": (Reply(308, {"location": "/elsewhere"}), 502, "upstream_invalid_response", "308"),
    "no content": (Reply(204), 502, "upstream_invalid_response", "204"),
    "accepted": (json_reply({}, 202), 502, "upstream_invalid_response", "202"),
    "error that is no error": (json_reply({"error": None}, 500), 502, "upstream_unavailable", "500"),
    "strange error": (json_reply({"error": [{"message": 7}]}, 500), 502, "upstream_unavailable", "500"),
    "broken error": (Reply(500, JSON, b'{"error":'), 502, "upstream_unavailable", "500"),
    "deep error": (Reply(500, JSON, b"[" * 100_000), 502, "upstream_unavailable", "500"),
    "closed at once": (Reply(before_head=[CUT]), 502, "upstream_unavailable", "closed the connection"),
    "not http": (Reply(before_head=[b"SSH-2.0-x\r\n\r\n", CUT]), 502, "upstream_invalid_response", "not HTTP"),
    "head too long": (Reply(200, {"x": "a" * 100_000}), 502, "upstream_invalid_response", "not HTTP"),
}
"""Whatever was asked for: the reply, the status, the code, a word of the message."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", EITHER_WAY)
def test_failures(provided: Provided, name: str, stream: bool) -> None:
    reply, status, code, word = EITHER_WAY[name]
    provided.replies(reply)
    error = refusal(provided.facade.chat(asking("Hi", "openai/m", stream=stream)), status, code)
    assert word in error["message"]
    # What a kept connection breaks on is sent on a fresh one, once.
    assert len(provided.requests) in ((1, 2) if name == "closed at once" else (1,))
    assert provided.requests[0].headers["authorization"] == f"Bearer {UPSTREAM_KEY}"


@pytest.mark.parametrize(
    ("reply", "code", "word"),
    [
        (Reply(200, JSON), "upstream_invalid_response", "is empty"),
        (Reply(200, JSON, b" \n"), "upstream_invalid_response", "is empty"),
        (Reply(200, JSON, WHOLE[:-1]), "upstream_invalid_response", "not JSON"),
        (Reply(200, JSON, b'{"id":"\xff"}'), "upstream_invalid_response", "not JSON"),
        (Reply(200, JSON, b"[" * 100_000), "upstream_invalid_response", "not JSON"),
        (Reply(200, JSON, b"[]"), "upstream_invalid_response", "not an object"),
        (Reply(200, JSON, b"null"), "upstream_invalid_response", "not an object"),
        (json_reply({}), "upstream_invalid_response", "no choices"),
        (json_reply({"choices": []}), "upstream_invalid_response", "no choices"),
        (json_reply({"choices": [7]}), "upstream_invalid_response", "message"),
        (json_reply({"choices": [{"message": {"tool_calls": 7}}]}), "upstream_invalid_response", "not a list"),
        (json_reply({"error": {"message": f"Oops {UPSTREAM_KEY}"}}), "upstream_unavailable", "Oops ***"),
        (Reply(200, {**JSON, "content-length": "1000"}, [WHOLE, CUT]), "stream_interrupted", "broke off"),
        (Reply(200, JSON, [WHOLE[:10], CUT]), "stream_interrupted", "broke off"),
        (Reply(200, {**JSON, "content-encoding": "gzip"}, b"not gzip"), "stream_interrupted", "broke off"),
        (Reply(200, {**JSON, "content-encoding": "gzip"}, gzip.compress(WHOLE)[:60]), "stream_interrupted", "broke off"),
    ],
)
def test_answers_that_are_none(provided: Provided, reply: Reply, code: str, word: str) -> None:
    provided.replies(reply)
    error = refusal(provided.facade.chat(asking("Hi", "openai/m")), 502, code)
    assert word in error["message"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (json_reply(completion()), "upstream_invalid_response"),
        (Reply(200, EVENTS), "stream_interrupted"),
        (Reply(200, EVENTS, b"\n\n\n"), "stream_interrupted"),
        (Reply(200, EVENTS, bytes(range(256)) * 100), "stream_interrupted"),
        (Reply(200, EVENTS, b"data: " + b"a" * 3_000_000), "stream_interrupted"),
        (Reply(200, EVENTS, b"data: \xff\xfe\n\n"), "upstream_invalid_response"),
        (Reply(200, EVENTS, b"data: " + b"[" * 100_000 + b"\n\n"), "upstream_invalid_response"),
        (Reply(200, {**EVENTS, "content-encoding": "gzip"}, [b"not gzip"]), "stream_interrupted"),
        (event_stream({"choices": 7}), "upstream_invalid_response"),
        (event_stream(CUT), "stream_interrupted"),
        (event_stream({"choices": []}, DONE), "stream_interrupted"),
    ],
)
def test_streams_that_are_none(provided: Provided, reply: Reply, code: str) -> None:
    provided.replies(reply)
    refusal(provided.facade.chat(asking("Hi", "openai/m", stream=True)), 502, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/json; charset=utf-8", ""])
def test_the_content_type_of_an_answer_is_not_asked_for(provided: Provided, kind: str) -> None:
    provided.replies(Reply(200, {"content-type": kind} if kind else {}, WHOLE))
    assert text_of(provided.facade.chat(asking("Hi", "openai/m"))) == "Hi"


def test_compressed_answers_are_read(provided: Provided) -> None:
    """Though they are not asked for."""
    provided.replies(Reply(200, {**JSON, "content-encoding": "gzip"}, gzip.compress(WHOLE)))
    assert text_of(provided.facade.chat(asking("Hi", "openai/m"))) == "Hi"
    stream = b"".join(step for step in streamed("Hi", " you").body if isinstance(step, bytes))
    provided.replies(Reply(200, {**EVENTS, "content-encoding": "gzip"}, [gzip.compress(stream)]))
    answer = provided.facade.chat(asking("Hi", "openai/m", stream=True))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"content":" you"' in answer.text


def test_a_large_answer(provided: Provided) -> None:
    text = "word " * 2_000_000
    provided.replies(json_reply(completion(text)))
    assert text_of(provided.facade.chat(asking("Hi", "openai/m"))) == text


def test_what_an_answer_holds_beside_the_answer_is_carried(provided: Provided) -> None:
    provided.replies(json_reply(completion(system_fingerprint="fp_1", service_tier="flex", unheard={"of": 1})))
    body = provided.facade.chat(asking("Hi", "openai/m")).json()
    assert (body["system_fingerprint"], body["service_tier"], body["unheard"]) == ("fp_1", "flex", {"of": 1})


@pytest.mark.parametrize(
    ("headers", "seconds", "milliseconds"),
    [
        ({"retry-after": "7"}, "7", "7000"),
        ({"retry-after": "0.2"}, "1", "200"),
        ({"retry-after-ms": "1500", "retry-after": "9"}, "2", "1500"),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "30", "30000"),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "-1"}, None, None),
        ({}, None, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_back(
    provided: Provided, status: int, headers: dict[str, str], seconds: str | None, milliseconds: str | None
) -> None:
    provided.replies(failed(status, headers))
    answer = provided.facade.chat(asking("Hi", "openai/m"))
    assert answer.status_code == status
    assert (answer.headers.get("retry-after"), answer.headers.get("retry-after-ms")) == (seconds, milliseconds)


@pytest.mark.parametrize(
    "reply", [Reply(200, HTML, PAGE), failed(401), failed(500), Reply(200, JSON, b"["), json_reply({"data": 7}), Reply(500)]
)
def test_a_model_list_that_is_none(provided: Provided, reply: Reply) -> None:
    provided.replies(reply)
    answer = provided.facade.client.get("/v1/models")
    assert answer.status_code == 200
    assert "demo/echo" in [card["id"] for card in answer.json()["data"]]
    assert "openai" in answer.headers["x-dragoman-warnings"]
    assert UPSTREAM_KEY not in answer.text
    assert UPSTREAM_KEY not in str(answer.headers)


def test_a_failure_that_passes() -> None:
    replies = [failed(500), json_reply(completion("At last."))]
    again = RetrySettings(attempts=2, initial=0.0, jitter=0.0)
    with (
        running_upstream(lambda _: replies.pop(0)) as upstream,
        serving(settings_with(upstream.url, retries=again)) as facade,
    ):
        answer = facade.chat(asking("Hi", "openai/m"))
    assert text_of(answer) == "At last."
    assert answer.headers["x-dragoman-attempts"] == "2"
    assert answer.headers["x-model-used"] == "openai/m"


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_rate_limits_of_the_provider_are_headers(provided: Provided, status: int, stream: bool) -> None:
    limits = {"x-ratelimit-remaining-requests": "49", "x-ratelimit-reset-requests": "1s"}
    if status == 200:
        whole = json_reply(completion(), 200, limits)
        events = replace(streamed("a"), headers={**EVENTS, **limits})
        provided.replies(events if stream else whole)
    else:
        provided.replies(failed(429, {**limits, "retry-after": "3"}))
    answer = provided.facade.chat(asking("Hi", "openai/m", stream=stream))
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in limits} == limits
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)
