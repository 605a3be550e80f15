"""What holds on every api alike: it asks the same core, so nothing that an operator sets holds on one of them only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from unittest.mock import ANY

import httpx
import pytest

from gateway_core.settings.settings import KeySettings, ModelSettings, hash_key
from tests.http_facade.apis.clients import ANTHROPIC, CLIENTS, GEMINI, RESPONSES, ApiClient
from tests.http_facade.serving import Facade, Provided, server_settings, serving, settings_for
from tests.upstream import CUT, event_stream, json_reply

each_api = pytest.mark.parametrize("api", CLIENTS, ids=str)


@pytest.fixture(scope="module")
def locked() -> Iterator[httpx.Client]:
    """A gateway with a key, a limit, and a route whose first target fails."""
    keys = (KeySettings("team-a", hash_key("right")),)
    routes = (ModelSettings("steady", ("demo/error-503", "demo/echo")),)
    limited = server_settings(max_body_bytes=5000)
    with serving(settings_for(keys=keys, models=routes, server=limited)) as running:
        yield running.client


@each_api
def test_a_chat(api: ApiClient, facade: Facade) -> None:
    answer = api.ask(facade.client, "Good morning")
    assert (answer.status_code, api.text(answer.json())) == (200, "Good morning")
    assert answer.headers["x-model-used"] == "demo/echo"
    assert answer.headers["x-request-id"]


@each_api
def test_a_stream(api: ApiClient, facade: Facade) -> None:
    events = api.stream(facade.client, "one two three")
    assert "".join(api.piece(event) for event in events) == "one two three"


@each_api
def test_a_key(api: ApiClient, locked: httpx.Client) -> None:
    assert api.ask(locked, "Hi", **api.key("right")).status_code == 200
    for headers in ({}, api.key("wrong")):
        refused = api.ask(locked, "Hi", **headers)
        kind, message = api.error(refused.json())
        assert refused.status_code == 401
        assert kind.lower() in (api.unauthenticated.lower(), "missing_api_key")
        assert "key" in message
        assert "wrong" not in refused.text


@each_api
def test_a_key_counts_wherever_any_sdk_puts_it(api: ApiClient, locked: httpx.Client) -> None:
    for other in CLIENTS:
        assert api.ask(locked, "Hi", **other.key("right")).status_code == 200
    both = {"authorization": "Bearer a-placeholder", "x-api-key": "right"}
    assert api.ask(locked, "Hi", **both).status_code == 200


@each_api
def test_a_limit(api: ApiClient, locked: httpx.Client) -> None:
    assert api.ask(locked, "x" * 4000, **api.key("right")).status_code == 200
    refused = api.ask(locked, "x" * 5000, **api.key("right"))
    assert refused.status_code == 413
    assert "5000 bytes" in api.error(refused.json())[1]


@each_api
def test_a_fallback(api: ApiClient, locked: httpx.Client) -> None:
    answer = api.ask(locked, "Hi", "steady", **api.key("right"))
    assert (answer.status_code, api.text(answer.json())) == (200, "Hi")
    assert answer.headers["x-fallback-from"] == "demo/error-503"


def asked(api: ApiClient, client: httpx.Client, fields: Mapping[str, object], model: str = "demo/echo") -> httpx.Response:
    """A chat with more fields in its body, whose route is wanted in a header."""
    headers = {**api.headers, "x-dragoman-route": "true"}
    return client.post(api.path(model, False), json={**api.body("Hi", model, False), **fields}, headers=headers)


@each_api
def test_routing_preferences(api: ApiClient, facade: Facade) -> None:
    fields = {"models": ["demo/echo"], "provider": {"order": ["Demo"], "zdr": True, "ignore": ["DeepInfra"]}}
    answer = asked(api, facade.client, fields, "demo/error-503")
    assert (answer.status_code, api.text(answer.json())) == (200, "Hi")
    assert answer.headers["x-fallback-from"] == "demo/error-503"
    route = json.loads(answer.headers["x-dragoman-route"])
    assert (route["requested"], route["strategy"]) == ("demo/error-503", "order")
    assert [(made["model"], made["reason"]) for made in route["attempts"]] == [
        ("error-503", "UPSTREAM_OVERLOADED"),
        ("echo", ""),
    ]


@each_api
def test_preferences_that_leave_nobody(api: ApiClient, facade: Facade) -> None:
    refused = asked(api, facade.client, {"provider": {"only": ["openai"], "quantizations": ["fp8"]}})
    assert (refused.status_code, api.error(refused.json())[0]) == (404, api.not_found if api.name != "openai" else ANY)
    assert "only excludes demo/echo: it does not name demo" in api.error(refused.json())[1]
    (considered,) = json.loads(refused.headers["x-dragoman-route"])["considered"]
    assert considered["excluded_by"] == "only"


@each_api
@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("provider.order[0]", {"provider": {"order": ["dmeo"]}}),
        ("provider.max_price.prompt", {"provider": {"max_price": {"prompt": -1}}}),
        ("provider.speed", {"provider": {"speed": "high"}}),
        ("models[1]", {"models": ["demo/echo", "nobody/nothing"]}),
    ],
)
def test_malformed_preferences(api: ApiClient, facade: Facade, field: str, fields: Mapping[str, object]) -> None:
    refused = asked(api, facade.client, fields)
    assert refused.status_code == 400
    assert field in api.error(refused.json())[1] or field in refused.text


@each_api
def test_an_unknown_model(api: ApiClient, facade: Facade) -> None:
    refused = api.ask(facade.client, "Hi", "nobody/nothing")
    kind, message = api.error(refused.json())
    assert (refused.status_code, kind) == (404, api.not_found)
    assert "nobody" in message


@each_api
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b"{}", b"\xff", b"[" * 100_000])
def test_a_body_that_is_none(api: ApiClient, facade: Facade, body: bytes) -> None:
    refused = api.send(facade.client, "POST", content=body)
    kind, message = api.error(refused.json())
    assert refused.status_code == 400
    assert kind
    assert message


@each_api
def test_a_method_that_is_not_served(api: ApiClient, facade: Facade) -> None:
    refused = api.send(facade.client, "PUT")
    assert refused.status_code == 405
    assert api.error(refused.json())[1].startswith("PUT is not allowed")


@each_api
def test_a_provider_that_fails(api: ApiClient, provided: Provided) -> None:
    provided.replies(json_reply({"error": {"message": "out of order", "type": "server_error"}}, status=500))
    failed = api.ask(provided.facade.client, "Hi", "openai/m")
    assert failed.status_code in (502, 503)
    message = api.error(failed.json())[1]
    assert "openai" in message
    assert "out of order" in message


@each_api
def test_a_stream_that_breaks_off(api: ApiClient, provided: Provided) -> None:
    piece = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": None}]}
    provided.replies(event_stream(piece, CUT))
    events = api.stream(provided.facade.client, "Hi", "openai/m")
    assert "".join(api.piece(event) for event in events if "error" not in event) == "Half"
    assert "broke off" in api.error(events[-1])[1]


@pytest.mark.parametrize(
    ("api", "path", "where"),
    [
        (ANTHROPIC, "/v1/messages/count_tokens", "input_tokens"),
        (GEMINI, "/v1beta/models/demo/echo:countTokens", "totalTokens"),
        (RESPONSES, "/v1/responses/input_tokens", "input_tokens"),
    ],
    ids=str,
)
def test_counting_tokens(api: ApiClient, path: str, where: str, facade: Facade, locked: httpx.Client) -> None:
    body = api.body("How many tokens are there in this?", "demo/echo", False)
    body.pop("max_tokens", None)
    answer = facade.client.post(path, json=body)
    assert 3 < answer.json()[where] < 30
    assert answer.headers["x-dragoman-estimated"] == "true"
    assert api.error(locked.post(path, json=body).json())[0] in (api.unauthenticated, "missing_api_key")
    assert facade.client.post(path, content=b"{}").status_code == 400


@pytest.mark.parametrize("api", [client for client in CLIENTS if client.api.server.parse_chat], ids=str)
def test_a_providers_529(api: ApiClient, provided: Provided) -> None:
    """Anthropic's own status, which no other API has."""
    provided.replies(json_reply({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529))
    answer = api.ask(provided.facade.client, "Hi", "openai/m")
    assert answer.status_code == (529 if api is ANTHROPIC else 503)
    assert api is not ANTHROPIC or answer.json()["error"]["type"] == "overloaded_error"
