"""OpenRouter's /generation: the record of the call that made an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.status import pack
from dragoman.v1.calls_pb2 import CallRecord, GetCallRequest, GetCallResponse
from gateway_core.settings.server import StorageSettings
from gateway_core.settings.settings import KeySettings, hash_key
from tests.http_facade.asgi import OpenStub, ask_stub
from tests.http_facade.serving import DONE, Facade, Provided, asking, chunk, completion, serving, settings_for
from tests.upstream import event_stream, json_reply

CHAT, TEXTS, GENERATION = "/api/v1/chat/completions", "/api/v1/completions", "/api/v1/generation"
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 16},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
NEVER_NULL = ("id", "model", "created_at", "data_region", "origin", "total_cost", "usage", "is_byok", "latency", "cancelled")
both = pytest.mark.parametrize("streams", [False, True])


def events(text: str) -> list[Any]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def answered(facade: Facade, body: dict[str, Any], path: str = CHAT, **headers: str) -> str:
    """The id of the answer."""
    answer = facade.client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    generation_id: str = (events(answer.text)[0] if body.get("stream") else answer.json())["id"]
    assert generation_id.startswith("gen-")
    return generation_id


def looked_up(facade: Facade, generation_id: str, **headers: str) -> httpx.Response:
    return facade.client.get(GENERATION, params={"id": generation_id}, headers=headers)


def data_of(facade: Facade, generation_id: str, **headers: str) -> Any:
    answer = looked_up(facade, generation_id, **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    data = answer.json()["data"]
    assert data["id"] == generation_id
    assert None not in [data[name] for name in NEVER_NULL]
    assert 0 <= data["generation_time"] <= data["latency"]
    return data


def values(data: Any, *names: str) -> list[Any]:
    return [data[name] for name in names]


@both
def test_what_an_answer_took(either: Facade, streams: bool) -> None:
    body = asking("Hi there", stream=streams, user="u-1", session_id="s-1")
    headers = {"http-referer": "https://notes.example", "user-agent": "notes/1", "x-request-id": f"took-{streams}"}
    data = data_of(either, answered(either, body, **headers))
    assert values(data, "model", "provider_name", "streamed", "cancelled") == ["echo", "demo", streams, False]
    assert values(data, "tokens_prompt", "tokens_completion", "finish_reason", "native_finish_reason") == [
        2,
        2,
        "stop",
        "stop",
    ]
    assert values(data, "http_referer", "origin", "user_agent") == ["https://notes.example"] * 2 + ["notes/1"]
    assert values(data, "request_id", "external_user", "session_id") == [f"took-{streams}", "u-1", "s-1"]
    assert values(data, "upstream_inference_cost", "total_cost", "usage") == [None, 0, 0]
    assert data["is_byok"] is False


@both
def test_what_the_provider_counted_and_charged(provided: Provided, streams: bool) -> None:
    usage = {**USAGE, "cost": 0.5}
    pieces = (chunk("Hi"), chunk(finish_reason="length"), {**chunk(), "choices": [], "usage": usage}, DONE)
    provided.replies(event_stream(*pieces) if streams else json_reply(completion(usage=usage)))
    generation_id = answered(provided.facade, asking("Hi", "openai/m", stream=streams))
    data = data_of(provided.facade, generation_id)
    assert values(data, "native_tokens_prompt", "native_tokens_completion") == [20, 9]
    assert values(data, "native_tokens_cached", "native_tokens_reasoning") == [16, 4]
    assert values(data, "total_cost", "usage", "upstream_inference_cost") == [0.5, 0.5, 0.5]
    assert values(data, "upstream_id", "finish_reason") == ["chatcmpl-1", "length" if streams else "stop"]
    (response,) = data["provider_responses"]
    assert values(response, "status", "provider_name", "id", "model_permaslug") == [200, "openai", "chatcmpl-1", "m"]


def test_nobody_counted(provided: Provided) -> None:
    provided.replies(json_reply(completion()))
    data = data_of(provided.facade, answered(provided.facade, asking("Hi", "openai/m")))
    assert values(data, "native_tokens_prompt", "native_tokens_completion", "upstream_inference_cost") == [None, None, None]


def test_the_id_is_the_gateways_own(provided: Provided) -> None:
    """Also where the provider, another gateway, gives one of the same form."""
    provided.replies(json_reply(completion(id="gen-1-upstream")))
    answer = provided.facade.client.post(CHAT, json=asking("Hi", "openai/m"))
    generation_id = answer.json()["id"]
    assert generation_id == f"gen-{answer.headers['x-dragoman-call-id']}"
    assert data_of(provided.facade, generation_id)["upstream_id"] == "gen-1-upstream"


def test_two_answers_to_one_request_id_are_two(either: Facade) -> None:
    first, second = (answered(either, asking(text), **{"x-request-id": "twice"}) for text in ("Hi", "Hi there you"))
    assert [data_of(either, one)["tokens_prompt"] for one in (first, second)] == [1, 3]


def test_who_was_asked_before(either: Facade) -> None:
    data = data_of(either, answered(either, {**asking("Hi", "demo/error-503"), "models": ["demo/echo"]}))
    assert [response["status"] for response in data["provider_responses"]] == [503, 200]
    assert data["provider_name"] == "demo"


@both
def test_texts(either: Facade, streams: bool) -> None:
    """Each prompt is a call; the answer's id is that of the first."""
    body = {"model": "demo/echo", "prompt": ["one", "two words"], "stream": streams}
    data = data_of(either, answered(either, body, TEXTS))
    assert values(data, "tokens_prompt", "tokens_completion", "streamed", "cancelled") == [1, 1, streams, False]
    assert [response["status"] for response in data["provider_responses"]] == [200]


