"""Whatever a provider sends, and whatever an OpenAI client asks for, nothing but GatewayError comes out of the dialect."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.render_response import render_chat
from gateway_dialects.anthropic.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.openai.parse_request import parse_chat
from tests.gateway_dialects.anthropic.client.asking import BUDGET_MODEL, ENDPOINT, LATE_MODEL, OLD_MODEL
from tests.laws.languages.anthropic import events_of
from tests.recordings import FIXTURES

PROPERTY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    10**40,
    0.5,
    "",
    "text",
    "tool_use",
    "é\0",
    [],
    [[]],
    {},
    {"type": "text"},
    {"type": "tool_use", "id": 5},
]
DEEP = b'{"content":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
ROUNDS = 60


def answers() -> Iterator[tuple[str, Any]]:
    for file in sorted((FIXTURES / "anthropic").glob("*.json")):
        content = json.loads(file.read_text())
        if content["response"]["status"] == 200:
            yield file.stem, content["response"]


WHOLE = {name: response["body"] for name, response in answers() if "body" in response}
STREAMS = {name: response["stream"].encode() for name, response in answers() if "stream" in response}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy in which something is missing, another value, or twice."""
    copy = json.loads(json.dumps(value))
    for _ in range(chance.randint(1, 3)):
        found = list(places(copy))
        if not found:
            return chance.choice(ODD)
        container, key = chance.choice(found)
        match chance.randrange(3):
            case 0:
                del container[key]
            case 1:
                container[key] = chance.choice(ODD)
            case _ if isinstance(container, list):
                container.insert(key, container[key])
            case _:
                container[f"{key}_of_the_future"] = container[key]
    return copy


@pytest.mark.parametrize("name", WHOLE)
def test_whole_answers_with_something_wrong(name: str) -> None:
    chance = random.Random(name)
    for _ in range(ROUNDS):
        with contextlib.suppress(GatewayError):
            answer = ANTHROPIC.chat.decode(json.dumps(mutated(WHOLE[name], chance)).encode(), "p")
            answer.SerializeToString()
            json.loads(render_chat(answer, "fallback"))


@pytest.mark.parametrize("name", STREAMS)
def test_streams_with_something_wrong(name: str) -> None:
    """They are whole, and then their face can show them, or an error."""
    chance = random.Random(name)
    events = [data for _, data in events_of(STREAMS[name])]
    for _ in range(ROUNDS):
        changed = mutated(events, chance)
        decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()
        try:
            for event in changed if isinstance(changed, list) else []:
                decoder.feed(ServerSentEvent(json.dumps(event).encode()), batch)
            decoder.finish(batch)
        except GatewayError:
            continue
        assert [event.WhichOneof("event") for event in batch.events].count("finished") == 1
        assert batch.events[-1].WhichOneof("event") == "finished"
        assert events_of(ChunkRenderer(fallback_id="f").render(batch))[-1][0] == "message_stop"


CHATS = {file.stem: json.loads(file.read_text())["request"]["body"] for file in sorted((FIXTURES / "openai").glob("*.json"))}


@pytest.mark.parametrize("name", CHATS)
def test_openai_clients_requests_with_something_wrong(name: str) -> None:
    chance = random.Random(name)
    for _ in range(ROUNDS // 2):
        with contextlib.suppress(GatewayError, GatewayError):
            request = parse_chat(json.dumps(mutated(CHATS[name], chance)).encode()).chat
            for model in (OLD_MODEL, BUDGET_MODEL, LATE_MODEL):
                upstream, _ = ANTHROPIC.encode_chat(request, model, ENDPOINT, False)
                assert json.loads(upstream.body)["model"] == model


ANY_JSON = st.recursive(
    st.sampled_from(ODD),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["type", "error", "message", "content", "usage", "index", "delta", "request_id", "details", "data", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
BODIES = st.one_of(st.binary(max_size=200), ANY_JSON.map(lambda value: json.dumps(value).encode()))
HEADER_VALUES = st.sampled_from(
    ["", "1", "-3", "nan", "1e400", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 9999999 07:28:00 -0000"]
) | st.text(st.characters(max_codepoint=255), max_size=40)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date", "content-type", "request-id"]), HEADER_VALUES)


@PROPERTY
@given(BODIES)
def test_any_body(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        ANTHROPIC.chat.decode(body, "p").SerializeToString()
    with contextlib.suppress(GatewayError):
        for model in ANTHROPIC.list_models.decode(body, "p"):
            assert model.id.startswith("p/")


@PROPERTY
@given(st.lists(BODIES, max_size=4))
def test_any_stream(bodies: list[bytes]) -> None:
    decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        for body in bodies:
            decoder.feed(ServerSentEvent(body or b"x"), batch)
        decoder.finish(batch)
    batch.SerializeToString()


@PROPERTY
@given(st.integers(100, 599), HEADERS, BODIES)
def test_any_error(status: int, headers: dict[str, str], body: bytes) -> None:
    failure = ANTHROPIC.chat.decode_error(status, headers, body)
    assert failure.message
    assert int(failure.metadata["upstream_status"]) == status
    assert all(isinstance(value, str) for value in failure.metadata.values())
    assert failure.retry_after_s is None or failure.retry_after_s >= 0


def test_an_answer_that_is_nested_without_end() -> None:
    decoder = ANTHROPIC.stream.decoder()
    assert ANTHROPIC.chat.decode_error(500, {}, DEEP).reason is Reason.UPSTREAM_UNAVAILABLE
    for decode in (
        lambda body: ANTHROPIC.chat.decode(body, "p"),
        lambda body: ANTHROPIC.list_models.decode(body, "p"),
        lambda body: decoder.feed(ServerSentEvent(body), StreamResponse()),
    ):
        with pytest.raises(GatewayError) as caught:
            decode(DEEP)
        assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("depth", range(900, 1000, 9))
def test_an_answer_that_is_nested_almost_too_deeply(depth: int) -> None:
    """What can just be read can be too deep to be written again."""
    inner = b'{"type":"hologram","x":' + b"[" * depth + b"]" * depth + b"}"
    with contextlib.suppress(GatewayError):
        ANTHROPIC.chat.decode(b'{"content":[' + inner + b"]}", "p")
    decoder, batch = ANTHROPIC.stream.decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        decoder.feed(ServerSentEvent(b'{"type":"message_start","message":{}}'), batch)
        decoder.feed(ServerSentEvent(b'{"type":"content_block_start","index":0,"content_block":' + inner + b"}"), batch)
        decoder.feed(ServerSentEvent(b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}'), batch)
        decoder.finish(batch)
