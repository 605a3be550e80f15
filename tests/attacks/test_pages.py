"""Pages in a browser on the machine of a gateway without keys: by a name of their own (DNS rebinding), from other sites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade, server_settings, serving, settings_for

each_api = pytest.mark.parametrize("client", CLIENTS, ids=str)
FOREIGN_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil",
    "localhost:80.evil",
    "[::1].evil",
]
OWN_HOSTS = ["LOCALHOST:8080", "app.localhost", "127.0.0.1:1", "[::1]:8080", "192.168.1.2", "named.example:8"]
FOREIGN_ORIGINS = ["https://evil.example", "http://localhost.evil.example", "http://192.168.1.2", "null"]
OWN_ORIGINS = ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:1", "vscode-webview://abc", "https://app.example"]


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def open_gateway(request: pytest.FixtureRequest) -> Iterator[Facade]:
    server = server_settings(hosts=("named.example",), cors_origins=("https://app.example",))
    with serving(settings_for(server=server), split=request.param) as facade:
        yield facade


@pytest.fixture(scope="module")
def locked() -> Iterator[Facade]:
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key"})) as facade:
        yield facade


@each_api
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_name(open_gateway: Facade, client: ApiClient, host: str) -> None:
    refused = client.ask(open_gateway.client, "Hi", host=host)
    assert refused.status_code == 421
    assert "[server] hosts" in client.error(refused.json())[1]


@each_api
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_site(open_gateway: Facade, client: ApiClient, origin: str) -> None:
    refused = client.ask(open_gateway.client, "Hi", origin=origin)
    assert refused.status_code == 403
    assert "cors_origins" in client.error(refused.json())[1]
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("headers", [{"host": host} for host in OWN_HOSTS] + [{"origin": origin} for origin in OWN_ORIGINS])
def test_this_machine(open_gateway: Facade, headers: dict[str, str]) -> None:
    for client in CLIENTS:
        assert client.ask(open_gateway.client, "Hi", **headers).status_code == 200


def test_a_page_of_the_same_address(open_gateway: Facade) -> None:
    headers = {"host": "192.168.1.2:8080", "origin": "http://192.168.1.2:8080"}
    assert CLIENTS[0].ask(open_gateway.client, "Hi", **headers).status_code == 200


@each_api
def test_with_a_key_every_name_and_page_may_ask(locked: Facade, client: ApiClient) -> None:
    for headers in ({"host": "gateway.example"}, {"origin": "https://evil.example"}):
        assert client.ask(locked.client, "Hi", **headers, **client.key("right-key")).status_code == 200


@pytest.mark.parametrize("path", ["/proxy/demo/chat/completions", "/v1/models", "/v1/responses/x"])
def test_every_path_is_guarded(open_gateway: Facade, path: str) -> None:
    for headers, status in (({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)):
        for method in ("GET", "DELETE") if "responses" in path else ("GET",):
            assert open_gateway.client.request(method, path, headers=headers).status_code == status
