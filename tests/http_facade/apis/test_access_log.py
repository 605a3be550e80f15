from __future__ import annotations

import pytest

from tests.http_facade.apis.clients import CLIENTS, ApiClient
from tests.http_facade.serving import Facade


@pytest.mark.parametrize("api", CLIENTS, ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_the_access_log_tells_what_a_chat_took(api: ApiClient, facade: Facade, stream: bool) -> None:
    path, body = api.path("demo/echo", stream), api.body("two words", "demo/echo", stream)
    answer = facade.client.post(path, json=body, headers=api.headers)
    line = facade.log.wait_for(answer.headers["x-request-id"])
    assert (line["status"], line["api"], line["model"], line["provider"]) == (200, api.name, "demo/echo", "demo")
    assert (line["input_tokens"], line["output_tokens"]) == (2, 2)
