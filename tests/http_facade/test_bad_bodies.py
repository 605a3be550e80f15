"""Bodies that are no requests, on a server that goes on serving: each is refused with what is wrong with it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http_facade.serving import Facade, Provided, asking, completion, server_settings, serving, settings_for
from tests.upstream import WAIT_S, json_reply

LIMIT = 100_000
BOUNDED = settings_for(server=server_settings(max_body_bytes=LIMIT))
PROPERTY = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
USER = {"role": "user", "content": "Hi"}


@pytest.fixture(scope="module")
def bounded() -> Iterator[Facade]:
    """A gateway that takes LIMIT bytes."""
    with serving(BOUNDED) as running:
        yield running
        running.assert_serves()


def refusal(facade: Facade, body: bytes) -> dict[str, Any]:
    """The error of a request that is refused, after which the gateway still serves."""
    answer = facade.post(body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "x-request-id" in answer.headers
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    facade.assert_serves()
    return error


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    body = json.dumps(asking("Hi", unknown="@")).encode()
    return body.replace(b'"@"', opening * depth + b"1" + closing * depth)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"not json",
        b'{"model": "demo/echo", "messages": [',
        b'{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}],"temperature":NaN}',
        b'{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}],"temperature":Infinity}',
        b'{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}],"temperature":1e999}',
        b'{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}],"seed":' + b"9" * 5000 + b"}",
        b'{"model":"demo/echo","messages":[{"role":"user","content":"\xff\xfe"}]}',
        b'{"model":"demo/echo","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
        b'\xef\xbb\xbf{"model":"demo/echo","messages":[{"role":"user","content":"Hi"}]}',
        json.dumps(asking("Hi")).encode("utf-16"),
        nested(10_000),
        nested(10_000, b'{"a":', b"}"),
        b"[" * 1_000_000,
        nested(1_000_000),
        b'{"a":' * 200_000,
    ],
    ids=lambda body: repr(body[-24:]),
)
def test_what_is_no_json(either: Facade, body: bytes) -> None:
    error = refusal(either, body)
    assert (error["code"], error["param"]) == ("invalid_json", None)


@pytest.mark.parametrize("depth", [100, 900, *range(960, 1000)])
@pytest.mark.parametrize("place", ["unknown", "parameters", "content", "message"])
def test_nesting_is_taken_or_refused(provided: Provided, place: str, depth: int) -> None:
    """Some depth is the first that is too much, for the one who reads, or for one who writes what was read."""
    deep = b"[" * depth + b"]" * depth
    body: dict[str, Any] = asking("Hi", "openai/m")
    if place == "unknown":
        body["unknown"] = "@"
    elif place == "parameters":
        body["tools"] = [{"type": "function", "function": {"name": "f", "parameters": {"a": "@"}}}]
    elif place == "content":
        body["messages"][0]["content"] = [{"type": "x", "x": "@"}]
    else:
        body["messages"][0]["unknown"] = "@"
    provided.replies(json_reply(completion()))
    answer = provided.facade.post(json.dumps(body).encode().replace(b'"@"', deep))
    if answer.status_code == 200:
        assert deep in provided.requests[0].body
    else:
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
        assert depth > 900


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"model": 7}, "model", "invalid_type"),
        ({"model": ["demo/echo"]}, "model", "invalid_type"),
        ({"model": ""}, "model", "invalid_request"),
        ({"model": "x" * 600}, "model", "invalid_request"),
        ({"model": "x" * 1_000_000}, "model", "invalid_request"),
        ({"messages": "Hi"}, "messages", "invalid_type"),
        ({"messages": USER}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": [USER, "Hi"]}, "messages[1]", "invalid_type"),
        ({"messages": [USER, {"role": "user", "content": 7}]}, "messages[1].content", "invalid_type"),
        ({"messages": [USER, {"role": "user"}]}, "messages[1].content", "missing_required_parameter"),
        ({"messages": [{"role": "wizard", "content": "Hi"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role", "missing_required_parameter"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"temperature": 10**400}, "temperature", "invalid_value"),
        ({"n": 0}, "n", "invalid_request"),
        ({"n": 129}, "n", "invalid_request"),
        ({"n": 2**40}, "n", "invalid_value"),
        ({"max_tokens": -5}, "max_tokens", "invalid_request"),
        ({"max_completion_tokens": -1}, "max_completion_tokens", "invalid_request"),
        ({"seed": 10**30}, "seed", "invalid_value"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
        ({"tool_choice": "sometimes"}, "tool_choice", "invalid_value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_request(either: Facade, fields: dict[str, Any], param: str, code: str, stream: bool) -> None:
    error = refusal(either, json.dumps({**asking("Hi", stream=stream), **fields}).encode())
    assert (error["param"], error["code"]) == (param, code)
    assert len(error["message"]) < 300


@pytest.mark.parametrize("body", [b"[]", b'"demo/echo"', b"7", b"null", b"true"])
def test_json_that_is_no_object(facade: Facade, body: bytes) -> None:
    assert refusal(facade, body)["code"] == "invalid_type"


@pytest.mark.parametrize("model", ["nothing", "demo/nothing", "nobody/echo", "demo/", "/", " ", "demo/echo\0", "ü/ü"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model(either: Facade, model: str, stream: bool) -> None:
    answer = either.chat(asking("Hi", model, stream=stream))
    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "model_not_found", "model")


def test_strange_text_comes_through(either: Facade) -> None:
    text = "\0\x01\x7f\u2028 ü 日本 😀 " + "\N{ZERO WIDTH JOINER}" + '"\\'
    assert either.chat(asking(text)).json()["choices"][0]["message"]["content"] == text


def test_the_last_of_a_repeated_field_counts(facade: Facade) -> None:
    body = b'{"model":"nothing","model":"demo/echo","messages":[],"messages":[{"role":"user","content":"Hi"}]}'
    assert facade.post(body).status_code == 200


def pieces(size: int) -> Iterator[bytes]:
    """Sent without a length."""
    while size > 0:
        yield b" " * min(size, 16_384)
        size -= 16_384


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 100 * LIMIT])
def test_a_body_that_is_too_large(bounded: Facade, size: int, chunked: bool) -> None:
    answer = bounded.client.post("/v1/chat/completions", content=pieces(size) if chunked else b" " * size)
    error = answer.json()["error"]
    assert answer.status_code == 413
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "request_too_large", None)
    assert str(LIMIT) in error["message"]
    bounded.assert_serves()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_too_much_is_not_cut_off(bounded: Facade, chunked: bool) -> None:
    """It may write all of it before it reads, as Node does, and go on with the same connection."""
    body = b"a" * 200 * LIMIT
    framed = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    if not chunked:
        framed = b"content-length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_connection(bounded.place, WAIT_S) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n" + framed)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_just_not_too_large(bounded: Facade, chunked: bool) -> None:
    body = json.dumps(asking("Hi")).encode().ljust(LIMIT)
    assert bounded.client.post("/v1/chat/completions", content=iter([body]) if chunked else body).status_code == 200


def test_the_bound_of_a_body_without_a_length() -> None:
    """Also where all of it comes at once."""
    with serving(settings_for(server=server_settings(max_body_bytes=100))) as facade:
        body = json.dumps(asking("Hi" * 50)).encode()
        assert facade.client.post("/v1/chat/completions", content=iter([body])).status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate, gzip"])
def test_a_body_that_says_it_is_compressed(facade: Facade, encoding: str) -> None:
    answer = facade.post(json.dumps(asking("Hi")).encode(), {"content-encoding": encoding})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_encoding")
    assert "is not valid" in error["message"]
    facade.assert_serves()


def test_a_body_that_says_it_is_not_compressed(facade: Facade) -> None:
    assert facade.post(json.dumps(asking("Hi")).encode(), {"content-encoding": "identity"}).status_code == 200


JUNK = st.recursive(
    st.sampled_from([None, True, False, 0, -1, 1.5, 10**30, "", "x", "auto", "text", "function", "user", "assistant"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("type", "role", "content", "text", "name", "id", "function", "custom", "arguments", "input", "tools"),
                    *("image_url", "url", "file", "file_data", "input_audio", "data", "format", "tool_calls", "index"),
                    *("json_schema", "schema", "mode", "allowed_tools", "effort", "reasoning_details", "refusal", "x"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
PARAMETERS = [
    *("messages", "tools", "tool_choice", "response_format", "stop", "logit_bias", "modalities", "reasoning", "stream"),
    *("stream_options", "n", "seed", "temperature", "reasoning_effort", "functions", "audio", "metadata", "unknown"),
]


@PROPERTY
@given(fields=st.dictionaries(st.sampled_from(PARAMETERS), JUNK, max_size=3), message=JUNK)
def test_whatever_a_client_sends(facade: Facade, fields: dict[str, Any], message: Any) -> None:
    answer = facade.post(json.dumps({**asking("Hi"), "messages": [USER, message], **fields}).encode())
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert error["message"]
        assert error["code"]
