"""A route with two targets, of which the first is slow, silent, down or broken."""

from collections.abc import Iterator
from dataclasses import dataclass

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from tests.e2e.conversations import chunk, completion, refused, said, streamed, word
from tests.e2e.gateways import Provider, Start
from tests.gateway_cli.process import WAIT_S
from tests.upstream import CUT, STALL, Reply, Signal, event_stream, running_upstream

CONFIG = """
[retries]
attempts = 1
[timeouts]
idle = 0.4
[server]
keep_alive = 0.1
[providers.first]
dialect = "openai"
url = "{first}"
[providers.second]
dialect = "openai"
url = "{second}"
[models.safe]
targets = ["first/model-a", "second/model-b"]
"""


@dataclass(frozen=True)
class Setting:
    client: OpenAI
    first: Provider
    second: Provider


@pytest.fixture(scope="module")
def setting(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    first, second = Provider(), Provider()
    config = tmp_path_factory.mktemp("fallback") / "dragoman.toml"
    with running_upstream(first) as one, running_upstream(second) as two:
        config.write_text(CONFIG.format(first=one.url, second=two.url))
        with (
            start("--config", str(config)) as gateway,
            OpenAI(base_url=gateway.url, api_key="none", max_retries=0, timeout=WAIT_S) as client,
        ):
            yield Setting(client, first, second)


BAD = {
    "error": refused(503, "Busy."),
    "key": refused(401, "Who are you?"),
    "gone": refused(404, "No such model."),
    "silent": Reply(body=[STALL], headers={"content-type": "text/event-stream"}),
    "cut": Reply(before_head=[CUT]),
    "html": Reply(headers={"content-type": "text/html"}, body=b"<html>Sorry</html>"),
}


@pytest.mark.parametrize("reply", BAD.values(), ids=BAD)
@pytest.mark.parametrize("streams", [False, True])
def test_the_second_target_answers(setting: Setting, reply: Reply, streams: bool) -> None:
    setting.first.answers(reply)
    setting.second.answers(streamed(word("Here.")) if streams else completion("Here."))

    raw = setting.client.chat.completions.with_raw_response.create(model="safe", messages=said("Hi"), stream=streams)

    answer = raw.parse()
    if isinstance(answer, ChatCompletion):
        assert answer.choices[0].message.content == "Here."
    else:
        assert "".join(piece.choices[0].delta.content or "" for piece in answer if piece.choices) == "Here."
    assert raw.headers["x-fallback-from"] == "first/model-a"
    assert (raw.headers["x-model-used"], raw.headers["x-dragoman-provider"]) == ("second/model-b", "second")
    assert raw.headers["x-dragoman-attempts"] == "2"
    # What a kept connection breaks on is sent on a fresh one, once.
    tries = [1, 2] if reply is BAD["cut"] else [1]
    assert [request.json()["model"] for request in setting.first.requests] in [["model-a"] * number for number in tries]
    assert [request.json()["model"] for request in setting.second.requests] == ["model-b"]


def test_a_request_at_fault_is_not_tried_elsewhere(setting: Setting) -> None:
    setting.first.answers(refused(400, "Too hot.", param="temperature"))
    setting.second.answers(completion("Here."))

    with pytest.raises(openai.BadRequestError) as caught:
        setting.client.chat.completions.create(model="safe", messages=said("Hi"))

    assert caught.value.param == "temperature"
    assert setting.second.requests == []


def test_all_targets_fail(setting: Setting) -> None:
    setting.first.answers(refused(500, "It broke."))
    setting.second.answers(BAD["silent"])

    with pytest.raises(openai.InternalServerError) as caught:
        setting.client.chat.completions.create(model="safe", messages=said("Hi"))

    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")
    assert "second" in str(caught.value)
    setting.second.requests[0].closed.join()


def test_silence_after_content_ends_the_stream(setting: Setting) -> None:
    setting.first.answers(event_stream(word("first"), STALL))
    setting.second.answers(streamed(word("never")))
    text = ""

    with (
        setting.client.chat.completions.create(model="safe", messages=said("Hi"), stream=True) as stream,
        pytest.raises(openai.APIError) as caught,
    ):
        for piece in stream:
            text += piece.choices[0].delta.content or ""

    assert text == "first"
    assert caught.value.code == "upstream_timeout"
    setting.first.requests[0].closed.join()
    assert setting.second.requests == []


def test_a_model_that_thinks_keeps_the_connection_busy(setting: Setting) -> None:
    """Clients and proxies give up on connections on which nothing comes."""
    heard = Signal()
    setting.first.answers(streamed(word("first "), heard, chunk({"content": "second"})))

    with setting.client.chat.completions.with_streaming_response.create(
        model="first/m", messages=said("Hi"), stream=True
    ) as response:
        lines = []
        for line in response.iter_lines():
            lines.append(line)
            if line == ": keep-alive":
                heard.set()

    assert ": keep-alive" in lines
    assert lines[-2] == "data: [DONE]"
