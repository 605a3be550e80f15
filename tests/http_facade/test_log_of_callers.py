"""Who asked, in the access log: the name of the key, and the client's address, however the request ends."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from tests.http_facade.serving import Facade, Provided, asking, server_settings, serving, settings_with
from tests.upstream import STALL, Reply, Signal, json_reply, running_upstream

KEYS = {"authorization": "Bearer key-of-ann"}
PROXIED = server_settings(trusted_proxies=(ip_network("127.0.0.0/8"), ip_network("192.0.2.0/24")))


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def keyed(request: pytest.FixtureRequest) -> Iterator[Provided]:
    from gateway_core.settings.settings import KeySettings, hash_key

    keys = (KeySettings("ann", hash_key("key-of-ann")), KeySettings("Jörg", hash_key("key-of-jörg")))
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url, keys=keys, server=PROXIED), split=request.param) as facade,
    ):
        yield Provided(facade, upstream)


def line_of(facade: Facade, method: str, path: str, request_id: str, body: Any = None, **headers: str) -> dict[str, Any]:
    facade.client.request(method, path, json=body, headers={"x-request-id": request_id, **headers})
    return facade.log.wait_for(request_id)


ASKED = [
    ("POST", "/v1/chat/completions", asking("Hi"), 200),
    ("POST", "/v1/chat/completions", asking("Hi", stream=True), 200),
    ("POST", "/v1/chat/completions", asking("Hi", "demo/error-429"), 429),
    ("POST", "/v1/chat/completions", asking("Hi", "demo/error-429", stream=True), 429),
    ("POST", "/v1/chat/completions", asking("Hi", "nobody/m"), 404),
    ("POST", "/v1/completions", {"model": "demo/echo", "prompt": ["a", "b"]}, 200),
    ("POST", "/v1/completions", {"model": "demo/echo", "prompt": ["a", "b"], "stream": True}, 200),
    ("POST", "/v1/messages", {**asking("Hi"), "max_tokens": 9}, 200),
    ("POST", "/v1/messages/count_tokens", asking("Hi"), 200),
    ("POST", "/v1/responses", {"model": "demo/echo", "input": "Hi"}, 200),
    ("GET", "/v1/responses/resp_nothing", None, 404),
    ("GET", "/api/v1/generation?id=gen-nothing", None, 404),
    ("GET", "/v1/models", None, 200),
    ("GET", "/proxy/openai/models", None, 200),
    ("GET", "/proxy/nobody/models", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ASKED)
def test_whose_key_it_was(keyed: Provided, method: str, path: str, body: Any, status: int) -> None:
    request_id = f"whose-{ASKED.index((method, path, body, status))}"
    line = line_of(keyed.facade, method, path, request_id, body, **KEYS)
    assert (line["status"], line["caller"], line["client"]) == (status, "ann", "127.0.0.1")


def test_a_name_that_metadata_cannot_carry(keyed: Provided) -> None:
    line = line_of(keyed.facade, "GET", "/v1/models", "named", authorization="Bearer key-of-j%C3%B6rg")
    assert "caller" not in line
    headers = [(b"authorization", "Bearer key-of-jörg".encode()), (b"x-request-id", b"named-2")]
    keyed.facade.client.get("/v1/models", headers=headers)
    assert keyed.facade.log.wait_for("named-2").get("caller") in (None, "J%C3%B6rg")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_nobody_s_key(keyed: Provided, headers: dict[str, str]) -> None:
    line = line_of(keyed.facade, "POST", "/v1/chat/completions", f"nobody-{len(headers)}", asking("Hi"), **headers)
    assert (line["status"], line.get("caller"), line["client"]) == (401, None, "127.0.0.1")


def test_a_client_that_leaves(keyed: Provided) -> None:
    arrived = Signal()
    keyed.replies(Reply(body=[STALL]), arrived=arrived)
    with keyed.facade.client.stream("POST", "/proxy/openai/x", headers={**KEYS, "x-request-id": "left"}):
        arrived.join()
    assert keyed.facade.log.wait_for("left")["caller"] == "ann"


def test_the_client_behind_proxies(keyed: Provided) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.1, 203.0.113.7, 192.0.2.1"}
    line = line_of(keyed.facade, "GET", "/v1/models", "proxied", **forwarded, **KEYS)
    assert line["client"] == "203.0.113.7"


def test_an_address_that_the_client_invents(either: Facade) -> None:
    line = line_of(either, "GET", "/v1/models", "invented", **{"x-forwarded-for": "203.0.113.7", "forwarded": "for=1.1.1.1"})
    assert (line["client"], line["caller"]) == ("127.0.0.1", "anonymous")
