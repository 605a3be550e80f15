from __future__ import annotations

import pytest

from tests.http_facade.apis.clients import FACES, Face
from tests.http_facade.serving import Facade


@pytest.mark.parametrize("face", FACES, ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_the_access_log_tells_what_a_chat_took(face: Face, facade: Facade, stream: bool) -> None:
    path, body = face.path("demo/echo", stream), face.body("two words", "demo/echo", stream)
    answer = facade.client.post(path, json=body)
    line = facade.log.wait_for(answer.headers["x-request-id"])
    assert (line["status"], line["model"], line["tokens"]) == (200, "demo/echo", "2+2")
