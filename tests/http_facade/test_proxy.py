"""A provider's own API under /proxy/PROVIDER/PATH over real sockets: nothing of a body changes, keys are exchanged, and when
a client leaves, so does the gateway."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator, Mapping

import httpx
import pytest

from gateway_core.settings.contexts import ContextSettings, KeyPlace
from gateway_core.settings.settings import KeySettings, ServerSettings, hash_key
from tests.http_facade.serving import UPSTREAM_KEY, Facade, Provided, asking, completion, serving, settings_with
from tests.upstream import CUT, STALL, WAIT_S, Reply, Signal, event_stream, json_reply, running_upstream

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
COUNTED = json_reply(completion(usage=USAGE))
ODD = b'{"b":1,  "a": 1.50, "a": "\\u00fc"}\n'


def sent(
    facade: Facade, path: str, method: str = "POST", body: bytes = b"", *, close: bool = True, **headers: str
) -> socket.socket:
    """A connection on which this very request was sent: HTTP clients tidy up paths."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    ending = "connection: close\r\n" if close else ""
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n{lines}{ending}\r\n"
    connection = socket.create_connection(facade.place, WAIT_S)
    connection.sendall(head.encode("latin-1") + body)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    with connection:
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_and_body(provided: Provided, method: str) -> None:
    provided.upstream.requests.clear()
    provided.upstream.handler = lambda request: Reply(201, {"content-type": "x/y"}, request.body)
    answer = provided.facade.client.request(method, "/proxy/openai/files/1?purpose=a%2Fb", content=ODD)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (201, ODD, "x/y")
    (request,) = provided.requests
    assert (request.method, request.path, request.body) == (method, "/files/1?purpose=a%2Fb", ODD)


def test_only_the_head(provided: Provided) -> None:
    provided.replies(Reply(headers={"content-length": "12", "etag": "e"}, body=[]))
    answer = provided.facade.client.head("/proxy/openai/files/1")
    assert (answer.status_code, answer.headers["content-length"], answer.headers["etag"]) == (200, "12", "e")
    assert provided.requests[0].method == "HEAD"
    provided.facade.assert_serves()


def test_a_method_that_is_none_of_http(provided: Provided) -> None:
    answer = provided.facade.client.request("PROPFIND", "/proxy/openai/files")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 403, 404, 422, 429, 500, 503, 529])
def test_statuses_and_errors_pass(provided: Provided, status: int) -> None:
    body = b"" if status in (204, 304) else b'{"error":  {"message": "as the provider says"}}'
    provided.replies(Reply(status, {"retry-after": "7", "content-type": "application/json"}, body))
    answer = provided.facade.client.post("/proxy/openai/chat/completions", json={})
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (status, body, "7")
    assert len(provided.requests) == 1
    provided.facade.assert_serves()


def test_a_refusal_of_the_gateways_key_is_not_the_clients(provided: Provided) -> None:
    provided.replies(json_reply({"error": {"message": f"wrong key {UPSTREAM_KEY}"}}, 401, {"www-authenticate": "Bearer"}))
    answer = provided.facade.client.post("/proxy/openai/chat/completions", json={})
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("upstream_auth", "openai: wrong key ***")
    assert (error["metadata"]["provider"], error["metadata"]["upstream_status"]) == ("openai", "401")
    assert "www-authenticate" not in answer.headers
    assert UPSTREAM_KEY not in answer.text


@pytest.mark.parametrize(
    ("path", "arrived"),
    [
        ("/proxy/openai/v1/a%2Fb/c%20d:e?x=%2b&&y", "/v1/a%2Fb/c%20d:e?x=%2b&&y"),
        ("/proxy/openai/models/?key=secret&a", "/models/?a"),
        ("/proxy/open%61i/models", "/models"),
        ("/proxy/openai", "/"),
        ("/proxy/openai/", "/"),
    ],
)
def test_paths_arrive_as_they_were_written(provided: Provided, path: str, arrived: str) -> None:
    provided.replies(json_reply({}))
    assert status_of(read_to_end(sent(provided.facade, path, "GET"))) == 200
    assert [request.path for request in provided.requests] == [arrived]


