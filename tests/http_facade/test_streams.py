"""Streams over a real socket: framing, signs of life, failures before and after the first content, clients that leave."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.http_facade.serving import (
    DONE,
    UPSTREAM_KEY,
    Facade,
    Provided,
    asking,
    chunk,
    server_settings,
    serving,
    settings_with,
)
from tests.upstream import CUT, STALL, WAIT_S, Reply, Signal, Step, event_stream, json_reply, running_upstream


def frames_of(answer: httpx.Response) -> list[str]:
    """The data of all events. There is nothing else in the body but comments."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *frames, end = answer.text.split("\n\n")
    assert end == ""
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames if frame != ": keep-alive")
    return [frame.removeprefix("data: ") for frame in frames if frame != ": keep-alive"]


def chunks_of(answer: httpx.Response) -> list[dict[str, Any]]:
    *chunks, done = frames_of(answer)
    assert done == "[DONE]"
    return [json.loads(chunk) for chunk in chunks]


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def test_a_stream(either: Facade) -> None:
    answer = either.chat(asking("one two three", stream=True))
    assert answer.status_code == 200
    chunks = chunks_of(answer)
    assert text_of(chunks) == "one two three"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert all("usage" not in chunk for chunk in chunks)


def test_the_head_of_a_stream(either: Facade) -> None:
    headers = either.chat(asking("Hi", stream=True), x_request_id="stream-1").headers
    assert headers["x-request-id"] == "stream-1"
    assert headers["x-model-used"] == "demo/echo"
    assert headers["x-dragoman-provider"] == "demo"
    assert headers["x-dragoman-attempts"] == "1"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers


def test_a_usage_chunk_that_was_asked_for(either: Facade) -> None:
    asked = asking("one two three", stream=True, stream_options={"include_usage": True})
    *chunks, last = chunks_of(either.chat(asked))
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"], last["usage"]["total_tokens"]) == (3, 3, 6)


def test_a_stream_on_a_connection_that_is_used_again(facade: Facade) -> None:
    for _ in range(3):
        assert text_of(chunks_of(facade.chat(asking("Hi", stream=True)))) == "Hi"
        facade.assert_serves()


def test_the_access_log_of_a_stream(either: Facade) -> None:
    either.chat(asking("Hi", stream=True), x_request_id="stream-2")
    line = either.log.wait_for("stream-2")
    assert (line["status"], line["model"], line["attempts"]) == (200, "demo/echo", 1)


def test_a_slow_model_is_relayed_as_it_speaks(provided: Provided) -> None:
    """The second word is not said before the first one was read."""
    go = Signal()
    provided.replies(event_stream(chunk("one"), go, chunk(" two"), chunk(finish_reason="stop"), DONE))
    with streaming(provided.facade) as lines:
        assert '"content":"one"' in next_data(lines, "one")
        go.set()
        assert '"content":" two"' in next_data(lines, "two")


def next_data(lines: Iterator[str], word: str) -> str:
    return next(line for line in lines if word in line)


@contextlib.contextmanager
def streaming(facade: Facade) -> Iterator[Iterator[str]]:
    """The lines of a stream while it is being read."""
    body = asking("Hi", "openai/m", stream=True)
    with facade.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        yield answer.iter_lines()


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_signs_of_life_while_a_model_thinks(split: bool) -> None:
    go = Signal()
    reply = event_stream(chunk("one"), go, chunk(" two"), chunk(finish_reason="stop"), DONE)
    with (
        running_upstream(lambda _: reply) as upstream,
        serving(settings_with(upstream.url, server=server_settings(keep_alive=0.02)), split=split) as facade,
        streaming(facade) as lines,
    ):
        for _ in range(3):
            assert next_data(lines, "keep-alive") == ": keep-alive"
        go.set()
        assert list(lines)[-2:] == ["data: [DONE]", ""]


def test_no_sign_of_life_for_a_stream_that_flows(facade: Facade) -> None:
    assert "keep-alive" not in facade.chat(asking("Hi", stream=True)).text


