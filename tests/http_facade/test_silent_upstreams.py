"""Providers that are not there, never answer, or fall silent in the middle."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.http_facade.serving import Facade, Provided, asking, chunk, refusal, serving, settings_with
from tests.upstream import STALL, Pause, Reply, event_stream, running_upstream

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[Facade]:
    """Its provider is down: the port is bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with serving(settings_with(url), split=request.param) as running:
            yield running
            running.assert_serves()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_provider_that_is_down(unreachable: Facade, stream: bool) -> None:
    answer = unreachable.chat(asking("Hi", "openai/m", stream=stream))
    error = refusal(answer, 502, "upstream_unavailable")
    assert "connection refused" in error["message"]


def test_the_models_of_a_provider_that_is_down(unreachable: Facade) -> None:
    answer = unreachable.client.get("/v1/models")
    assert answer.status_code == 200
    assert "demo/echo" in [card["id"] for card in answer.json()["data"]]
    assert answer.headers["x-dragoman-warnings"].startswith("openai: ")
    assert "connection refused" in answer.headers["x-dragoman-warnings"]


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def hasty(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """A gateway that waits for an answer for 0.2 s in all."""
    with (
        running_upstream(lambda _: Reply(before_head=[STALL])) as upstream,
        serving(settings_with(upstream.url, total=0.2), split=request.param) as running,
    ):
        yield Provided(running, upstream)


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def restless(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """A gateway that waits for the next byte for 0.2 s."""
    with (
        running_upstream(lambda _: Reply(before_head=[STALL])) as upstream,
        serving(settings_with(upstream.url, idle=0.2), split=request.param) as running,
    ):
        yield Provided(running, upstream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(before_head=[STALL]),
        Reply(before_head=[b"HTTP/1.1 200 OK\r\n", STALL]),
        Reply(200, EVENTS, [STALL]),
        Reply(200, EVENTS, [b": ping\n\n", STALL]),
        Reply(500, JSON, [b'{"error":', STALL]),
    ],
)
def test_a_provider_that_never_answers(hasty: Provided, reply: Reply, stream: bool) -> None:
    hasty.replies(reply)
    error = refusal(hasty.facade.chat(asking("Hi", "openai/m", stream=stream)), 504, "deadline_exceeded")
    assert error["type"] == "timeout_error"
    assert "deadline" in error["message"]
    hasty.requests[0].closed.join()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "reply", [Reply(200, EVENTS, [STALL]), Reply(200, EVENTS, [b": ping\n\n", STALL]), Reply(500, JSON, [b"{", STALL])]
)
def test_a_provider_that_falls_silent(restless: Provided, reply: Reply, stream: bool) -> None:
    restless.replies(reply)
    error = refusal(restless.facade.chat(asking("Hi", "openai/m", stream=stream)), 504, "upstream_timeout")
    assert "sent nothing for 0.2 s" in error["message"]
    restless.requests[0].closed.join()


def test_a_provider_that_falls_silent_in_the_answer(restless: Provided) -> None:
    error = error_in_stream(restless, event_stream(chunk("one"), STALL))
    assert (error["code"], error["type"]) == ("upstream_timeout", "timeout_error")
    assert "sent nothing for 0.2 s" in error["message"]


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_a_provider_whose_answer_takes_too_long(split: bool) -> None:
    """However alive it is."""
    endless = event_stream(*[step for _ in range(1000) for step in (chunk("word "), Pause(0.01))])
    with (
        running_upstream(lambda _: endless) as upstream,
        serving(settings_with(upstream.url, total=1.0), split=split) as facade,
    ):
        error = error_in_stream(Provided(facade, upstream), endless)
    assert (error["code"], error["type"]) == ("deadline_exceeded", "timeout_error")


def error_in_stream(provided: Provided, reply: Reply) -> Any:
    provided.replies(reply)
    answer = provided.facade.chat(asking("Hi", "openai/m", stream=True))
    assert answer.status_code == 200
    error = json.loads(answer.text.rstrip().rpartition("data: ")[2])["error"]
    assert "openai" in error["message"]
    assert "[DONE]" not in answer.text
    provided.requests[0].closed.join()
    return error