@pytest.mark.parametrize(
    "path",
    [
        "/proxy/openai/../v2",
        "/proxy/openai/%2e%2e/v2",
        "/proxy/openai/a/..%2f..%2fb",
        "/proxy/openai//evil.example",
        "/proxy/openai/http://evil.example",
        "/proxy/openai/a\\..\\b",
    ],
)
def test_paths_that_lead_elsewhere(provided: Provided, path: str) -> None:
    provided.replies(json_reply({}))
    raw = read_to_end(sent(provided.facade, path, "GET"))
    assert status_of(raw) == 400
    assert b'"param":"path"' in raw
    assert provided.requests == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/proxy/", "PROVIDER/PATH"),
        ("/proxy//models", "PROVIDER/PATH"),
        ("/%70roxy/openai/models", "PROVIDER/PATH"),
        ("/proxy/nobody/models", "there is no provider 'nobody'"),
        ("/proxy/openai%2Fmodels", "there is no provider 'openai/models'"),
        ("/proxy/groq/models", "set GROQ_API_KEY"),
        ("/proxy", "There is nothing at /proxy"),
    ],
)
def test_providers_that_are_not_there(provided: Provided, path: str, words: str) -> None:
    provided.replies(json_reply({}))
    head, _, body = read_to_end(sent(provided.facade, path, "GET")).partition(b"\r\n\r\n")
    assert status_of(head) == 404
    assert words in json.loads(body)["error"]["message"]
    assert provided.requests == []


KEPT = {"accept": "a/b", "anthropic-beta": "x", "openai-beta": "y=1", "user-agent": "sdk/1", "content-type": "application/x"}
HELD_BACK = {
    "cookie": "session=1",
    "x-dragoman-strict": "true",
    "x-forwarded-for": "1.2.3.4",
    "connection": "keep-alive, x-hop",
    "x-hop": "1",
    "te": "trailers",
}


def test_headers_in_both_directions(provided: Provided) -> None:
    upstream = {
        "x-request-id": "of-the-provider",
        "set-cookie": "a=b",
        "x-debug": UPSTREAM_KEY,
        "date": "then",
        "server": "p",
    }
    provided.replies(json_reply({}, headers=upstream))
    given = {**KEPT, **HELD_BACK, "x-request-id": "mine", "accept-encoding": "gzip, br"}
    answer = provided.facade.client.post("/proxy/openai/chat/completions", content=b"{}", headers=given)
    headers = provided.requests[0].headers
    assert headers == {
        **KEPT,
        "host": provided.upstream.url.removeprefix("http://"),
        "content-length": "2",
        "accept-encoding": "gzip",
        "authorization": f"Bearer {UPSTREAM_KEY}",
        "x-request-id": "mine",
    }
    assert answer.headers["x-request-id"] == "of-the-provider"
    assert answer.headers["x-dragoman-request-id"] == "mine"
    assert answer.headers["x-dragoman-provider"] == "openai"
    assert (answer.headers["x-debug"], answer.headers["server"]) == ("***", "p")
    assert "set-cookie" not in answer.headers
    assert len(answer.headers.get_list("date")) == 1
    assert answer.headers["date"] != "then"


def test_an_id_where_the_provider_gives_none(provided: Provided) -> None:
    provided.replies(json_reply({}))
    answer = provided.facade.client.get("/proxy/openai/models", headers={"x-request-id": "mine"})
    assert answer.headers["x-request-id"] == answer.headers["x-dragoman-request-id"] == "mine"


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def locked(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """A gateway that wants a key."""
    keys = (KeySettings("team", hash_key("gateway-key")),)
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url, keys=keys), split=request.param) as facade,
    ):
        yield Provided(facade, upstream)


PLACES: list[tuple[str, Mapping[str, str]]] = [
    ("", {"authorization": "Bearer gateway-key"}),
    ("", {"x-api-key": "gateway-key"}),
    ("", {"api-key": "gateway-key"}),
    ("", {"x-goog-api-key": "gateway-key"}),
    ("?key=gateway-key&alt=sse", {}),
    ("", {"authorization": "Bearer another", "x-api-key": "gateway-key", "api-key": "gateway-key"}),
]


