"""An error inside a stream of Gemini's form: as an event, then bare as Google writes it, then a broken connection. Each
is what some of its clients recognise: @google/genai 1.x the bare JSON, later versions the event, the AI SDK the break."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest

from http_facade.chat import StreamedAnswer
from tests.http_facade.serving import Provided, chunk
from tests.upstream import CUT, WAIT_S, event_stream

BODY = json.dumps({"contents": [{"parts": [{"text": "Hi"}]}]}).encode()


def received(provided: Provided, query: str) -> list[bytes]:
    """What arrives, read by read, until the server ends the connection."""
    path = f"/v1beta/models/openai/m:streamGenerateContent{query}"
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
    with socket.create_connection(provided.facade.place, WAIT_S) as connection:
        connection.sendall(head + BODY)
        return [*iter(lambda: connection.recv(65536), b"")]


def chunks_of(body: bytes) -> list[bytes]:
    """Of a chunked body, and an empty one at its end, if it has that."""
    found = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        found.append(rest[:length])
        body = rest[length + 2 :]
    return found


def test_an_error_in_a_stream_of_events(provided: Provided) -> None:
    provided.replies(event_stream(chunk("one"), chunk("two"), CUT))
    head, _, body = b"".join(received(provided, "?alt=sse")).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    *_, event, bare = chunks_of(body)
    error = json.loads(bare)
    assert error["error"]["code"] >= 500
    assert error["error"]["message"]
    assert event.splitlines()[0] == b"data: " + bare
    provided.facade.assert_serves()


@pytest.mark.anyio
async def test_a_client_has_time_to_read_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Node's fetch joins what arrives at once, and @google/genai 1.x knows the bare error when it arrives by itself."""
    steps: list[object] = []

    async def pause(_: float) -> None:
        steps.append("pause")

    async def write(data: bytes, *, more: bool) -> None:
        steps.append((data, more))

    monkeypatch.setattr("http_facade.chat.asyncio.sleep", pause)
    answer = object.__new__(StreamedAnswer)
    monkeypatch.setattr(StreamedAnswer, "_exchange", SimpleNamespace(write=write), raising=False)
    await answer.break_off(b"bare")

    assert steps == ["pause", (b"bare", True), "pause"]


def test_a_whole_stream_ends_well(provided: Provided) -> None:
    provided.replies(event_stream(chunk("one"), chunk(finish_reason="stop"), b"data: [DONE]\n\n"))
    path = "/v1beta/models/openai/m:streamGenerateContent?alt=sse"
    answer = provided.facade.client.post(path, content=BODY)
    assert "error" not in answer.text
    assert '"finishReason":"STOP"' in answer.text


def test_an_array_is_closed(provided: Provided) -> None:
    """What reads it parses the whole: an array without its end would hide the error."""
    provided.replies(event_stream(chunk("one"), CUT))
    answer = provided.facade.client.post("/v1beta/models/openai/m:streamGenerateContent", content=BODY)
    assert answer.json()[-1]["error"]["code"] >= 500
