from __future__ import annotations

import grpc
import pytest

from dragoman.status import unpack
from dragoman.v1.models_pb2 import ListModelsRequest
from gateway_core.settings.settings import ModelSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import PROVIDER_KEY, Behind, Served, failure_of
from tests.upstream import Received, Reply, json_reply


def lists(request: Received) -> Reply:
    return json_reply({"object": "list", "data": [{"id": "b"}, {"id": "a"}]})


def turned_away(request: Received) -> Reply:
    return json_reply({"error": {"message": f"bad key: {PROVIDER_KEY}"}}, 401)


def test_one_providers_models(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.ListModels(ListModelsRequest(provider="at-openai"))
        assert [model.id for model in response.models] == ["at-openai/a", "at-openai/b"]
        assert response.next_page_token == ""

    contract(check, Behind(lists))


def test_every_page(contract: Contract) -> None:
    async def check(house: Served) -> None:
        ids, token, pages = [], "", 0
        while token or not pages:
            page = await house.stub.ListModels(ListModelsRequest(provider="demo", page_size=7, page_token=token))
            ids += [model.id for model in page.models]
            token, pages = page.next_page_token, pages + 1
            assert len(page.models) == 7 or not token
        everything = await house.stub.ListModels(ListModelsRequest(provider="demo"))
        assert ids == [model.id for model in everything.models]
        assert pages > 1

    contract(check)


def test_a_route(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.ListModels(ListModelsRequest(model="fast"))
        (model,) = response.models
        assert (model.id, list(model.targets)) == ("fast", ["demo/echo"])
        assert house.upstream.requests == []

    contract(check, Behind(routes=[ModelSettings("fast", ("demo/echo",))]))


def test_a_provider_that_fails_is_a_warning(contract: Contract) -> None:
    async def check(house: Served) -> None:
        response = await house.stub.ListModels(ListModelsRequest())
        assert "demo/echo" in [model.id for model in response.models]
        assert "at-openai" in [warning.provider for warning in response.warnings]
        assert all("bad key: ***" in warning.message for warning in response.warnings if warning.provider == "at-openai")
        assert PROVIDER_KEY not in str(response)

    contract(check, Behind(turned_away))


@pytest.mark.parametrize(
    ("request_fields", "code", "field"),
    [
        ({"provider": "nobody"}, grpc.StatusCode.NOT_FOUND, "provider"),
        ({"model": "demo/nothing"}, grpc.StatusCode.NOT_FOUND, "model"),
        ({"provider": "demo", "page_token": "x"}, grpc.StatusCode.INVALID_ARGUMENT, "page_token"),
        ({"provider": "demo", "page_size": -1}, grpc.StatusCode.INVALID_ARGUMENT, "page_size"),
    ],
)
def test_what_cannot_be_listed(
    contract: Contract, request_fields: dict[str, str | int], code: grpc.StatusCode, field: str
) -> None:
    async def check(house: Served) -> None:
        request = ListModelsRequest()
        for name, value in request_fields.items():
            setattr(request, name, value)
        error = await failure_of(house.stub.ListModels(request))
        assert (error.code(), unpack(error).field) == (code, field)

    contract(check, Behind(lists))
