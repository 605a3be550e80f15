"""Pages of other origins: which may ask, what browsers read of the answers, and that none may without the setting."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from http_facade.apis import APIS
from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade, asking, chunk, server_settings, serving, settings_for, settings_with
from tests.upstream import CUT, event_stream, json_reply, running_upstream

PAGE = "https://app.example.com"
ORIGIN = {"origin": PAGE}
PREFLIGHT = {
    **ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-os,x-new-sdk",
}
PATHS = sorted({path for api in APIS for path in api.paths() if "{" not in path})


@pytest.fixture(scope="module")
def allowing() -> Iterator[Facade]:
    server = server_settings(cors_origins=(PAGE, "http://localhost:3000"))
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key"}, server=server)) as facade:
        yield facade


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", [*PATHS, "/v1beta/models/demo/echo:generateContent", "/proxy/demo/x", "/nothing"])
def test_a_preflight_needs_no_key(allowing: Facade, path: str) -> None:
    answer = allowing.client.options(path, headers=PREFLIGHT)
    allowed = cors_of(answer)
    assert (answer.status_code, answer.content, answer.headers["vary"]) == (204, b"", "origin")
    assert allowed["access-control-allow-origin"] == PAGE
    assert "POST" in allowed["access-control-allow-methods"]
    assert allowed["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
    assert int(allowed["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in allowed


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.api.server.parse_chat], ids=str)
def test_every_answer_is_readable(allowing: Facade, client: ApiClient) -> None:
    answers = [
        client.ask(allowing.client, "Hi", **ORIGIN, **client.key("right-key")),
        client.ask(allowing.client, "Hi", **ORIGIN, **client.key("wrong")),
        client.ask(allowing.client, "Hi", "nobody/nothing", **ORIGIN, **client.key("right-key")),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 404]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", PAGE + ".evil.example", "http://app.example.com", "null"])
def test_other_pages_read_nothing(allowing: Facade, origin: str) -> None:
    preflight = allowing.client.options("/v1/chat/completions", headers={**PREFLIGHT, "origin": origin})
    answer = allowing.client.get("/healthz", headers={"origin": origin})
    assert (preflight.status_code, cors_of(preflight), cors_of(answer)) == (204, {}, {})
    assert answer.headers["vary"] == "origin"


def test_programs_see_nothing_of_it(allowing: Facade) -> None:
    answer = allowing.chat(asking("Hi"), authorization="Bearer right-key")
    assert (answer.status_code, cors_of(answer), "vary" in answer.headers) == (200, {}, False)


def test_any_page() -> None:
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key"}, server=server_settings(cors_origins=("*",)))) as facade:
        answer = facade.client.options("/v1/messages", headers={"origin": "null", "access-control-request-method": "POST"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert {"x-api-key", "anthropic-version"} <= set(answer.headers["access-control-allow-headers"].split(", "))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models"])
def test_no_page_may_ask_without_the_setting(facade: Facade, path: str) -> None:
    preflight = facade.client.options(path, headers=PREFLIGHT)
    assert (preflight.status_code, cors_of(preflight)) == (405, {})


def test_what_a_provider_allows_is_not_passed_on() -> None:
    passed = json_reply({}, 200, {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"})
    with running_upstream(lambda _: passed) as upstream:
        server = server_settings(cors_origins=(PAGE,))
        with serving(settings_with(upstream.url, server=server)) as facade:
            mine = facade.client.get("/proxy/openai/v1/models", headers=ORIGIN)
            others = facade.client.get("/proxy/openai/v1/models", headers={"origin": "https://evil.example"})
    assert mine.headers.get_list("access-control-allow-origin") == [PAGE]
    assert "access-control-allow-credentials" not in mine.headers
    assert cors_of(others) == {}


def test_a_stream_that_breaks_off_is_readable_to_its_end() -> None:
    with running_upstream(lambda _: event_stream(chunk("one"), CUT)) as upstream:
        server = server_settings(cors_origins=(PAGE,))
        with serving(settings_with(upstream.url, server=server)) as facade:
            answer = facade.chat(asking("Hi", "openai/m", stream=True), **ORIGIN)
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert '"error"' in answer.text
