"""Gateway keys against one another: each place of a key, in any number and order; and what a key owned once it is
revoked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest

from dragoman.metadata import KEY_NAMES
from gateway_core.settings.contexts import ContextSettings, KeyPlace
from gateway_core.settings.server import StorageSettings
from tests.http_facade.serving import Facade, asking, serving, settings_for

RIGHT, WRONG = "right-key-of-a-tenant", "sk-somebody-elses"
PLACES = (*KEY_NAMES, "?key")
SALES = ContextSettings("sales", provider="demo", auth=KeyPlace("x-team-key", query="token"))
Given = Sequence[tuple[str, str]]


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def locked(request: pytest.FixtureRequest) -> Iterator[Facade]:
    settings = settings_for({"DRAGOMAN_API_KEYS": f"team={RIGHT}"}, contexts=(SALES,))
    with serving(settings, split=request.param) as facade:
        yield facade


def status(facade: Facade, given: Given, path: str = "/v1/models") -> int:
    query = urlencode([(name.removeprefix("?"), key) for name, key in given if name.startswith("?")])
    bearer = [(name, f"Bearer {key}" if name == "authorization" else key) for name, key in given if not name.startswith("?")]
    return facade.client.get(f"{path}?{query}", headers=bearer).status_code


@pytest.mark.parametrize(("right", "wrong"), [*itertools.product(PLACES, PLACES)])
def test_any_valid_key_opens(locked: Facade, right: str, wrong: str) -> None:
    """Among others, in whatever places and order: SDKs and proxies fill some with keys of their own."""
    given = [(right, RIGHT), (wrong, WRONG)]
    assert [status(locked, pair) for pair in (given, given[::-1])] == [200, 200]
    assert status(locked, [(right, WRONG), (wrong, WRONG)]) == 401


@pytest.mark.parametrize("place", ["x-team-key", "?token"])
def test_any_valid_key_in_a_contexts_own_place_opens(locked: Facade, place: str) -> None:
    for given in ([(place, RIGHT), (place, WRONG)], [(place, WRONG), (place, RIGHT)]):
        assert status(locked, given, "/sales/v1/models") == 200
    assert status(locked, [(place, WRONG), ("authorization", RIGHT), ("?key", RIGHT)], "/sales/v1/models") == 401


@pytest.mark.parametrize("place", PLACES)
def test_so_many_keys_are_tried_and_no_more(locked: Facade, place: str) -> None:
    assert status(locked, [(place, WRONG)] * 7 + [(place, RIGHT)]) == 200
    assert status(locked, [(place, WRONG)] * 8 + [(place, RIGHT)]) == 401
    assert status(locked, [(place, "x" * 1000)] * 50) == 401


def test_a_revoked_key_leaves_its_things_to_nobody(tmp_path: Path) -> None:
    storage = StorageSettings(path=tmp_path / "stored.db")
    configurations = ("first-key-00,second-key-0", "second-key-0,third-key-00", "third-key-00,first-key-00")
    with serving(settings_for({"DRAGOMAN_API_KEYS": configurations[0]}, storage=storage)) as facade:
        first = {"authorization": "Bearer first-key-00"}
        made = facade.client.post("/v1/responses", json={"model": "demo/echo", "input": "Between us"}, headers=first)
        asked = facade.client.post("/api/v1/chat/completions", json=asking("Between us"), headers=first)
        assert (made.status_code, asked.status_code) == (200, 200)

    def seen(key: str) -> list[int]:
        paths = (f"/v1/responses/{made.json()['id']}", f"/api/v1/generation?id={asked.json()['id']}")
        return [facade.client.get(path, headers={"authorization": f"Bearer {key}"}).status_code for path in paths]

    with serving(settings_for({"DRAGOMAN_API_KEYS": configurations[1]}, storage=storage)) as facade:
        assert [seen(key) for key in configurations[1].split(",")] == [[404, 404]] * 2
        assert seen("first-key-00") == [401, 401]
        continued = {"model": "demo/echo", "input": "Go on", "previous_response_id": made.json()["id"]}
        for key in configurations[1].split(","):
            answer = facade.client.post("/v1/responses", json=continued, headers={"authorization": f"Bearer {key}"})
            assert answer.status_code == 404, answer.text
    with serving(settings_for({"DRAGOMAN_API_KEYS": configurations[2]}, storage=storage)) as facade:
        assert [seen(key) for key in configurations[2].split(",")] == [[404, 404], [200, 200]]
