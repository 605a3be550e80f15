"""The gateway's own keys over HTTP, with the core in the same process and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http_facade.serving import Facade, asking, serving, settings_for


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def locked(request: pytest.FixtureRequest) -> Iterator[Facade]:
    """A gateway that wants a key."""
    with serving(settings_for({"DRAGOMAN_API_KEYS": "right-key,other-key"}), split=request.param) as running:
        yield running


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "missing_api_key"),
        (b"", "missing_api_key"),
        (b"Bearer", "missing_api_key"),
        (b"Bearer wrong", "invalid_api_key"),
        (b"Bearer Right", "invalid_api_key"),
        (b"Bearer right-key right-key", "invalid_api_key"),
        (b"Bearer right-key,other-key", "invalid_api_key"),
        (b"Basic right-key", "invalid_api_key"),
        (b"Bearer sch\xc3\xbcssel", "invalid_api_key"),
        (b"Bearer \xff\xfe", "invalid_api_key"),
        (b"Bearer a\tb", "invalid_api_key"),
        (b"Bearer " + b"a" * 10_000, "invalid_api_key"),
        (b"Bearer " + b"\xff" * 60_000, "invalid_api_key"),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key(locked: Facade, given: bytes | None, code: str, stream: bool) -> None:
    headers = {} if given is None else {b"authorization": given}
    body = asking("Hi", stream=stream)
    for answer in (
        locked.client.post("/v1/chat/completions", json=body, headers=headers),
        locked.client.get("/v1/models", headers=headers),
        locked.client.get("/v1/models/demo/echo", headers=headers),
    ):
        error = answer.json()["error"]
        assert answer.status_code == 401
        assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, None)
        assert "wrong" not in answer.text


@pytest.mark.parametrize("given", ["Bearer right-key", "bearer right-key", "BEARER other-key", "Bearer   right-key"])
def test_a_right_key(locked: Facade, given: str) -> None:
    assert locked.chat(asking("Hi"), authorization=given).status_code == 200


def test_a_key_that_nobody_asked_for(either: Facade) -> None:
    for given in (b"", b"Bearer anything", b"Bearer \xff", b"Bearer " + b"a" * 60_000):
        answer = either.client.post("/v1/chat/completions", json=asking("Hi"), headers={b"authorization": given})
        assert answer.status_code == 200
