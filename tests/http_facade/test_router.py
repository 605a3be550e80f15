"""What is served at which path, and what every answer's head tells."""

from __future__ import annotations

import re

import pytest

from dragoman.v1.routing_pb2 import Warning
from gateway_core.settings.settings import ContextSettings, ModelSettings
from http_facade.exchange import warning_headers
from tests.http_facade.serving import (
    UPSTREAM_KEY,
    Facade,
    Provided,
    asking,
    completion,
    serving,
    settings_for,
    settings_with,
    streamed,
    text_of,
)
from tests.upstream import Received, Reply, json_reply, running_upstream

PREFIXES = ["/v1", "/api/v1"]


def failing(request: Received) -> Reply:
    return json_reply({"error": {"message": "It broke."}}, 500)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_chat(either: Facade, prefix: str) -> None:
    answer = either.client.post(f"{prefix}/chat/completions", json=asking("Hello"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert text_of(answer) == "Hello"
    assert answer.headers["x-model-used"] == "demo/echo"
    assert answer.headers["x-dragoman-provider"] == "demo"
    assert answer.headers["x-dragoman-attempts"] == "1"
    assert "x-fallback-from" not in answer.headers
    assert "x-dragoman-warnings" not in answer.headers


def test_the_body_may_come_without_a_length(facade: Facade) -> None:
    pieces = iter([b'{"model":"demo/echo",', b'"messages":[{"role":"user",', b'"content":"Hi"}]}'])
    assert text_of(facade.client.post("/v1/chat/completions", content=pieces)) == "Hi"


def test_the_content_type_is_not_asked_for(facade: Facade) -> None:
    body = b'{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}]}'
    assert text_of(facade.post(body, {"content-type": "text/plain"})) == "Hi"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_model_list(either: Facade, prefix: str) -> None:
    answer = either.client.get(f"{prefix}/models")
    body = answer.json()
    assert (answer.status_code, body["object"]) == (200, "list")
    assert "demo/echo" in [card["id"] for card in body["data"]]
    assert {card["object"] for card in body["data"]} == {"model"}
    assert either.client.head(f"{prefix}/models").headers["content-length"] == str(len(answer.content))


def test_the_models_of_one_provider() -> None:
    listed = json_reply({"object": "list", "data": [{"id": "a", "created": 7, "owned_by": "them"}]})
    with running_upstream(lambda _: listed) as upstream, serving(settings_with(upstream.url)) as facade:
        everything = facade.client.get("/v1/models").json()["data"]
        openais = facade.client.get("/v1/models", params={"provider": "openai"}).json()["data"]
        demos = facade.client.get("/v1/models", params={"provider": "demo"}).json()["data"]
    assert [card["id"] for card in openais] == ["openai/a"]
    assert openais[0]["owned_by"] == "them"
    assert {card["provider"] for card in demos} == {"demo"}
    assert len(everything) == len(openais) + len(demos)


@pytest.mark.parametrize("path", ["demo/echo", "demo%2Fecho", "demo%2fecho", "%64emo/echo"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_one_model(facade: Facade, prefix: str, path: str) -> None:
    answer = facade.client.get(f"{prefix}/models/{path}")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["object"]) == ("demo/echo", "model")


@pytest.mark.parametrize("path", ["demo/nothing", "nobody/echo", "nothing", "%ff%00", "a b", "demo/echo/"])
def test_a_model_that_is_not_there(either: Facade, path: str) -> None:
    answer = either.client.get(f"/v1/models/{path}")
    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "model_not_found", "model")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(either: Facade, path: str) -> None:
    answer = either.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    head = either.client.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_health_needs_no_key() -> None:
    with serving(settings_for({"DRAGOMAN_API_KEYS": "secret-key"})) as facade:
        assert facade.client.get("/healthz").status_code == 200
        assert facade.client.get("/readyz").status_code == 200


def test_a_facade_that_is_not_ready() -> None:
    async def is_ready() -> bool:
        return False

    with serving(readiness=is_ready) as facade:
        assert facade.client.get("/healthz").status_code == 200
        answer = facade.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/chat/completions/", "/v1/completion", "/v2/models", "/healthz/", "/%00%0d%0a", "//"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_path_that_is_not_served(facade: Facade, method: str, path: str) -> None:
    answer = facade.client.request(method, f"{facade.url}{path}")
    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "unknown_url", None)
    assert "/v1/chat/completions" in error["message"]


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/v1/chat/completions", {"POST"}),
        ("/api/v1/chat/completions", {"POST"}),
        ("/v1/models", {"GET", "HEAD"}),
        ("/api/v1/models", {"GET", "HEAD"}),
        ("/v1/models/demo/echo", {"GET", "HEAD"}),
        ("/healthz", {"GET", "HEAD"}),
        ("/readyz", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_is_not_served(facade: Facade, method: str, path: str, served: set[str]) -> None:
    answer = facade.client.request(method, path)
    error = answer.json()["error"]
    assert answer.status_code == 405
    assert served <= set(answer.headers["allow"].split(", "))
    if path.startswith("/api/"):
        assert (error["code"], error["metadata"]["reason"]) == (405, "method_not_allowed")
    else:
        assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "method_not_allowed", None)


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/v1/chat/completions", 405)])
def test_a_refusal_of_head_has_no_body(facade: Facade, path: str, status: int) -> None:
    answer = facade.client.head(path)
    assert (answer.status_code, answer.content) == (status, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("given", ["a", "req-1.2:3_4", "A" * 128])
def test_the_clients_own_request_id(either: Facade, given: str) -> None:
    for path in ("/v1/models", "/nowhere", "/healthz"):
        assert either.client.get(path, headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", [b"", b"two words", b"A" * 129, b"\xc3\xbc", b"a,b", b"a\tb", None])
def test_a_request_id_of_ours(either: Facade, given: bytes | None) -> None:
    headers = {} if given is None else {b"x-request-id": given}
    found = [
        either.client.post("/v1/chat/completions", json=asking("Hi"), headers=headers).headers["x-request-id"]
        for _ in range(3)
    ]
    assert len(set(found)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


def test_the_access_log(either: Facade) -> None:
    answer = either.chat(asking("one two"), x_request_id="log-1")
    line = either.log.wait_for("log-1")
    assert {name: value for name, value in line.items() if name not in ("time", "ms")} == {
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "request_id": "log-1",
        "api": "openai",
        "client": "127.0.0.1",
        "caller": "anonymous",
        "call_id": answer.headers["x-dragoman-call-id"],
        "model": "demo/echo",
        "provider": "demo",
        "attempts": 1,
        "input_tokens": 2,
        "output_tokens": 2,
    }
    either.chat(asking("Hi", "nothing"), x_request_id="log-2")
    line = either.log.wait_for("log-2")
    assert (line["status"], line["error"], line["model"]) == (404, "MODEL_NOT_FOUND", "nothing")


@pytest.mark.parametrize("stream", [False, True])
def test_who_answered_after_a_fallback(stream: bool) -> None:
    route = ModelSettings("fast", targets=("openai/broken", "demo/echo"))
    with running_upstream(failing) as upstream, serving(settings_with(upstream.url, models=(route,))) as facade:
        answer = facade.chat(asking("Hi", "fast", stream=stream))
    assert answer.status_code == 200
    assert answer.headers["x-model-used"] == "demo/echo"
    assert answer.headers["x-fallback-from"] == "openai/broken"
    assert answer.headers["x-dragoman-provider"] == "demo"
    assert answer.headers["x-dragoman-attempts"] == "2"


def test_attempts_of_a_failure() -> None:
    route = ModelSettings("fast", targets=("openai/a", "openai/b", "openai/c"))
    with running_upstream(failing) as upstream, serving(settings_with(upstream.url, models=(route,))) as facade:
        answer = facade.chat(asking("Hi", "fast"), x_request_id="failed-1")
        line = facade.log.wait_for("failed-1")
    assert (line["model"], line["attempts"], line["error"]) == ("fast", 3, "UPSTREAM_UNAVAILABLE")
    assert line["call_id"] == answer.headers["x-dragoman-call-id"]
    assert answer.status_code == 502
    assert answer.headers["x-dragoman-attempts"] == "3"
    assert "x-model-used" not in answer.headers


def test_warnings(provided: Provided) -> None:
    provided.replies(json_reply(completion()))
    answer = provided.facade.chat(asking("Hi", "openai/m", top_k=5))
    assert answer.status_code == 200
    assert answer.headers["x-dragoman-warnings"] == "openai: top_k is not supported by this provider and was left out"


def test_warnings_of_one_kind_are_told_once() -> None:
    texts = [f"messages[{number}].signature was left out" for number in range(100)] + ["top_p was left out"]
    warnings = [Warning(provider="openai", message=text) for text in texts]
    told = "openai: messages[0].signature was left out (and 99 more); openai: top_p was left out"
    assert warning_headers(warnings) == {"x-dragoman-warnings": told}


@pytest.mark.parametrize(
    ("header", "status"), [("true", 400), ("1", 400), ("false", 200), ("0", 200), ("", 200), ("maybe", 200)]
)
@pytest.mark.parametrize("stream", [False, True])
def test_strict_mode(provided: Provided, header: str, status: int, stream: bool) -> None:
    provided.replies(streamed("Hi") if stream else json_reply(completion()))
    answer = provided.facade.chat(asking("Hi", "openai/m", top_k=5, stream=stream), x_dragoman_strict=header)
    assert answer.status_code == status
    assert len(provided.requests) == (1 if status == 200 else 0)
    if status == 400:
        error = answer.json()["error"]
        assert (error["param"], error["code"], error["type"]) == ("top_k", "unsupported", "invalid_request_error")


@pytest.mark.parametrize("model", ["a\x01b", "a\x7f\x1b[2Jb", "a\r\nx-evil: 1", "é日本", "a\tb", "x" * 500])
@pytest.mark.parametrize("stream", [False, True])
def test_no_model_name_breaks_a_header(provided: Provided, model: str, stream: bool) -> None:
    provided.replies(streamed("Hi") if stream else json_reply(completion(model=model)))
    answer = provided.facade.chat(asking("Hi", f"openai/{model}", stream=stream))
    assert provided.requests[0].json()["model"] == model
    assert answer.status_code == 200
    assert answer.headers["x-model-used"].startswith("openai/")
    assert "x-evil" not in answer.headers
    if not stream:
        assert answer.json()["model"] == model


def test_no_warning_breaks_a_header() -> None:
    environ = {"ANTHROPIC_API_KEY": UPSTREAM_KEY}
    message = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "end_turn"}
    strange = {"a\r\nx-evil: 1": 1, "ü\x00\x1b": 2, "long": 3} | {f"option_{number}": 4 for number in range(200)}
    with (
        running_upstream(lambda _: json_reply(message)) as upstream,
        serving(settings_for({**environ, "ANTHROPIC_API_URL": upstream.url})) as facade,
    ):
        answer = facade.chat(asking("Hi", "anthropic/m", **strange))
    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    told = answer.headers["x-dragoman-warnings"]
    assert "option_1" in told
    assert len(told) <= 2000


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/v1/chat/completions", "/v1/v1/v1/chat/completions", "//v1/chat/completions", "/v1//chat/completions"),
        *("/v1/chat//completions", "///chat//completions", "/api/v1/v1/chat/completions", "/v1beta/v1/chat/completions"),
        *("/openai/v1/v1/chat/completions", "/v1beta/openai/chat/completions", "/v1//v1/chat/completions"),
        *("/v1beta/v1beta/openai/chat/completions", "/help/v1/v1/chat/completions", "//help//v1/chat/completions"),
    ],
)
def test_a_path_with_a_slip(path: str) -> None:
    context = ContextSettings("help", model="demo/echo")
    with serving(settings_for(contexts=(context,))) as facade:
        assert text_of(facade.client.post(f"{facade.url}{path}", json=asking("Hi"))) == "Hi"


MESSAGES = {"model": "demo/echo", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("version", ["/v1", "/v1/v1", "", "/", "/v1beta/v1", "/v1//v1"])
def test_messages_at_a_base_url_of_any_kind(facade: Facade, version: str) -> None:
    answer = facade.client.post(f"{facade.url}{version}/messages", json=MESSAGES)
    assert (answer.status_code, answer.json()["content"][0]["text"]) == (200, "Hi")
    counted = facade.client.post(f"{facade.url}{version}/messages/count_tokens", json=MESSAGES)
    assert counted.json()["input_tokens"] > 0


@pytest.mark.parametrize(
    "version", ["/v1beta", "/v1beta/v1beta", "/v1/v1beta", "/v1beta/v1alpha", "/v1beta//v1beta", "//v1beta/"]
)
@pytest.mark.parametrize("model", ["demo/echo", "demo%2Fecho"])
def test_gemini_at_a_base_url_of_any_kind(facade: Facade, version: str, model: str) -> None:
    contents = {"contents": [{"parts": [{"text": "Hi"}]}]}
    url = f"{facade.url}{version}/models/{model}"
    assert facade.client.post(f"{url}:generateContent", json=contents).json()["modelVersion"] == "echo"
    assert facade.client.post(f"{url}:countTokens", json=contents).json()["totalTokens"] > 0
    assert facade.client.get(url, headers={"x-goog-api-key": "k"}).json()["name"].endswith("demo/echo")


def test_the_models_of_googles_path_for_openai_clients(facade: Facade) -> None:
    assert facade.client.get("/v1beta/openai/models").json()["object"] == "list"
    assert facade.client.get("/v1beta/openai/models/demo/echo").json()["id"] == "demo/echo"


def test_what_goes_to_a_provider_is_left_as_it_is() -> None:
    with running_upstream(lambda _: json_reply({})) as upstream, serving(settings_with(upstream.url)) as facade:
        for path in ("v1/models", "v1/v1/models", "v1beta/v1beta/models"):
            facade.client.get(f"{facade.url}/proxy/openai/{path}")
            assert upstream.requests[-1].path.endswith(f"/{path}")


@pytest.mark.parametrize(
    "path", ["/v1/responses", "/responses", "/api/v1/responses", "/v1/v1/responses", "/v1/chat/completions"]
)
def test_a_websocket_is_referred_to_http(facade: Facade, path: str) -> None:
    """Codex opens one, and asks over HTTP at once where it gets a 426."""
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "x"}
    answer = facade.client.get(path, headers=upgrade)
    error = answer.json()["error"]
    assert answer.status_code == 426
    assert "POST" in error["message"]
    assert (answer.headers["upgrade"], answer.headers["connection"]) == ("HTTP/1.1", "upgrade")
    assert facade.client.get(path).status_code == 405
    assert facade.client.put(path, headers=upgrade).status_code == 405