def test_a_stream_that_broke_off(either: Facade) -> None:
    """The provider had not counted: the tokens are an estimate."""
    data = data_of(either, answered(either, asking("one two three four", "demo/cut-2", stream=True)))
    assert values(data, "finish_reason", "native_finish_reason", "cancelled") == ["error", None, False]
    assert values(data, "native_tokens_prompt", "native_tokens_completion") == [None, None]
    assert data["tokens_completion"] > 0


def test_a_stream_that_its_client_left(either: Facade) -> None:
    given = {"x-request-id": "left"}
    body = asking("word " * 1000, "demo/slow-10", stream=True)
    with either.client.stream("POST", CHAT, json=body, headers=given) as answer:
        first = next(line for line in answer.iter_lines() if line.startswith("data: {"))
    assert either.log.wait_for("left")["status"] == 499
    data = data_of(either, json.loads(first[6:])["id"])
    assert values(data, "cancelled", "finish_reason", "streamed", "native_tokens_completion") == [True, None, True, None]


@pytest.mark.parametrize(
    "generation_id",
    ["gen-1-nobody", "gen-", "gen-" + "0" * 32, "x" * 300, "gen-" + "x" * 300, "\0", "\N{GRINNING FACE}", "../models"],
)
def test_an_id_that_there_is_not(either: Facade, generation_id: str) -> None:
    refused = looked_up(either, generation_id)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["metadata"]["error_type"]) == (404, 404, "not_found")
    assert error["message"] == f"Generation {generation_id[:256]} not found."


@pytest.mark.parametrize("query", ["", "?id=", "?Id=gen-1"])
def test_a_query_without_an_id(facade: Facade, query: str) -> None:
    refused = facade.client.get(GENERATION + query)
    assert (refused.status_code, refused.json()["error"]["metadata"]["param"]) == (400, "id")
    assert "'id'" in refused.json()["error"]["message"]


