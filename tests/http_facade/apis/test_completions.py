"""Text completions over the wire, of one prompt and of several."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.http_facade.serving import Facade, Provided, asking, chunk, completion, streamed, text_of
from tests.upstream import CUT, STALL, Received, Reply, Signal, event_stream, json_reply

PATH = "/v1/completions"


def ask(facade: Facade, prompt: Any, model: str = "openai/m", **fields: Any) -> httpx.Response:
    return facade.client.post(PATH, json={"model": model, "prompt": prompt, **fields})


def events(answer: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def prompt_of(request: Received) -> str:
    return str(request.json()["messages"][0]["content"])


def echoing(request: Received) -> Reply:
    """Fails where the prompt says so."""
    prompt = prompt_of(request)
    if prompt == "fail":
        return json_reply({"error": {"message": "No."}}, 400)
    if request.json().get("stream"):
        return streamed(prompt, "!")
    return json_reply(completion(prompt + "!", usage={"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}))


def test_a_prompt_is_what_the_user_says(provided: Provided) -> None:
    provided.replies(json_reply(completion(" upon a time")))
    answer = ask(provided.facade, "Once", max_tokens=9, temperature=0.5, stop=["."])
    assert answer.json()["choices"][0]["text"] == " upon a time"
    sent = provided.requests[0].json()
    assert sent["messages"] == [{"role": "user", "content": "Once"}]
    assert (sent["max_completion_tokens"], sent["temperature"], sent["stop"]) == (9, 0.5, ["."])
    assert "prompt" not in sent


def test_several_prompts_come_back_in_their_order(provided: Provided) -> None:
    provided.upstream.handler = echoing
    prompts = [f"p{number}" for number in range(20)]
    body = ask(provided.facade, prompts).json()
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [
        (index, f"{prompt}!") for index, prompt in enumerate(prompts)
    ]
    assert body["usage"]["total_tokens"] == 60


def test_one_prompt_that_fails_fails_the_request(provided: Provided) -> None:
    provided.upstream.handler = echoing
    refused = ask(provided.facade, ["a", "fail", "b"])
    assert refused.status_code == 400
    assert "No." in refused.json()["error"]["message"]


def test_streams_of_several_prompts_come_one_after_another(provided: Provided) -> None:
    provided.upstream.handler = echoing
    answer = ask(provided.facade, ["a", "b"], stream=True)
    told = [(choice["index"], choice["text"]) for event in events(answer) for choice in event["choices"]]
    assert told == [(0, "a"), (0, "!"), (0, ""), (1, "b"), (1, "!"), (1, "")]
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.text.count("[DONE]") == 1


@pytest.mark.parametrize(("prompts", "status"), [(["fail", "a"], 400), (["a", "fail"], 200)])
def test_a_later_prompt_that_fails_ends_the_stream(provided: Provided, prompts: list[str], status: int) -> None:
    provided.upstream.handler = echoing
    answer = ask(provided.facade, prompts, stream=True)
    assert answer.status_code == status
    assert "[DONE]" not in answer.text
    error = answer.json()["error"] if status == 400 else events(answer)[-1]["error"]
    assert "No." in error["message"]


def test_a_stream_that_breaks_off(provided: Provided) -> None:
    provided.replies(event_stream(chunk("Half"), CUT))
    answer = ask(provided.facade, "Hi", stream=True)
    assert events(answer)[0]["choices"][0]["text"] == "Half"
    assert "broke off" in events(answer)[-1]["error"]["message"]


@pytest.mark.parametrize("prompt", ["Hi", ["a", "b", "c"]])
def test_a_client_that_leaves_ends_every_call(provided: Provided, prompt: Any) -> None:
    count, arrived = len(prompt) if isinstance(prompt, list) else 1, Signal()
    provided.replies(Reply(before_head=[STALL]))
    stalling = provided.upstream.handler

    def answer(request: Received) -> Reply:
        if len(provided.requests) == count:
            arrived.set()
        return stalling(request)

    provided.upstream.handler = answer
    body = json.dumps({"model": "openai/m", "prompt": prompt}).encode()
    with socket.create_connection(provided.facade.place) as client:
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        arrived.join()
    for request in list(provided.requests):
        request.closed.join()


def test_a_setting_that_nobody_can_honour(facade: Facade) -> None:
    assert "best_of" in ask(facade, "Hi", "demo/echo", best_of=3).headers["x-dragoman-warnings"]
    body = {"model": "demo/echo", "prompt": "Hi", "best_of": 3}
    refused = facade.client.post(PATH, json=body, headers={"x-dragoman-strict": "true"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "best_of")


@pytest.mark.parametrize(("fields", "param"), [({"suffix": "."}, "suffix"), ({"echo": True, "logprobs": 1}, "echo")])
def test_what_a_chat_model_cannot_do(provided: Provided, fields: dict[str, Any], param: str) -> None:
    provided.replies(json_reply(completion()))
    for model in ("openai/m", "demo/echo"):
        error = ask(provided.facade, "Hi", model, **fields).json()["error"]
        assert (error["param"], error["code"]) == (param, "unsupported")
    assert not provided.requests


def test_the_access_log(facade: Facade) -> None:
    body = {"model": "demo/echo", "prompt": ["one two", "three"]}
    facade.client.post(PATH, json=body, headers={"x-request-id": "texts-1"})
    line = facade.log.wait_for("texts-1")
    assert (line["model"], line["input_tokens"], line["output_tokens"]) == ("demo/echo", 3, 3)


def test_afterwards_chats_are_answered(facade: Facade) -> None:
    assert text_of(facade.chat(asking("Hi"))) == "Hi"
