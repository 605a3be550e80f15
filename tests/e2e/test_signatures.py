"""Gemini's signatures of a call and of a text return to it in both modes, through an API whose form has no place for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.gateways import KEY, Provider, Start
from tests.upstream import event_stream, json_reply

SIGNATURE = "c2VhbCBvZiBnZW1pbmk="
CALL = {"functionCall": {"name": "look", "args": {"a": 1}, "id": "call_1"}, "thoughtSignature": SIGNATURE}
SAID = {"text": "I look.", "thoughtSignature": "c2VhbCBvZiB3b3Jkcw=="}
ANSWER = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [SAID, CALL]}, "finishReason": "STOP"}]}
TEXT = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Done."}]}, "finishReason": "STOP"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
MODEL = "google/gemini-3-pro-preview"
USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_signature_that_cohere_has_no_place_for(start: Start, provider: Provider, stream: bool) -> None:
    environ = {"DRAGOMAN_API_KEYS": f"tests={KEY}", "GOOGLE_API_URL": f"{provider.url}/v1beta", "GOOGLE_API_KEY": "k"}
    provider.answers(event_stream(ANSWER) if stream else json_reply(ANSWER), json_reply(TEXT), json_reply(TEXT))
    with start(environ=environ) as gateway, httpx.Client(headers={"authorization": f"Bearer {KEY}"}) as client:

        def ask(*messages: Any, stream: bool = False) -> httpx.Response:
            body = {"model": MODEL, "messages": messages, "tools": [TOOL], "stream": stream}
            return client.post(f"{gateway.http}/v2/chat", json=body).raise_for_status()

        first = ask(USER, stream=stream)
        assert "call_1" in first.text and SIGNATURE not in first.text
        call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
        result = {"role": "tool", "tool_call_id": "call_1", "content": "found"}
        ask(USER, {"role": "assistant", "content": "I look.", "tool_calls": [call]}, result)

        # What a model says is signed without tools too.
        asked = {"model": MODEL, "messages": [USER, {"role": "assistant", "content": "I look."}, USER]}
        client.post(f"{gateway.http}/v2/chat", json=asked).raise_for_status()

    assert provider.requests[1].json()["contents"][1]["parts"] == [SAID, CALL]
    assert provider.requests[2].json()["contents"][1]["parts"] == [SAID]