@pytest.mark.parametrize(("query", "headers"), PLACES)
def test_the_gateways_key_never_reaches_the_provider(locked: Provided, query: str, headers: Mapping[str, str]) -> None:
    locked.replies(json_reply({}))
    assert locked.facade.client.get(f"/proxy/openai/models{query}", headers=headers).status_code == 200
    (request,) = locked.requests
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert "gateway-key" not in f"{request.path} {request.headers}"
    assert "another" not in str(request.headers)


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "missing_api_key"), ({"authorization": f"Bearer {UPSTREAM_KEY}"}, "invalid_api_key")]
)
def test_the_gateways_key_is_asked_for(locked: Provided, headers: Mapping[str, str], code: str) -> None:
    locked.replies(json_reply({}))
    for path in ("/proxy/openai/models", "/proxy/demo/models", "/proxy/nobody/x"):
        answer = locked.facade.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert locked.requests == []


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_a_contexts_own_place_for_the_key(split: bool) -> None:
    place = KeyPlace(header="x-team-key", query="token")
    context = ContextSettings("sales", provider="openai", auth=place)
    keys = (KeySettings("team", hash_key("gateway-key")),)
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url, keys=keys, contexts=(context,)), split=split) as facade,
    ):
        path = "/sales/proxy/openai/models"
        assert facade.client.get(f"{path}?token=gateway-key&a=b").status_code == 200
        assert facade.client.get(f"{path}?a=b", headers={"x-team-key": "gateway-key"}).status_code == 200
        assert facade.client.get(f"{path}?key=gateway-key").status_code == 401
        assert facade.client.get("/sales/proxy/demo/models?token=gateway-key").status_code == 404
        assert {request.path for request in upstream.requests} == {"/models?a=b"}
        assert "gateway-key" not in str([request.headers for request in upstream.requests])


def test_what_is_compressed_stays_compressed(provided: Provided) -> None:
    packed = gzip.compress(COUNTED.body if isinstance(COUNTED.body, bytes) else b"")
    provided.replies(Reply(headers={"content-encoding": "gzip", "content-type": "application/json"}, body=packed))
    given = {"content-encoding": "gzip", "x-request-id": "packed"}
    with provided.facade.client.stream("POST", "/proxy/openai/x", content=packed, headers=given) as answer:
        assert b"".join(answer.iter_raw()) == packed
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(packed))
    assert provided.requests[0].body == packed
    assert provided.requests[0].headers["content-encoding"] == "gzip"
    line = provided.facade.log.wait_for("packed")
    assert (line["input_tokens"], line["output_tokens"]) == (3, 4)


def test_the_access_log(provided: Provided) -> None:
    provided.replies(COUNTED)
    path = "/proxy/openai/v1/chat/completions"
    provided.facade.client.post(path, params={"key": "not-to-be-logged"}, json={}, headers={"x-request-id": "logged"})
    line = provided.facade.log.wait_for("logged")
    assert (line["method"], line["path"], line["status"]) == ("POST", path, 200)
    assert (line["provider"], line["model"], line["api"]) == ("openai", "openai/m", "proxy")
    assert (line["input_tokens"], line["output_tokens"]) == (3, 4)
    assert "not-to-be-logged" not in str(line)


def test_the_access_log_of_a_stream_and_of_a_failure(provided: Provided) -> None:
    chunk = {"model": "m", "choices": [], "usage": USAGE}
    provided.replies(event_stream({"choices": []}, chunk, b"data: [DONE]\n\n"))
    provided.facade.client.post("/proxy/openai/chat/completions", json={}, headers={"x-request-id": "logged-2"})
    line = provided.facade.log.wait_for("logged-2")
    assert (line["input_tokens"], line["output_tokens"]) == (3, 4)
    provided.replies(json_reply({}, 401))
    provided.facade.client.post("/proxy/openai/chat/completions", json={}, headers={"x-request-id": "logged-3"})
    line = provided.facade.log.wait_for("logged-3")
    assert (line["status"], line["provider"], line["error"]) == (502, "openai", "UPSTREAM_AUTH")


def test_the_demo_can_be_asked(either: Facade) -> None:
    for path in ("chat/completions", "v1/chat/completions"):
        answer = either.client.post(f"/proxy/demo/{path}", json=asking("Hi there", "echo"))
        assert answer.json()["choices"][0]["message"]["content"] == "Hi there"


