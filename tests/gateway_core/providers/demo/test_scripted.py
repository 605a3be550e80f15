from __future__ import annotations

import json

import pytest

from gateway_core.providers.demo.script import Ending, Pause
from tests.gateway_core.providers.demo.asking import ask, chat, error, message


def test_steps_are_played_in_order() -> None:
    steps = [
        {"reasoning": "let me see"},
        {"text": "I call"},
        {"tool_call": {"name": "weather", "arguments": {"city": "Rome"}}},
        {"tool_call": {"name": "raw", "arguments": "{broken"}},
        {"tool_call": {"name": "none"}},
        {"refusal": "no more"},
        {"pause_ms": 250},
        {"finish": "length"},
        {"text": "never said"},
    ]
    pause, body = ask("script", json.dumps(steps)).steps
    assert pause == Pause(0.25)
    assert isinstance(body, bytes)
    [choice] = json.loads(body)["choices"]
    said = choice["message"]
    assert choice["finish_reason"] == "length"
    assert (said["reasoning_content"], said["content"], said["refusal"]) == ("let me see", "I call", "no more")
    assert [call["function"] for call in said["tool_calls"]] == [
        {"name": "weather", "arguments": '{"city": "Rome"}'},
        {"name": "raw", "arguments": "{broken"},
        {"name": "none", "arguments": "{}"},
    ]


def test_no_steps_are_an_empty_answer() -> None:
    assert message("script", "[]")["content"] == ""
    assert chat("script", "[]")["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("step", "ending"), [({"cut": True}, [Ending.CUT]), ({"stall": True}, [Ending.STALL]), ({"eof": True}, [])]
)
def test_endings(step: object, ending: list[Ending]) -> None:
    body, *rest = ask("script", json.dumps([{"text": "a"}, step, {"text": "b"}]), stream=True).steps
    assert isinstance(body, bytes)
    assert rest == ending
    assert b'"content":"a"' in body
    assert b"finish_reason" in body
    assert b'"content":"b"' not in body
    assert b"[DONE]" not in body


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_before_anything_was_said_is_a_status(stream: bool) -> None:
    failure = {"status": 429, "message": "slow down", "code": "custom", "type": "own", "param": "x", "retry_after_s": 2.5}
    pause, body = (script := ask("script", json.dumps([{"pause_ms": 1}, {"error": failure}]), stream=stream)).steps
    assert pause == Pause(0.001)
    assert script.status == 429
    assert script.headers["retry-after"] == "2.5"
    assert isinstance(body, bytes)
    assert json.loads(body)["error"] == {"message": "slow down", "type": "own", "param": "x", "code": "custom"}


def test_an_error_after_something_was_said_is_told_in_the_stream() -> None:
    script = ask("script", '[{"text":"a"},{"error":{"status":529}},{"text":"b"}]', stream=True)
    assert script.status == 200
    said, pause, failed = script.steps
    assert pause == Pause(0)
    assert isinstance(said, bytes)
    assert isinstance(failed, bytes)
    assert said.endswith(b"\n\n")
    assert json.loads(failed.removeprefix(b"data: "))["error"]["code"] == "overloaded_error"
    assert ask("script", '[{"text":"a"},{"error":{"status":529}}]').status == 529


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{}",
        '["text"]',
        '[{"text":1}]',
        '[{"pause_ms":-1}]',
        '[{"pause_ms":1e99}]',
        '[{"cut":false}]',
        '[{"error":{"status":200}}]',
        '[{"error":{"status":"500"}}]',
        '[{"dance":true}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_script_is_refused(text: str) -> None:
    script = ask("script", text)
    assert script.status == 400
    assert "script" in error(script)["message"]
