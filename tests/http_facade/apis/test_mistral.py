"""Mistral's chats and gaps over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.http_facade.serving import UPSTREAM_KEY, Facade, Provided, asking, completion, serving, settings_for, streamed
from tests.upstream import json_reply, running_upstream

CLIENT = {"user-agent": "mistral-client-python/3.7.0"}
FIM = "/v1/fim/completions"
GAP = {"model": "mistral/codestral-latest", "prompt": "def f(", "suffix": "return x", "max_tokens": 9}


@pytest.fixture(scope="module")
def codestral() -> Iterator[Provided]:
    """With Mistral's own API behind it."""
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_for({"MISTRAL_API_URL": upstream.url, "MISTRAL_API_KEY": UPSTREAM_KEY})) as running,
    ):
        yield Provided(running, upstream)


def test_a_gap(codestral: Provided) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    codestral.replies(json_reply(completion("x):", usage=usage)))
    answer = codestral.facade.client.post(FIM, json=GAP)
    body = answer.json()
    assert body["choices"][0]["message"]["content"] == "x):"
    assert (body["object"], body["usage"]["total_tokens"], body["id"]) == ("chat.completion", 4, "chatcmpl-1")
    (sent,) = codestral.requests
    assert sent.path == "/fim/completions"
    assert sent.json() == {"model": "codestral-latest", "prompt": "def f(", "suffix": "return x", "max_tokens": 9}


def test_a_streamed_gap(codestral: Provided) -> None:
    codestral.replies(streamed("x", "):"))
    answer = codestral.facade.client.post(FIM, json={**GAP, "stream": True})
    chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "x):"
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    assert codestral.requests[0].json()["stream"] is True


def test_a_gap_that_nobody_else_fills(facade: Facade) -> None:
    refused = facade.client.post(FIM, json={**GAP, "model": "demo/echo"})
    error = refused.json()
    assert (refused.status_code, error["object"], error["code"]) == (400, "error", "unsupported")
    assert "mistral" in error["message"]


def test_mistrals_own_fields_reach_it(codestral: Provided) -> None:
    codestral.replies(json_reply(completion()))
    body = asking("Hi", "mistral/m", random_seed=7, safe_prompt=True, prompt_mode="reasoning")
    answer = codestral.facade.client.post("/v1/chat/completions", json=body, headers=CLIENT)
    assert "x-dragoman-warnings" not in answer.headers
    sent = codestral.requests[0].json()
    assert (sent["random_seed"], sent["safe_prompt"], sent["prompt_mode"]) == (7, True, "reasoning")


def test_the_list_of_mistral_itself(codestral: Provided) -> None:
    card = {"id": "codestral-latest", "object": "model", "created": 7, "owned_by": "mistralai", "type": "base"}
    own = {"completion_chat": True, "completion_fim": True}
    codestral.replies(json_reply({"object": "list", "data": [{**card, "capabilities": own, "max_context_length": 9}]}))
    cards = codestral.facade.client.get("/v1/models", headers=CLIENT).json()["data"]
    (found,) = [one for one in cards if one["id"] == "mistral/codestral-latest"]
    assert (found["capabilities"], found["max_context_length"], found["type"]) == (own, 9, "base")


@pytest.mark.parametrize(("method", "status"), [("PUT", 405), ("POST", 400)])
def test_what_is_refused_in_mistrals_envelope(facade: Facade, method: str, status: int) -> None:
    refused = facade.client.request(method, "/v1/chat/completions", content=b"{", headers=CLIENT)
    assert (refused.status_code, refused.json()["object"]) == (status, "error")