ERROR = {"error": {"message": f"It broke, {UPSTREAM_KEY}.", "code": "rate_limit_exceeded"}}


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (json_reply({"error": {"message": "Slow down."}}, 429), 429, "rate_limited"),
        (json_reply({"error": {"message": "Busy."}}, 503), 503, "upstream_overloaded"),
        (json_reply({"error": {"message": "No.", "code": "bad_voice"}}, 400), 400, "bad_voice"),
        (event_stream(ERROR), 429, "rate_limit_exceeded"),
        (event_stream(b": ping\n\n", ERROR), 429, "rate_limit_exceeded"),
        (event_stream(CUT), 502, "stream_interrupted"),
        (event_stream(), 502, "stream_interrupted"),
        (event_stream(DONE), 502, "stream_interrupted"),
        (event_stream(b"data: {{{\n\n"), 502, "upstream_invalid_response"),
    ],
)
def test_a_failure_before_the_first_content_keeps_its_status(
    provided: Provided, reply: Reply, status: int, code: str
) -> None:
    provided.replies(reply)
    answer = provided.facade.chat(asking("Hi", "openai/m", stream=True))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json()["error"]["code"] == code
    assert "openai" in answer.json()["error"]["message"]
    assert UPSTREAM_KEY not in answer.text


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (CUT, "stream_interrupted"),
        (b"", "stream_interrupted"),
        (DONE, "stream_interrupted"),
        (ERROR, "rate_limit_exceeded"),
        (b"data: {{{\n\n", "upstream_invalid_response"),
        (b'data: {"choices":[{"delta":5}]}\n\n', "upstream_invalid_response"),
    ],
)
def test_a_failure_after_the_first_content_is_told_in_the_stream(
    provided: Provided, step: Step | dict[str, Any], code: str
) -> None:
    """The client has read a word before the provider fails, so the answer has begun."""
    go = Signal()
    provided.replies(event_stream(chunk("one"), go, *([step] if step else [])))
    with streaming(provided.facade) as lines:
        next_data(lines, "one")
        go.set()
        rest = [line for line in lines if line]
    error = json.loads(rest[-1].removeprefix("data: "))["error"]
    assert error["code"] == code
    assert error["metadata"]["provider"] == "openai"
    assert "openai" in error["message"]
    assert UPSTREAM_KEY not in error["message"]
    assert "data: [DONE]" not in rest


def test_a_failure_in_the_stream_is_in_the_access_log(either: Facade) -> None:
    either.chat(asking("Hi", "demo/cut", stream=True), x_request_id="stream-3")
    line = either.log.wait_for("stream-3")
    assert (line["status"], line["error"]) == (200, "STREAM_INTERRUPTED")


THINKING = Reply(before_head=[STALL])
BEFORE_CONTENT = event_stream(b": ping\n\n", STALL)
SPEAKING = event_stream(chunk("one"), STALL)


@pytest.mark.parametrize(
    ("reply", "stream"),
    [(THINKING, False), (THINKING, True), (BEFORE_CONTENT, True)],
    ids=["whole", "stream", "stream before content"],
)
def test_a_client_that_leaves_before_the_answer(provided: Provided, reply: Reply, stream: bool) -> None:
    arrived = Signal()
    provided.replies(reply, arrived=arrived)
    request_id = f"left-{stream}-{reply is THINKING}"
    connection = sent(provided.facade, stream, request_id)
    arrived.join()
    connection.close()
    provided.requests[0].closed.join()
    assert provided.facade.log.wait_for(request_id)["status"] == 499


def test_a_client_that_leaves_in_the_stream(provided: Provided) -> None:
    provided.replies(SPEAKING)
    connection = sent(provided.facade, True, "left-speaking")
    received = b""
    while b'"one"' not in received:
        received += connection.recv(65536)
    connection.close()
    provided.requests[0].closed.join()
    assert provided.facade.log.wait_for("left-speaking")["status"] == 499


def test_a_client_that_leaves_a_stream_that_flows(provided: Provided) -> None:
    """Nobody reads, so what is written piles up; then nobody is there."""
    many = [b"data: %s\n\n" % json.dumps(chunk("word " * 200)).encode()] * 2000
    provided.replies(event_stream(chunk("one"), *many, STALL))
    connection = sent(provided.facade, True, "left-flowing")
    connection.recv(1000)
    connection.close()
    provided.requests[0].closed.join()
    provided.facade.assert_serves()


def sent(facade: Facade, stream: bool, request_id: str) -> socket.socket:
    """A connection on which a request was sent."""
    body = json.dumps(asking("Hi", "openai/m", stream=stream)).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    head += f"x-request-id: {request_id}\r\ncontent-length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(facade.place, WAIT_S)
    connection.sendall(head.encode() + body)
    return connection
