"""A storage file that another process has locked: whoever stores waits, for so long, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.settings.server import StorageSettings
from gateway_core.storage import database
from gateway_core.storage.database import Database, writing
from gateway_core.storage.sqlite import prepare
from tests.http_facade.serving import asking, serving, settings_for

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
CALLED = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
HISTORY = [
    {"role": "user", "content": "Look"},
    {"role": "assistant", "tool_calls": [CALLED]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Nothing"},
]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Until it is left, or the transaction is ended."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def response(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo/echo", "input": text, **more}


def test_who_stores_waits_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSY_S", "PATIENCE_S"):
        monkeypatch.setattr(database, name, 60.0)
    path = tmp_path / "stored.db"
    with serving(settings_for(storage=StorageSettings(path=path))) as facade, ThreadPoolExecutor(1) as aside:
        post, get = facade.client.post, facade.client.get
        earlier = post("/v1/responses", json=response("Earlier")).json()["id"]
        with locked(path) as other:
            waiting = aside.submit(post, "/v1/responses", json=response("Waiting"))
            for stream in (False, True):
                answers = [
                    post("/v1/chat/completions", json=asking("Hi", stream=stream)),
                    post("/v1/chat/completions", json=asking("Hi", stream=stream, tools=TOOLS)),
                    post("/v1/chat/completions", json=asking("Hi", stream=stream, tools=TOOLS) | {"messages": HISTORY}),
                    post("/v1/responses", json=response("Hi", stream=stream, store=False)),
                    post("/v1/responses", json=response("Hi", stream=stream, store=False, previous_response_id=earlier)),
                    get(f"/v1/responses/{earlier}"),
                    get(f"/v1/responses/{earlier}/input_items"),
                    get("/v1/models"),
                ]
                assert [answer.status_code for answer in answers] == [200] * len(answers)
            assert not waiting.done()
            other.execute("ROLLBACK")
            assert waiting.result().json()["store"] is True


def test_a_file_that_stays_locked_gathers_no_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    monkeypatch.setattr(database, "PATIENCE_S", 0.3)
    path, tried = tmp_path / "stored.db", []

    def work(connection: sqlite3.Connection) -> None:
        tried.append(1)
        with writing(connection):
            raise AssertionError("it is locked")

    async def main() -> None:
        store = Database(path, prepare)
        await store.read(lambda connection: None)
        with locked(path):
            outcomes = await asyncio.gather(*(store.run(work) for _ in range(50)), return_exceptions=True)
        assert {outcome.reason for outcome in outcomes if isinstance(outcome, GatewayError)} == {Reason.STORAGE_UNAVAILABLE}
        assert len(outcomes) == 50
        assert await store.run(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
        await store.close()

    asyncio.run(main())
    assert len(tried) < 5


@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_stored_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    path = tmp_path / "stored.db"
    with serving(settings_for(storage=StorageSettings(path=path))) as facade:
        facade.client.post("/v1/responses", json=response("Earlier"))
        with locked(path):
            answer = facade.client.post("/v1/responses", json=response("Hello", stream=stream))
        assert answer.status_code == 200
        assert "Hello" in answer.text
        assert '"store":false' in answer.text
        assert facade.client.post("/v1/responses", json=response("Hello")).json()["store"] is True
