"""Azure's paths."""

from __future__ import annotations

import pytest

from tests.http_facade.serving import Facade, Provided, asking, completion, text_of
from tests.upstream import json_reply

BODY = asking("Hi", "another/model")


@pytest.mark.parametrize("query", ["", "?api-version=2024-10-21", "?api-version=", "?api-version=tomorrow"])
@pytest.mark.parametrize("deployment", ["demo/echo", "demo%2Fecho"])
@pytest.mark.parametrize("named", [{}, {"model": None}, {"model": "another/model"}, {"model": 7}])
def test_the_deployment_is_the_model(facade: Facade, deployment: str, query: str, named: dict[str, object]) -> None:
    body = {**asking("Hi"), **named}
    answer = facade.client.post(f"/openai/deployments/{deployment}/chat/completions{query}", json=body)
    assert text_of(answer) == "Hi"
    assert answer.json()["model"] == "echo"
    assert answer.headers["x-model-used"] == "demo/echo"


def test_a_stream_from_a_deployment(facade: Facade) -> None:
    answer = facade.client.post("/openai/deployments/demo/echo/chat/completions", json=asking("Hi", stream=True))
    assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    "path",
    ["/openai/v1/chat/completions", "/openai/chat/completions", "/models/chat/completions?api-version=2024-05-01-preview"],
)
def test_paths_whose_body_names_the_model(facade: Facade, path: str) -> None:
    assert text_of(facade.client.post(path, json=asking("Hi"))) == "Hi"
    refused = facade.client.post(path, json={**asking("Hi"), "model": None})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize("path", ["/openai/models", "/openai/v1/models"])
def test_models(facade: Facade, path: str) -> None:
    assert "demo/echo" in [card["id"] for card in facade.client.get(path).json()["data"]]
    assert facade.client.get(f"{path}/demo%2Fecho").json()["id"] == "demo/echo"


@pytest.mark.parametrize("path", ["/openai/deployments/demo/echo/completions?api-version=1", "/openai/v1/completions"])
def test_text_completions(facade: Facade, path: str) -> None:
    answer = facade.client.post(path, json={"model": "demo/echo", "prompt": "Once"})
    assert answer.json()["choices"][0]["text"] == "Once"


@pytest.mark.parametrize("deployment", ["nobody/nothing", "a%20b", "%ff", "x" * 600])
def test_a_deployment_that_there_is_not(facade: Facade, deployment: str) -> None:
    refused = facade.client.post(f"/openai/deployments/{deployment}/chat/completions", json=BODY)
    assert refused.status_code in (400, 404)
    assert refused.json()["error"]["param"] == "model"


def test_a_deployments_name_reaches_the_provider(provided: Provided) -> None:
    provided.replies(json_reply(completion()))
    provided.facade.client.post("/openai/deployments/openai/gpt%204o/chat/completions", json=BODY)
    assert provided.requests[0].json()["model"] == "gpt 4o"
