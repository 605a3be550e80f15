"""OpenRouter's paths over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.http_facade.serving import UPSTREAM_KEY, Facade, Provided, asking, completion, serving, settings_for, streamed
from tests.upstream import json_reply, running_upstream

CHAT = "/api/v1/chat/completions"


@pytest.fixture(scope="module")
def router() -> Iterator[Provided]:
    """With OpenRouter itself behind it."""
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_for({"OPENROUTER_API_URL": upstream.url, "OPENROUTER_API_KEY": UPSTREAM_KEY})) as running,
    ):
        yield Provided(running, upstream)


def chunks(text: str) -> list[Any]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def test_the_models_to_fall_back_on(either: Facade) -> None:
    body = {"models": ["demo/error-503", "demo/error-500", "demo/echo"], "messages": asking("Hi")["messages"]}
    answer = either.client.post(CHAT, json=body)
    assert (answer.json()["model"], answer.json()["choices"][0]["message"]["content"]) == ("echo", "Hi")
    assert (answer.headers["x-fallback-from"], answer.headers["x-dragoman-attempts"]) == ("demo/error-503", "3")
    streaming = either.client.post(CHAT, json={**body, "stream": True})
    assert streaming.headers["x-fallback-from"] == "demo/error-503"
    assert chunks(streaming.text)[0]["model"] == "echo"


def test_the_last_ones_error_counts(facade: Facade) -> None:
    refused = facade.client.post(CHAT, json={**asking("Hi", "demo/error-503"), "models": ["demo/error-429"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, 429)


def test_a_fallback_that_there_is_not(facade: Facade) -> None:
    refused = facade.client.post(CHAT, json={**asking("Hi"), "models": ["nobody/nothing"]})
    assert (refused.status_code, refused.json()["error"]["metadata"]["param"]) == (400, "models[0]")


ROUTED = {"models": ["demo/error-503", "demo/echo"], "provider": {"ignore": ["openai"]}, **asking("Hi", "demo/error-500")}


def test_how_it_was_routed(either: Facade) -> None:
    """On request, in the answer or in the last chunk of a stream."""
    headers = {"x-openrouter-metadata": "enabled"}
    answer = either.client.post(CHAT, json=ROUTED, headers=headers)
    whole = answer.json()["openrouter_metadata"]
    assert (whole["requested"], whole["attempt"], whole["endpoints"]["total"]) == ("demo/error-500", 3, 3)
    assert [one["selected"] for one in whole["endpoints"]["available"]] == [False, False, True]
    assert [one["status"] for one in whole["attempts"]] == [500, 503, 200]
    *_, last = chunks(either.client.post(CHAT, json={**ROUTED, "stream": True}, headers=headers).text)
    assert (last["choices"], last["openrouter_metadata"]["endpoints"]) == ([], whole["endpoints"])
    assert "openrouter_metadata" not in either.client.post(CHAT, json=ROUTED).json()


def test_what_only_openrouter_takes_reaches_it(router: Provided) -> None:
    router.replies(json_reply(completion(provider="Azure", usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5})))
    own = {
        "provider": {"order": ["azure"], "sort": "exacto", "zdr": True},
        "plugins": [{"id": "web"}],
        "transforms": ["middle-out"],
    }
    asked = asking("Hi", "openrouter/openai/o3", reasoning={"effort": "high"}, usage={"include": True}, **own)
    answer = router.facade.client.post(CHAT, json=asked)
    sent = router.requests[0].json()
    assert {name: sent[name] for name in own} == own
    assert sent["reasoning"] == {"effort": "high"}
    assert "x-dragoman-warnings" not in answer.headers
    assert (answer.json()["provider"], answer.json()["usage"]["cost"]) == ("Azure", 0.5)


def test_what_others_do_not_take_is_told(provided: Provided) -> None:
    provided.replies(json_reply(completion()))
    asked = asking("Hi", "openai/m", plugins=[], models=["openai/n"], route="fallback")
    answer = provided.facade.client.post(CHAT, json=asked)
    assert answer.status_code == 200
    assert "plugins is known to openrouter only" in answer.headers["x-dragoman-warnings"]
    assert provided.requests[0].json().keys() == {"model", "messages"}


def test_usage_is_always_told(provided: Provided) -> None:
    provided.replies(streamed("Hi"))
    first, *_, last = chunks(provided.facade.client.post(CHAT, json=asking("Hi", "openai/m", stream=True)).text)
    assert first["id"].startswith("gen-")
    assert (first["provider"], last["id"]) == ("openai", first["id"])
    demo = chunks(provided.facade.client.post(CHAT, json=asking("Hi", stream=True)).text)
    assert demo[-1]["usage"]["total_tokens"] == 2


def test_models(facade: Facade) -> None:
    listed = facade.client.get("/api/v1/models", params={"limit": "2", "q": "demo"}).json()
    assert (len(listed["data"]), listed["links"]["next"]) == (2, "/api/v1/models?offset=2&limit=2")
    assert facade.client.get("/api/v1/models/count").json()["data"]["count"] == listed["total_count"]
    assert facade.client.get("/api/v1/models/user").json()["total_count"] == listed["total_count"]
    assert facade.client.get("/api/v1/model/demo/echo").json()["data"]["id"] == "demo/echo"
    assert facade.client.get("/api/v1/models/demo/echo").json()["id"] == "demo/echo"
    refused = facade.client.get("/api/v1/models", params={"limit": "many"})
    assert (refused.status_code, refused.json()["error"]["metadata"]["param"]) == (400, "limit")


@pytest.mark.parametrize(
    ("headers", "app"),
    [
        ({"x-title": "Notes", "http-referer": "https://notes.example"}, "Notes"),
        ({"x-title": "Old", "x-openrouter-title": "New"}, "New"),
        ({"http-referer": "https://notes.example"}, "https://notes.example"),
        ({"x-title": "x" * 1000}, "x" * 256),
    ],
)
def test_the_log_tells_which_application_asked(either: Facade, headers: dict[str, str], app: str) -> None:
    request_id = f"app-{len(app)}-{app[:3]}"
    answer = either.client.post(CHAT, json=asking("Hi"), headers={**headers, "x-request-id": request_id})
    assert answer.status_code == 200
    assert either.log.wait_for(request_id)["app"] == app


def test_text_completions(facade: Facade) -> None:
    answer = facade.client.post("/api/v1/completions", json={"model": "demo/echo", "prompt": "Once"})
    assert answer.json()["choices"][0]["text"] == "Once"
    refused = facade.client.post("/api/v1/completions", json={"model": "demo/echo"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 400)


THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "sealed-by-anthropic"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}


def test_another_providers_reasoning_comes_back_to_it_sealed() -> None:
    """What a client gives back unmodified, Anthropic gets as it sent it."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    ending = {"stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 7}}
    told = json_reply({**head, **ending, "content": [THINKING, CALL]})
    function = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
    tools = [{"type": "function", "function": function}]
    with (
        running_upstream(lambda _: told) as upstream,
        serving(settings_for({"ANTHROPIC_API_URL": upstream.url, "ANTHROPIC_API_KEY": UPSTREAM_KEY})) as facade,
    ):
        body = asking("Hi", "anthropic/claude-sonnet-4-5", tools=tools, reasoning={"max_tokens": 2000})
        answer = facade.client.post(CHAT, json=body).json()
        message = answer["choices"][0]["message"]
        assert message["reasoning"] == "Hm."
        assert message["reasoning_details"][0]["format"] == "anthropic-claude-v1"
        assert (answer["choices"][0]["native_finish_reason"], answer["provider"]) == ("tool_use", "anthropic")
        assert answer["usage"]["cost"] > 0
        result = {"role": "tool", "tool_call_id": "toolu_1", "content": "Done."}
        facade.client.post(CHAT, json={**body, "messages": [*body["messages"], message, result]})
        assert upstream.requests[1].json()["messages"][1]["content"] == [THINKING, CALL]
