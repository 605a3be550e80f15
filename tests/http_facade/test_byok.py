"""What clients bring of their own, on every api, over real sockets: keys, providers, URLs, and the names of their tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from gateway_core.settings.byok import ByokSettings, UrlRule
from gateway_core.settings.contexts import ContextSettings
from gateway_core.settings.settings import KeySettings, hash_key
from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import UPSTREAM_KEY, Facade, completion, serving, settings_with, streamed, text_of
from tests.upstream import WAIT_S, Received, Reply, Upstream, json_reply, running_upstream

GATEWAY_KEY = "dragoman-gateway-key"
OWN_KEY = "sk-of-the-client"
each_api = pytest.mark.parametrize("api", CLIENTS, ids=str)


@dataclass(frozen=True)
class House:
    facade: Facade
    upstream: Upstream
    """The operator's provider openai, and a server that clients may name."""

    def sent(self) -> Received:
        """The one request that reached it."""
        (request,) = self.upstream.requests
        return request


def answering(request: Received) -> Reply:
    return streamed("Hel", "lo") if b'"stream":true' in request.body else json_reply(completion("Hello"))


def refusing(request: Received) -> Reply:
    return json_reply(
        {"error": {"message": f"Incorrect API key: {request.headers['authorization']}", "code": "invalid_api_key"}}, 401
    )


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    keys = (KeySettings("team-a", hash_key(GATEWAY_KEY)),)
    contexts = (ContextSettings("sales", provider="openai"),)
    with running_upstream(answering) as upstream:
        port = int(upstream.url.rpartition(":")[2])
        byok = ByokSettings(urls=(UrlRule("http", "127.0.0.1", port, ""),), private_urls=True)
        settings = settings_with(upstream.url, keys=keys, contexts=contexts, byok=byok)
        with serving(settings, split=request.param) as running:
            yield House(running, upstream)


@pytest.fixture(autouse=True)
def fresh(house: House) -> None:
    house.upstream.requests.clear()
    house.upstream.handler = answering


