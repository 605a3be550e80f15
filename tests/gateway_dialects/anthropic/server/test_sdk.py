"""Anthropic's own SDK takes what this face writes: its strict types, its stream accumulator, its errors.

Kinds of content that Anthropic's answers do not have (pictures, sound, other dialects' own) are no part of its types, nor
are those of the future: they are left out here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.parse_request import parse_chat, parse_count
from gateway_dialects.anthropic.render_response import (
    render_chat,
    render_count,
    render_error,
    render_error_event,
    render_models,
)
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.anthropic.server.reading import Json
from tests.laws.reading import read_stream
from tests.recordings import Exchange, exchanges

DIALECTS = {"/v1/messages": ANTHROPIC, "/chat/completions": OPENAI}
FOLDERS = ("fixtures-anthropic", "fixtures-openai")
NO_TYPES = ("audio", "of_the_future", "server_tool")
"""What the names of fixtures hold whose content the SDK's strict types refuse, as Anthropic itself writes it too."""


def found() -> Iterator[tuple[Exchange, Dialect]]:
    for path, dialect in DIALECTS.items():
        for exchange in exchanges(path):
            is_typed = not any(name in exchange.name for name in NO_TYPES)
            if (
                exchange.vendor in FOLDERS
                and is_typed
                and exchange.response["status"] == 200
                and "error" not in exchange.name
            ):
                yield exchange, dialect


FOUND = list(found())
STREAMS = [pair for pair in FOUND if "stream" in pair[0].response]
WHOLE = [pair for pair in FOUND if isinstance(pair[0].body, dict)]


def named(value: Any) -> str | None:
    return value.name if isinstance(value, (Exchange, Dialect)) else None


def client(answer: Callable[[httpx2.Request], httpx2.Response], **options: Any) -> anthropic.Anthropic:
    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(
        api_key="k",
        base_url="http://gateway",
        max_retries=0,
        http_client=transport,
        _strict_response_validation=True,
        **options,
    )


def giving(body: bytes, kind: str = "application/json", status: int = 200) -> anthropic.Anthropic:
    """A client whose every request gets this answer."""
    headers = {"content-type": kind, "request-id": "req_1"}
    return client(lambda _: httpx2.Response(status, headers=headers, content=body))


def ask(api: anthropic.Anthropic) -> anthropic.types.Message:
    return api.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": "Hi"}])


def shown(content: list[Json]) -> list[Any]:
    """What a person sees of content; a stream has no empty texts."""
    keys = ("type", "text", "thinking", "input", "id", "name")
    return [[block.get(key) for key in keys] for block in content if block.get("text") != ""]


@pytest.mark.parametrize(("exchange", "dialect"), STREAMS, ids=named)
def test_its_accumulator_takes_streams(exchange: Exchange, dialect: Dialect) -> None:
    batches = read_stream(dialect, [exchange.stream])
    answer = accumulate(batches)
    renderer = ChunkRenderer(fallback_id="msg_1", input_tokens=7)
    body = b"".join(renderer.render(batch) for batch in batches)
    with giving(body, "text/event-stream").messages.stream(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}]
    ) as s:
        assert [event.type for event in s][-1] == "message_stop"
        message = json.loads(s.get_final_message().to_json())
    whole = json.loads(render_chat(answer, "msg_1", 7))
    assert shown(message["content"]) == shown(whole["content"])
    assert (message["id"], message["model"], message["stop_reason"]) == (whole["id"], whole["model"], whole["stop_reason"])
    assert message["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert message["usage"]["input_tokens"] == whole["usage"]["input_tokens"] > 0


@pytest.mark.parametrize(("exchange", "dialect"), WHOLE, ids=named)
def test_its_types_take_whole_answers(exchange: Exchange, dialect: Dialect) -> None:
    answer = dialect.chat.decode(json.dumps(exchange.body).encode(), "p")
    rendered = render_chat(answer, "msg_1", 7)
    assert shown(json.loads(ask(giving(rendered)).to_json())["content"]) == shown(json.loads(rendered)["content"])


def test_there_is_enough_to_judge_by() -> None:
    assert len(STREAMS) > 15
    assert len(WHOLE) > 15


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (413, anthropic.APIStatusError),
        (422, anthropic.UnprocessableEntityError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (502, anthropic.InternalServerError),
        (503, anthropic.APIStatusError),
        (504, anthropic.APIStatusError),
    ],
)
def test_its_errors(status: int, kind: type[anthropic.APIStatusError]) -> None:
    failure = GatewayError(Reason.INTERNAL, "Why.", field="messages", status=status)
    with pytest.raises(kind) as caught:
        ask(giving(render_error(failure, "req_1"), status=status))
    assert (caught.value.status_code, caught.value.api_message, caught.value.request_id) == (status, "Why.", "req_1")
    assert caught.value.type == json.loads(render_error(failure))["error"]["type"]


def test_an_error_inside_a_stream() -> None:
    exchange, dialect = STREAMS[0]
    renderer = ChunkRenderer(fallback_id="msg_1")
    body = b"".join(renderer.render(batch) for batch in read_stream(dialect, [exchange.stream])[:1])
    body += render_error_event(GatewayError(Reason.UPSTREAM_OVERLOADED, "Busy."), "req_1")
    api = giving(body, "text/event-stream")
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        api.messages.stream(model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        stream.get_final_message()
    assert (caught.value.api_message, caught.value.type) == ("Busy.", "overloaded_error")


def test_counting_and_models() -> None:
    count = giving(render_count(42)).messages.count_tokens(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert count.input_tokens == 42
    page = giving(render_models(ListModelsResponse(models=[Model(id="demo/echo"), Model(id="anthropic/x", created=5)])))
    assert [model.id for model in page.models.list().data] == ["demo/echo", "anthropic/x"]


def test_what_it_sends_is_read() -> None:
    """Whatever form the SDK gives a request that uses much of what it has."""
    bodies: dict[str, bytes] = {}

    def keep(request: httpx2.Request) -> httpx2.Response:
        bodies[request.url.path] = request.read()
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=render_count(1))

    api = client(keep)
    conversation: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]},
    ]
    tools: list[Any] = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    api.messages.count_tokens(model="claude-opus-5-5", messages=conversation, tools=tools, thinking={"type": "adaptive"})
    assert len(parse_count(bodies["/v1/messages/count_tokens"]).messages) == 3
    with pytest.raises(anthropic.APIResponseValidationError):
        api.messages.create(
            model="claude-opus-5-5",
            max_tokens=5,
            system=[{"type": "text", "text": "S"}],
            messages=conversation,
            tools=tools,
            tool_choice={"type": "auto"},
            thinking={"type": "adaptive", "display": "omitted"},
            output_config={"effort": "low"},
            stop_sequences=["END"],
            metadata={"user_id": "u"},
        )
    request = parse_chat(bodies["/v1/messages"]).chat
    assert (request.reasoning.effort, request.user, list(request.stop), len(request.messages)) == ("low", "u", ["END"], 4)