def test_what_fails_at_once_has_no_id(facade: Facade) -> None:
    for streams in (False, True):
        refused = facade.client.post(CHAT, json=asking("Hi", "demo/error-500", stream=streams))
        assert (refused.status_code, list(refused.json())) == (502, ["error"])
    assert facade.client.post(GENERATION).status_code == 405


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def keyed(request: pytest.FixtureRequest) -> Iterator[Facade]:
    keys = tuple(KeySettings(name, hash_key(name)) for name in ("ann", "bob"))
    with serving(settings_for(keys=keys), split=request.param) as running:
        yield running


def test_nobody_sees_the_generations_of_another_key(keyed: Facade) -> None:
    ann, bob = ({"authorization": f"Bearer {name}"} for name in ("ann", "bob"))
    generation_id = answered(keyed, asking("Between us"), **ann)
    refused, unknown = looked_up(keyed, generation_id, **bob), looked_up(keyed, "gen-0", **bob)
    assert (refused.status_code, refused.text) == (404, unknown.text.replace("gen-0", generation_id))
    assert looked_up(keyed, generation_id).status_code == 401
    assert data_of(keyed, generation_id, **ann)["tokens_prompt"] == 2


def test_a_store_that_is_broken(tmp_path: Path) -> None:
    """All is answered, and what is lost is a 404 or a 503 later."""
    path = tmp_path / "stored.db"
    with serving(settings_for(storage=StorageSettings(path=path))) as facade:
        path.write_bytes(b"no database now " * 1000)
        generation_id = answered(facade, asking("Hi"))
        assert looked_up(facade, generation_id).status_code in (200, 404, 503)
        answered(facade, asking("Hi", stream=True))


@pytest.mark.parametrize("split", [False, True], ids=["joined", "split"])
def test_a_graceful_stop_loses_none(tmp_path: Path, split: bool) -> None:
    settings = settings_for(storage=StorageSettings(path=tmp_path / "stored.db"))
    with serving(settings, split=split) as facade:
        ids = [answered(facade, asking("Hi", stream=index % 2 == 1)) for index in range(20)]
    with serving(settings, split=split) as facade:
        assert [data_of(facade, generation_id)["tokens_prompt"] for generation_id in ids] == [1] * 20


class Stub(OpenStub):
    """A core that gives one record, or fails."""

    def __init__(self, failure: GatewayError | None = None) -> None:
        self.wanted: list[str] = []
        self._failure = failure

    def GetCall(self, request: GetCallRequest, **_: Any) -> asyncio.Future[GetCallResponse]:  # noqa: N802
        self.wanted.append(request.id)
        call: asyncio.Future[GetCallResponse] = asyncio.get_running_loop().create_future()
        if self._failure is None:
            call.set_result(GetCallResponse(call=CallRecord(id=request.id, caller="ann")))
        else:
            code, message, trailer = pack(self._failure)
            call.set_exception(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailer), message))
        return call


def test_what_the_core_is_asked() -> None:
    stub = Stub()
    answer = asyncio.run(ask_stub(stub, "GET", f"{GENERATION}?id=gen-abc"))
    assert (answer.status, answer.json()["data"]["id"], stub.wanted) == (200, "gen-abc", ["abc"])
    for other in ("abc", "Gen-abc", "chatcmpl-1", "gen-" + "x" * 300):
        assert asyncio.run(ask_stub(stub, "GET", f"{GENERATION}?id={other}")).status == 404
    assert stub.wanted == ["abc"]


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        (Reason.RECORD_NOT_FOUND, 404, "Generation gen-abc not found."),
        (Reason.STORAGE_UNAVAILABLE, 503, "out of order"),
        (Reason.INVALID_API_KEY, 401, "out of order"),
    ],
)
def test_what_the_core_refuses(reason: Reason, status: int, words: str) -> None:
    answer = asyncio.run(ask_stub(Stub(GatewayError(reason, "out of order")), "GET", f"{GENERATION}?id=gen-abc"))
    assert (answer.status, answer.json()["error"]["message"]) == (status, words)