def test_a_stream_is_relayed_as_it_is_said(provided: Provided) -> None:
    """The second piece is not said before the first one was read, and what is no event passes too."""
    go = Signal()
    provided.replies(event_stream(b": odd\r\ndata:1", go, b"\r\n\r\nrest without an end"))
    with provided.facade.client.stream("POST", "/proxy/openai/chat/completions", json={}) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b": odd\r\ndata:1"
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["x-accel-buffering"] == "no"
        go.set()
        assert b"".join(pieces) == b"\r\n\r\nrest without an end"


def test_a_large_answer(provided: Provided) -> None:
    body = b"0123456789abcdef" * (20 * 1024 * 1024 // 16)
    provided.replies(Reply(headers={"content-type": "video/mp4"}, body=body))
    assert provided.facade.client.get("/proxy/openai/videos/1/content").content == body


def test_a_request_that_is_too_large(provided: Provided) -> None:
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url, server=ServerSettings(max_body_bytes=1000))) as facade,
    ):
        assert facade.client.post("/proxy/openai/files", content=b"x" * 1000).status_code == 200
        answer = facade.client.post("/proxy/openai/files", content=b"x" * 1001)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("length", [{}, {"content-length": "100"}], ids=["chunked", "with a length"])
def test_a_provider_that_breaks_off_breaks_off_here_too(provided: Provided, length: Mapping[str, str]) -> None:
    go = Signal()
    provided.replies(Reply(headers={"content-type": "text/event-stream", **length}, body=[b"data: 1\n\n", go, CUT]))
    given = {"x-request-id": f"broke-{len(length)}"}
    with provided.facade.client.stream("POST", "/proxy/openai/chat/completions", json={}, headers=given) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        assert next(pieces) == b"data: 1\n\n"
        go.set()
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    line = provided.facade.log.wait_for(given["x-request-id"])
    assert (line["status"], line["error"]) == (200, "STREAM_INTERRUPTED")


@pytest.mark.parametrize(
    ("reply", "code", "status"),
    [
        (Reply(before_head=[CUT]), "upstream_unavailable", 502),
        (Reply(before_head=[b"SSH-2.0\r\n\r\n", CUT]), "upstream_invalid_response", 502),
    ],
)
def test_a_provider_that_gives_no_answer(provided: Provided, reply: Reply, code: str, status: int) -> None:
    provided.replies(reply)
    answer = provided.facade.client.post("/proxy/openai/chat/completions", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "openai" in answer.json()["error"]["message"]
    assert answer.headers["x-dragoman-attempts"] == "1"
    assert len(provided.requests) == 1


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_a_deadline(split: bool) -> None:
    with (
        running_upstream(lambda _: Reply(before_head=[STALL])) as upstream,
        serving(settings_with(upstream.url, total=0.2), split=split) as facade,
    ):
        answer = facade.client.post("/proxy/openai/chat/completions", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
        upstream.requests[0].closed.join()


SILENT = {"before the head": Reply(before_head=[STALL]), "in the body": event_stream(b"data: 1\n\n", STALL)}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("place", SILENT)
def test_a_client_that_leaves(provided: Provided, place: str, method: str) -> None:
    arrived = Signal()
    provided.replies(SILENT[place], arrived=arrived)
    request_id = f"left-{place.replace(' ', '-')}-{method}"
    connection = sent(provided.facade, "/proxy/openai/x", method, b"{}", close=False, x_request_id=request_id)
    arrived.join()
    received = b""
    while place == "in the body" and b"data: 1" not in received:
        received += connection.recv(65536)
    connection.close()
    provided.requests[0].closed.join()
    assert provided.facade.log.wait_for(request_id)["status"] == 499


def test_a_client_that_leaves_an_answer_that_flows(provided: Provided) -> None:
    """Nobody reads, so what is written piles up; then nobody is there."""
    provided.replies(Reply(headers={"content-type": "video/mp4"}, body=[*[b"x" * 65536] * 500, STALL]))
    connection = sent(provided.facade, "/proxy/openai/videos/1/content", "GET", close=False)
    connection.recv(1000)
    connection.close()
    provided.requests[0].closed.join()
    provided.facade.assert_serves()


def test_a_connection_that_is_used_again(provided: Provided) -> None:
    provided.upstream.requests.clear()
    provided.upstream.handler = lambda request: Reply(body=[request.body, b"!"])
    for number in range(5):
        answer = provided.facade.client.post("/proxy/openai/x", content=b"%d" % number)
        assert answer.content == b"%d!" % number
    assert len({request.connection for request in provided.requests}) == 1
