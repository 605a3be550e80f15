"""Every api once more below the name of a context, with the core in the same process and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gateway_core.settings.contexts import IS_VERSION, RESERVED, ContextSettings, KeyPlace
from gateway_core.settings.settings import KeySettings, ModelSettings, hash_key
from http_facade.apis import APIS
from http_facade.router import reserved_segments
from tests.http_facade.apis.clients import ANTHROPIC, CLIENTS, GEMINI, OPENAI, ApiClient
from tests.http_facade.serving import Facade, asking, serving, settings_for, settings_with, text_of
from tests.upstream import WAIT_S, json_reply, running_upstream

CONTEXTS = (
    ContextSettings("sales", provider="demo"),
    ContextSettings("help", model="steady"),
    ContextSettings("shop", model="demo/echo", auth=KeyPlace("x-shop-key")),
    ContextSettings("web", model="demo/echo", auth=KeyPlace(query="Token")),
    ContextSettings("desk", model="demo/echo", auth=KeyPlace("authorization", prefix="Ticket ")),
)
ROUTES = (ModelSettings("steady", ("demo/error-503", "demo/echo")),)
KEYS = (KeySettings("team-a", hash_key("right")),)

each_api = pytest.mark.parametrize("api", CLIENTS, ids=str)


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def locked(request: pytest.FixtureRequest) -> Iterator[Facade]:
    """A gateway with a key and contexts."""
    with serving(settings_for(keys=KEYS, models=ROUTES, contexts=CONTEXTS), split=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def opened() -> Iterator[Facade]:
    """The same without a key."""
    with serving(settings_for(models=ROUTES, contexts=CONTEXTS)) as running:
        yield running


def below(facade: Facade, context: str) -> httpx.Client:
    """As an SDK is set up: its base URL ends in the context."""
    return httpx.Client(base_url=f"{facade.url}/{context}", timeout=WAIT_S, trust_env=False)


@each_api
@pytest.mark.parametrize("model", ["echo", "demo/echo"])
def test_a_context_that_is_bound_to_a_provider(api: ApiClient, model: str, opened: Facade) -> None:
    with below(opened, "sales") as client:
        answer = api.ask(client, "Good morning", model)
        assert (answer.status_code, api.text(answer.json())) == (200, "Good morning")
        assert answer.headers["x-model-used"] == "demo/echo"
        events = api.stream(client, "one two three", model)
        assert "".join(api.piece(event) for event in events) == "one two three"


@each_api
@pytest.mark.parametrize("model", ["gpt-4o", "anthropic/claude-sonnet-4-5", "steady"])
def test_a_context_that_is_bound_to_a_route(api: ApiClient, model: str, opened: Facade) -> None:
    with below(opened, "help") as client:
        answer = api.ask(client, "Good morning", model)
        assert (answer.status_code, api.text(answer.json())) == (200, "Good morning")
        assert answer.headers["x-fallback-from"] == "demo/error-503"
        events = api.stream(client, "one two three", model)
        assert "".join(api.piece(event) for event in events) == "one two three"


@each_api
@pytest.mark.parametrize(
    ("context", "model", "said"),
    [("sales", "openai/gpt-4o", "the context sales serves demo"), ("nobody", "demo/echo", "there is no context 'nobody'")],
)
def test_what_is_refused_is_refused_in_the_faces_own_form(
    api: ApiClient, context: str, model: str, said: str, opened: Facade
) -> None:
    with below(opened, context) as client:
        refused = api.ask(client, "Hi", model)
        kind, message = api.error(refused.json())
        assert (refused.status_code, kind) == (404, api.not_found)
        assert said in message
        assert api.error(api.send(client, "PUT", model).json())[1].startswith("PUT is not allowed")
        broken = api.send(client, "POST", model, content=b"{")
        assert broken.status_code == 400
        assert api.error(broken.json())[1]


@each_api
@pytest.mark.parametrize("context", ["sales", "help"])
def test_a_key_counts_wherever_any_sdk_puts_it(api: ApiClient, context: str, locked: Facade) -> None:
    with below(locked, context) as client:
        for other in CLIENTS:
            assert api.ask(client, "Hi", "echo", **other.key("right")).status_code == 200
        seed = {**api.key("placeholder"), "x-api-key": "right"}
        assert api.ask(client, "Hi", "echo", **seed).status_code == 200
        refused = api.ask(client, "Hi", "echo", **api.key("wrong"))
        assert (refused.status_code, api.error(refused.json())[0]) == (401, api.unauthenticated)
        assert "wrong" not in refused.text


@each_api
@pytest.mark.parametrize(
    ("context", "query", "headers"),
    [
        ("shop", "", {"x-shop-key": "right"}),
        ("shop", "", {"X-SHOP-KEY": "right", "authorization": "Bearer placeholder"}),
        ("web", "Token=right", {}),
        ("desk", "", {"authorization": "Ticket right"}),
    ],
)
def test_a_context_with_a_place_for_keys(
    api: ApiClient, context: str, query: str, headers: dict[str, str], locked: Facade
) -> None:
    with below(locked, context) as client:
        url = httpx.URL(api.path("any", False)).copy_merge_params(httpx.QueryParams(query))
        answer = client.post(url, json=api.body("Hi", "any", False), headers={**api.headers, **headers})
        assert (answer.status_code, api.text(answer.json())) == (200, "Hi")


@each_api
@pytest.mark.parametrize(
    ("context", "place", "query", "headers", "code"),
    [
        ("shop", "the header x-shop-key", "", {"authorization": "Bearer right", "x-api-key": "right"}, "missing"),
        ("shop", "", "", {"x-shop-key": "wrong", "authorization": "Bearer right"}, "not one of this gateway's"),
        ("web", "the URL's query, as Token=KEY", "key=right", {"authorization": "Bearer right"}, "missing"),
        ("web", "", "token=right", {}, "missing"),
        ("desk", "as Ticket KEY", "", {"authorization": "Bearer right"}, "missing"),
    ],
)
def test_a_key_in_another_place_does_not_count(
    api: ApiClient, context: str, place: str, query: str, headers: dict[str, str], code: str, locked: Facade
) -> None:
    with below(locked, context) as client:
        url = httpx.URL(api.path("any", False)).copy_merge_params(httpx.QueryParams(query))
        refused = client.post(url, json=api.body("Hi", "any", False), headers={**api.headers, **headers})
        _, message = api.error(refused.json())
        assert refused.status_code == 401
        assert place in message
        assert code in message or code == "missing"
        assert "right" not in refused.text


def test_who_has_no_key_learns_of_no_context(locked: Facade) -> None:
    texts = []
    for context in ("sales", "nobody"):
        with below(locked, context) as client:
            refused = OPENAI.ask(client, "Hi", "echo")
            texts.append((refused.status_code, refused.text))
    assert texts[0] == texts[1]
    assert texts[0][0] == 401


@pytest.mark.parametrize(("api", "path"), [(OPENAI, "/v1/models"), (ANTHROPIC, "/v1/models"), (GEMINI, "/v1beta/models")])
def test_models_of_a_context(api: ApiClient, path: str) -> None:
    """Only what it serves: other providers are not even asked."""
    named = {ANTHROPIC: {"anthropic-version": "2023-06-01"}, GEMINI: {"x-goog-api-key": "k"}}.get(api, {})

    def ids(client: httpx.Client) -> set[str]:
        body = client.get(path, headers=named).json()
        return {str(card.get("id") or card["name"].removeprefix("models/")) for card in body.get("data") or body["models"]}

    with (
        running_upstream(lambda _: json_reply({"object": "list", "data": [{"id": "a"}]})) as upstream,
        serving(settings_with(upstream.url, models=ROUTES, contexts=CONTEXTS)) as facade,
    ):
        with below(facade, "sales") as client:
            listed = ids(client)
            assert {"demo/echo", "steady"} <= listed
            assert not any(name.startswith("openai/") for name in listed)
        with below(facade, "help") as client:
            assert ids(client) == {"steady"}
        assert upstream.requests == []
        assert "openai/a" in ids(facade.client)


def test_the_gateways_own_paths_stay_its_own(opened: Facade) -> None:
    for path in (
        "/v1/help/messages",
        "/api/v1/messages",
        "/openai/v1/messages",
        "/v1beta/help/chat/completions",
        "/proxy/v1/messages",
    ):
        refused = opened.client.post(path, json={})
        assert refused.status_code == 404
        assert "context" not in refused.text
    for path in ("/sales", "/sales/", "/sales/v1", "/sales/healthz", "/sales/help/v1/messages", "/s%C3%A4les/v1/messages"):
        refused = opened.client.post(path, json={})
        assert refused.status_code == 404
        assert f"There is nothing at {refused.url.path}" in refused.json()["error"]["message"]


def test_every_path_of_the_gateways_own_is_reserved() -> None:
    """Whatever is served later: no context has the name of its first segment."""
    firsts = {path.split("/")[1] for api in APIS for path in api.paths()}
    assert len(firsts) > 5
    assert reserved_segments(APIS) <= firsts
    assert {first for first in firsts if first not in RESERVED and not IS_VERSION(first)} == set()


def test_a_header_makes_no_context(opened: Facade) -> None:
    """Over HTTP the path tells."""
    answer = opened.chat(asking("Hi"), x_dragoman_context="nobody")
    assert (answer.status_code, text_of(answer)) == (200, "Hi")


def test_no_key_is_logged(locked: Facade) -> None:
    with below(locked, "web") as client:
        client.post("/v1/chat/completions?Token=right", json=asking("Hi"), headers={"x-request-id": "web-1"})
    line = locked.log.wait_for("web-1")
    assert (line["status"], line["path"]) == (200, "/web/v1/chat/completions")
    assert "right" not in str(line)
