"""What holds on every face alike: it asks the same core, so nothing that an operator sets holds on one of them only."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gateway_core.settings.settings import KeySettings, ModelSettings, hash_key
from tests.http_facade.apis.clients import ANTHROPIC, FACES, GEMINI, RESPONSES, Face
from tests.http_facade.serving import Facade, Provided, server_settings, serving, settings_for
from tests.upstream import CUT, event_stream, json_reply

each_face = pytest.mark.parametrize("face", FACES, ids=str)


@pytest.fixture(scope="module")
def locked() -> Iterator[httpx.Client]:
    """A gateway with a key, a limit, and a route whose first target fails."""
    keys = (KeySettings("team-a", hash_key("right")),)
    routes = (ModelSettings("steady", ("demo/error-503", "demo/echo")),)
    limited = server_settings(max_body_bytes=5000)
    with serving(settings_for(keys=keys, models=routes, server=limited)) as running:
        yield running.client


@each_face
def test_a_chat(face: Face, facade: Facade) -> None:
    answer = face.ask(facade.client, "Good morning")
    assert (answer.status_code, face.text(answer.json())) == (200, "Good morning")
    assert answer.headers["x-model-used"] == "demo/echo"
    assert answer.headers["x-request-id"]


@each_face
def test_a_stream(face: Face, facade: Facade) -> None:
    events = face.stream(facade.client, "one two three")
    assert "".join(face.piece(event) for event in events) == "one two three"


@each_face
def test_a_key(face: Face, locked: httpx.Client) -> None:
    assert face.ask(locked, "Hi", **face.key("right")).status_code == 200
    for headers in ({}, face.key("wrong")):
        refused = face.ask(locked, "Hi", **headers)
        kind, message = face.error(refused.json())
        assert refused.status_code == 401
        assert kind.lower() in (face.unauthenticated.lower(), "missing_api_key")
        assert "key" in message
        assert "wrong" not in refused.text


@each_face
def test_a_key_counts_wherever_any_sdk_puts_it(face: Face, locked: httpx.Client) -> None:
    for other in FACES:
        assert face.ask(locked, "Hi", **other.key("right")).status_code == 200
    both = {"authorization": "Bearer a-placeholder", "x-api-key": "right"}
    assert face.ask(locked, "Hi", **both).status_code == 200


@each_face
def test_a_limit(face: Face, locked: httpx.Client) -> None:
    assert face.ask(locked, "x" * 4000, **face.key("right")).status_code == 200
    refused = face.ask(locked, "x" * 5000, **face.key("right"))
    assert refused.status_code == 413
    assert "5000 bytes" in face.error(refused.json())[1]


@each_face
def test_a_fallback(face: Face, locked: httpx.Client) -> None:
    answer = face.ask(locked, "Hi", "steady", **face.key("right"))
    assert (answer.status_code, face.text(answer.json())) == (200, "Hi")
    assert answer.headers["x-fallback-from"] == "demo/error-503"


@each_face
def test_an_unknown_model(face: Face, facade: Facade) -> None:
    refused = face.ask(facade.client, "Hi", "nobody/nothing")
    kind, message = face.error(refused.json())
    assert (refused.status_code, kind) == (404, face.not_found)
    assert "nobody" in message


@each_face
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b"{}", b"\xff", b"[" * 100_000])
def test_a_body_that_is_none(face: Face, facade: Facade, body: bytes) -> None:
    refused = face.send(facade.client, "POST", content=body)
    kind, message = face.error(refused.json())
    assert refused.status_code == 400
    assert kind
    assert message


@each_face
def test_a_method_that_is_not_served(face: Face, facade: Facade) -> None:
    refused = face.send(facade.client, "PUT")
    assert refused.status_code == 405
    assert face.error(refused.json())[1].startswith("PUT is not allowed")


@each_face
def test_a_provider_that_fails(face: Face, provided: Provided) -> None:
    provided.replies(json_reply({"error": {"message": "out of order", "type": "server_error"}}, status=500))
    failed = face.ask(provided.facade.client, "Hi", "openai/m")
    assert failed.status_code in (502, 503)
    message = face.error(failed.json())[1]
    assert "openai" in message
    assert "out of order" in message


@each_face
def test_a_stream_that_breaks_off(face: Face, provided: Provided) -> None:
    piece = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}]}
    provided.replies(event_stream(piece, CUT))
    events = face.stream(provided.facade.client, "Hi", "openai/m")
    assert "".join(face.piece(event) for event in events if "error" not in event) == "Half"
    assert "broke off" in face.error(events[-1])[1]


@pytest.mark.parametrize(
    ("face", "path", "where"),
    [
        (ANTHROPIC, "/v1/messages/count_tokens", "input_tokens"),
        (GEMINI, "/v1beta/models/demo/echo:countTokens", "totalTokens"),
        (RESPONSES, "/v1/responses/input_tokens", "input_tokens"),
    ],
    ids=str,
)
def test_counting_tokens(face: Face, path: str, where: str, facade: Facade, locked: httpx.Client) -> None:
    body = face.body("How many tokens are there in this?", "demo/echo", False)
    body.pop("max_tokens", None)
    answer = facade.client.post(path, json=body)
    assert 3 < answer.json()[where] < 30
    assert answer.headers["x-dragoman-estimated"] == "true"
    assert face.error(locked.post(path, json=body).json())[0] in (face.unauthenticated, "missing_api_key")
    assert facade.client.post(path, content=b"{}").status_code == 400
