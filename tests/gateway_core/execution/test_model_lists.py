"""The model list over several providers: order, pages, single models, and providers that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports
from gateway_core.execution.model_lists import LIST_TIMEOUT_S, ModelLists, ProviderLists
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.settings import load
from tests.gateway_core.execution.scripted import Answer, Clock, ScriptedTransport, Stall, fails, refuses

CONFIG = """
[providers.zed]
dialect = "openai"
url = "http://zed/v1"
key = "zed-secret"
[providers.abe]
dialect = "openai"
url = "http://abe/v1"
[models.fast]
targets = ["zed/one", "abe/x"]
"""


def lists(*ids: str) -> Answer:
    return Answer(steps=[json.dumps({"object": "list", "data": [{"id": name} for name in ids]}).encode()])


class Rig:
    def __init__(self, tmp_path: Path, **answers: Answer) -> None:
        path = tmp_path / "dragoman.toml"
        path.write_text(CONFIG)
        self.clock = Clock()
        self.resolver = ModelResolver(load(path, {}))
        hosts: Mapping[str, Answer] = {"zed": lists("two", "one"), "abe": lists("x"), **answers}
        self.transport = ScriptedTransport(self.clock, **hosts)
        self.demo = ScriptedTransport(self.clock, lists("echo"))

    def list(self, wanted: ListModelsRequest | None = None, *, within: float | None = None) -> ListModelsResponse:
        transports = Transports(self.demo, self.transport, self.transport)
        deadline = Deadline.after(within, self.clock)
        lists = ProviderLists(transports, clock=self.clock)

        async def main() -> ListModelsResponse:
            try:
                return await ModelLists(self.resolver, lists, lambda model: None).page(
                    wanted or ListModelsRequest(), deadline
                )
            finally:
                await lists.close()

        return asyncio.run(main())

    def failure(self, wanted: ListModelsRequest) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            self.list(wanted)
        return caught.value


def ids(response: ListModelsResponse) -> list[str]:
    return [model.id for model in response.models]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_routes_first_then_every_providers_models_in_order(rig: Rig) -> None:
    response = rig.list()
    assert ids(response) == ["fast", "zed/one", "zed/two", "abe/x", "demo/echo"]
    assert list(response.models[0].targets) == ["zed/one", "abe/x"]
    assert not response.warnings
    assert not response.next_page_token
    assert all(answer.closed for answer in rig.transport.responses)


def test_one_providers_models(rig: Rig) -> None:
    assert ids(rig.list(ListModelsRequest(provider="zed"))) == ["zed/one", "zed/two"]
    assert rig.transport.asked == ["zed"]
    assert rig.transport.sent[0].url == "http://zed/v1/models"
    assert rig.transport.sent[0].headers["authorization"] == "Bearer zed-secret"


def test_a_provider_that_there_is_not(rig: Rig) -> None:
    found = rig.failure(ListModelsRequest(provider="nope"))
    assert (found.reason, found.field) == (Reason.MODEL_NOT_FOUND, "provider")


@pytest.mark.parametrize(
    ("name", "found", "asked"),
    [("zed/two", "zed/two", ["zed"]), ("fast", "fast", []), ("x", "abe/x", ["zed", "abe"]), ("demo/echo", "demo/echo", [])],
)
def test_one_model(rig: Rig, name: str, found: str, asked: list[str]) -> None:
    assert ids(rig.list(ListModelsRequest(model=name))) == [found]
    assert rig.transport.asked == asked


def test_a_model_that_there_is_not(rig: Rig) -> None:
    found = rig.failure(ListModelsRequest(model="zed/three"))
    assert (found.reason, found.field) == (Reason.MODEL_NOT_FOUND, "model")
    assert "'zed/three'" in found.message


def test_a_model_of_a_provider_that_cannot_be_asked(tmp_path: Path) -> None:
    found = Rig(tmp_path, zed=refuses(500, "down")).failure(ListModelsRequest(model="zed/one"))
    assert found.message == "no model is named 'zed/one'; zed could not be asked: down"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (refuses(401, "the key zed-secret is wrong"), "the key *** is wrong"),
        (fails(Reason.UPSTREAM_UNAVAILABLE), "cannot"),
        (Answer(steps=[b"<html>"]), "the provider's model list is not JSON; it begins with b'<html>'"),
        (Answer(steps=[b"{}"]), "the provider's model list has no data"),
    ],
)
def test_a_provider_that_fails_becomes_a_warning(tmp_path: Path, broken: Answer, message: str) -> None:
    rig = Rig(tmp_path, zed=broken)
    response = rig.list()
    assert ids(response) == ["fast", "abe/x", "demo/echo"]
    assert [(warning.provider, warning.message) for warning in response.warnings] == [("zed", message)]
    assert all(answer.closed for answer in rig.transport.responses)


def test_a_slow_provider_does_not_hold_up_the_list(tmp_path: Path) -> None:
    slow = Answer(takes_s=LIST_TIMEOUT_S + 1)
    response = Rig(tmp_path, zed=slow).list()
    assert [warning.provider for warning in response.warnings] == ["zed"]


def test_the_callers_deadline_counts_when_it_is_sooner(tmp_path: Path) -> None:
    rig = Rig(tmp_path, zed=Answer(stall=Stall()))
    response = rig.list(ListModelsRequest(provider="zed"), within=0.0)
    assert [warning.message for warning in response.warnings] == ["zed has not answered in time"]


def test_pages(rig: Rig) -> None:
    seen: list[list[str]] = []
    token = ""
    while True:
        page = rig.list(ListModelsRequest(page_size=2, page_token=token))
        seen.append(ids(page))
        token = page.next_page_token
        if not token:
            break
    assert seen == [["fast", "zed/one"], ["zed/two", "abe/x"], ["demo/echo"]]


def test_a_page_that_ends_with_the_list_is_the_last(rig: Rig) -> None:
    assert rig.list(ListModelsRequest(page_size=5)).next_page_token == ""
    assert rig.list(ListModelsRequest(page_size=10_000)).next_page_token == ""
    assert ids(rig.list(ListModelsRequest(page_size=2, page_token="99"))) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (ListModelsRequest(page_size=-1), "page_size"),
        (ListModelsRequest(page_size=10_001), "page_size"),
        (ListModelsRequest(page_token="x"), "page_token"),
        (ListModelsRequest(page_token="-1"), "page_token"),
        (ListModelsRequest(page_token="٣"), "page_token"),
        (ListModelsRequest(page_token="9" * 5000), "page_token"),
    ],
)
def test_pages_that_there_are_not(rig: Rig, wanted: ListModelsRequest, field: str) -> None:
    found = rig.failure(wanted)
    assert (found.reason, found.field) == (Reason.INVALID_REQUEST, field)