def with_gateway_key(api: ApiClient, **headers: str) -> dict[str, str]:
    """Underscores stand for hyphens."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**api.headers, **api.key(GATEWAY_KEY), **own}


@each_api
@pytest.mark.parametrize("prefix", ["x-inference-", "x-dragoman-"])
def test_a_key_of_the_clients_own(api: ApiClient, prefix: str, house: House) -> None:
    own = {f"{prefix}provider": "openai", f"{prefix}provider-api-key": OWN_KEY, f"{prefix}environment": "production"}
    answer = api.ask(house.facade.client, "Hi", "gpt-4o-mini", **api.key(GATEWAY_KEY), **own)
    assert (answer.status_code, api.text(answer.json())) == (200, "Hello")
    assert answer.headers["x-model-used"] == "openai/gpt-4o-mini"
    sent = house.sent()
    assert sent.headers["authorization"] == f"Bearer {OWN_KEY}"
    assert GATEWAY_KEY not in str(sent.headers)
    assert UPSTREAM_KEY not in str(sent.headers)
    assert not any(name.startswith(("x-inference", "x-dragoman")) for name in sent.headers)


@each_api
def test_a_stream_with_a_key_of_the_clients_own(api: ApiClient, house: House) -> None:
    own = with_gateway_key(api, x_inference_provider="openai", x_inference_provider_api_key=OWN_KEY)
    with httpx.Client(base_url=house.facade.url, headers=own, timeout=WAIT_S, trust_env=False) as client:
        events = api.stream(client, "Hi", "gpt-4o-mini")
    assert "".join(api.piece(event) for event in events) == "Hello"
    assert house.sent().headers["authorization"] == f"Bearer {OWN_KEY}"


@each_api
def test_a_url_of_the_clients_own(api: ApiClient, house: House) -> None:
    own = {"x_inference_provider_url": house.upstream.url, "x_inference_provider_api_key": OWN_KEY}
    answer = api.ask(house.facade.client, "Hi", "my-model", **with_gateway_key(api, **own))
    assert (answer.status_code, api.text(answer.json())) == (200, "Hello")
    assert answer.headers["x-model-used"] == "127.0.0.1/my-model"
    assert house.sent().headers["authorization"] == f"Bearer {OWN_KEY}"


@each_api
def test_no_operators_key_goes_to_a_clients_url(api: ApiClient, house: House) -> None:
    own = with_gateway_key(api, x_inference_provider="openai", x_inference_provider_url=house.upstream.url)
    assert api.ask(house.facade.client, "Hi", "m", **own).status_code == 200
    sent = str(house.sent().headers)
    assert UPSTREAM_KEY not in sent
    assert GATEWAY_KEY not in sent


@each_api
def test_urls_that_are_not_allowed(api: ApiClient, house: House) -> None:
    own = with_gateway_key(
        api, x_inference_provider_url="http://169.254.169.254/latest", x_inference_provider_api_key=OWN_KEY
    )
    refused = api.ask(house.facade.client, "Hi", "m", **own)
    assert refused.status_code == 403
    assert "169.254.169.254" in api.error(refused.json())[1]
    assert OWN_KEY not in refused.text


@each_api
def test_ones_own_key_in_a_context(api: ApiClient, house: House) -> None:
    own = with_gateway_key(api, x_inference_provider_api_key=OWN_KEY)
    answer = house.facade.client.post("/sales" + api.path("m", False), json=api.body("Hi", "m", False), headers=own)
    assert (answer.status_code, api.text(answer.json())) == (200, "Hello")
    assert house.sent().headers["authorization"] == f"Bearer {OWN_KEY}"
    refused = house.facade.client.post(
        "/sales" + api.path("m", False), json=api.body("Hi", "m", False), headers={**own, "x-inference-provider": "mistral"}
    )
    assert refused.status_code == 403
    assert "the context sales" in api.error(refused.json())[1]


@each_api
def test_a_key_that_the_provider_refuses(api: ApiClient, house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.upstream.handler = refusing
    own = with_gateway_key(
        api, x_inference_provider="openai", x_inference_provider_api_key=OWN_KEY, x_request_id=f"no-{api}"
    )
    with caplog.at_level(logging.DEBUG):
        refused = api.ask(house.facade.client, "Hi", "m", **own)
    assert (refused.status_code, api.error(refused.json())[0]) == (401, api.unauthenticated)
    assert "openai: Incorrect API key" in api.error(refused.json())[1]
    line = house.facade.log.wait_for(f"no-{api}")
    for place in (refused.text, str(refused.headers), str(line), caplog.text):
        assert OWN_KEY not in place


@each_api
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-inference-provider-api-key", "k" * 4000),
        ("x-inference-provider-api-key", "schlüssel"),
        ("x-dragoman-provider-url", "http://a/" + "b" * 4000),
        ("x-dragoman-provider", "open\tai"),
    ],
    ids=["long key", "other letters", "long url", "a tab"],
)
def test_what_cannot_be_carried_is_refused_and_not_cut(api: ApiClient, name: str, value: str, house: House) -> None:
    named = {**api.headers, **api.key(GATEWAY_KEY), name: value}
    headers = {key.encode(): text.encode() for key, text in named.items()}
    refused = house.facade.client.post(api.path("m", False), json=api.body("Hi", "m", False), headers=headers)
    assert refused.status_code == 400
    assert name in api.error(refused.json())[1]
    assert value not in refused.text


@each_api
@pytest.mark.parametrize("prefix", ["x-inference-", "x-dragoman-"])
def test_the_task_is_in_the_log(api: ApiClient, prefix: str, house: House) -> None:
    request_id = f"task-{prefix}{api}"
    said = {f"{prefix}task-id": "research agent/7", f"{prefix}environment": "staging", "x-request-id": request_id}
    answer = api.ask(house.facade.client, "Hi", "demo/echo", **api.key(GATEWAY_KEY), **said)
    assert answer.status_code == 200
    line = house.facade.log.wait_for(request_id)
    assert (line["task_id"], line["environment"]) == ("research agent/7", "staging")


def test_the_task_of_a_request_that_fails_is_in_the_log_too(house: House) -> None:
    headers = {"x-dragoman-task-id": "t" * 1000, "x-request-id": "failed-task", "authorization": f"Bearer {GATEWAY_KEY}"}
    assert house.facade.client.post("/v1/chat/completions", content=b"{", headers=headers).status_code == 400
    line = house.facade.log.wait_for("failed-task")
    assert line["task_id"] == "t" * 256
    assert "environment" not in line


def test_a_gateway_key_in_the_wrong_header_goes_nowhere(house: House) -> None:
    headers = {"authorization": f"Bearer {GATEWAY_KEY}", "x-inference-provider": "openai"}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    refused = house.facade.client.post(
        "/v1/chat/completions", json=body, headers={**headers, "x-inference-provider-api-key": GATEWAY_KEY}
    )
    assert refused.status_code == 400
    assert "is a key of this gateway" in refused.json()["error"]["message"]
    assert house.upstream.requests == []


def test_the_pattern_of_wrapped_anthropic_clients(house: House) -> None:
    """The provider's key stands where Anthropic's SDK puts it, and the gateway's in Authorization."""
    headers = {
        "x-api-key": OWN_KEY,
        "authorization": f"Bearer {GATEWAY_KEY}",
        "x-inference-provider": "openai",
        "x-inference-provider-api-key": OWN_KEY,
    }
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    answer = house.facade.client.post("/v1/chat/completions", json=body, headers=headers)
    assert (answer.status_code, text_of(answer)) == (200, "Hello")
    assert house.sent().headers["authorization"] == f"Bearer {OWN_KEY}"


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/proxy/openai/chat/completions", {"x-dragoman-provider": "openai"}),
        ("/proxy/openai/chat/completions", {}),
        ("/sales/proxy/openai/chat/completions", {}),
        ("/proxy/any/chat/completions", {"x-dragoman-provider-url": "upstream"}),
    ],
)
def test_a_key_of_the_clients_own_for_a_providers_own_api(path: str, own: dict[str, str], house: House) -> None:
    brought = {name: value.replace("upstream", house.upstream.url) for name, value in own.items()}
    headers = {"authorization": f"Bearer {GATEWAY_KEY}", "x-dragoman-provider-api-key": OWN_KEY, **brought}
    answer = house.facade.client.post(path, json={"model": "m"}, headers=headers)
    assert (answer.status_code, text_of(answer)) == (200, "Hello")
    sent = house.sent()
    assert (sent.path, sent.headers["authorization"]) == ("/chat/completions", f"Bearer {OWN_KEY}")
    assert not any(name.startswith("x-dragoman") for name in sent.headers)


def test_a_context_binds_the_way_to_a_providers_own_api_too(house: House) -> None:
    headers = {"authorization": f"Bearer {GATEWAY_KEY}"}
    refused = house.facade.client.post("/sales/proxy/demo/chat/completions", json={}, headers=headers)
    assert refused.status_code == 404
    assert "the context sales serves openai" in refused.text
