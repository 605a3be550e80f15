"""Routes that share calls, over the wire: whose turn it is, and who stays."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from gateway_core.settings.settings import ModelSettings
from tests.http_facade.serving import UPSTREAM_KEY, Facade, asking, completion, serving, settings_for
from tests.upstream import json_reply, running_upstream


@pytest.fixture(scope="module")
def shared() -> Iterator[Facade]:
    route = ModelSettings("shared", ("demo/echo", "openai/m"), balance="weighted")
    with running_upstream(lambda _: json_reply(completion())) as upstream:
        environ = {"OPENAI_API_URL": upstream.url, "OPENAI_API_KEY": UPSTREAM_KEY}
        with serving(settings_for(environ, models=(route,))) as running:
            yield running


def who(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-model-used"]


def test_turns(shared: Facade) -> None:
    used = [who(shared.chat(asking(f"question {number}", "shared"))) for number in range(4)]
    assert used == ["demo/echo", "openai/m"] * 2


@pytest.mark.parametrize(
    "header", ["x-session-id", "x-claude-code-session-id", "session_id", "session-id", "x-session-affinity"]
)
def test_a_session_stays(shared: Facade, header: str) -> None:
    headers = {header: f"by {header}", "x-dragoman-route": "true"}
    first, *others = [
        shared.client.post("/v1/chat/completions", json=asking(f"{header} {number}", "shared"), headers=headers)
        for number in range(4)
    ]
    assert {who(answer) for answer in others} == {who(first)}
    routes = [json.loads(answer.headers["x-dragoman-route"]) for answer in (first, *others)]
    assert [route["strategy"] for route in routes] == ["weighted", *["affinity"] * 3]


def test_the_session_in_a_body(shared: Facade) -> None:
    for fields in ({"prompt_cache_key": "k"}, {"session_id": "k"}):
        used = {who(shared.chat(asking(f"body {number}", "shared", **fields))) for number in range(3)}
        assert len(used) == 1
    path, body = "/api/v1/chat/completions", {"session_id": "router"}
    used = {who(shared.client.post(path, json=asking(f"router {number}", "shared", **body))) for number in range(3)}
    assert len(used) == 1
