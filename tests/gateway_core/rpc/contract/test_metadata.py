"""What travels beside the messages: request ids and keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from dragoman.v1.models_pb2 import ListModelsRequest
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import (
    Behind,
    Served,
    detail,
    details,
    failure_of,
    question,
    read_all,
    status_of,
    streamed,
)

LOCKED = Behind(keys=["right-key", "other-key"])
Metadata = tuple[tuple[str, str | bytes], ...]
Method = Callable[[Served, Metadata], Any]


def chat(house: Served, metadata: Metadata) -> Any:
    return house.stub.Chat(question(), metadata=metadata)


def stream(house: Served, metadata: Metadata) -> Any:
    return house.stub.Stream(streamed(), metadata=metadata)


def list_models(house: Served, metadata: Metadata) -> Any:
    return house.stub.ListModels(ListModelsRequest(provider="demo"), metadata=metadata)


def ended(call: Any) -> Awaitable[object]:
    """The call, read to its end."""
    return read_all(call) if isinstance(call, grpc.aio.UnaryStreamCall) else call


every_method = pytest.mark.parametrize("method", [chat, stream, list_models])


async def request_id_of(call: Any) -> str:
    (value,) = [value for name, value in await call.initial_metadata() if name == "x-request-id"]
    return str(value)


@every_method
def test_the_clients_request_id_comes_back(contract: Contract, method: Method) -> None:
    async def check(house: Served) -> None:
        call = method(house, (("x-request-id", "Client-7.a:b_c"),))
        await ended(call)
        assert await request_id_of(call) == "Client-7.a:b_c"

    contract(check)


@every_method
def test_every_call_gets_a_request_id_of_its_own(contract: Contract, method: Method) -> None:
    async def check(house: Served) -> None:
        calls = [method(house, ()) for _ in range(3)]
        for call in calls:
            await ended(call)
        ids = [await request_id_of(call) for call in calls]
        assert len(set(ids)) == 3
        assert all(len(one) == 32 for one in ids)

    contract(check)


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'quote"d', "a,b"])
def test_a_request_id_that_could_break_a_log_is_replaced(contract: Contract, given: str) -> None:
    async def check(house: Served) -> None:
        call = chat(house, (("x-request-id", given),))
        await call
        assert await request_id_of(call) not in ("", given)

    contract(check)


@every_method
def test_a_failed_call_names_its_request_id(contract: Contract, method: Method) -> None:
    async def check(house: Served) -> None:
        call = method(house, (("x-request-id", "r1"),))
        error = await failure_of(ended(call))
        assert dict(error.initial_metadata())["x-request-id"] == "r1"
        assert await request_id_of(call) == "r1"

    contract(check, LOCKED)


@every_method
def test_a_key_opens(contract: Contract, method: Method) -> None:
    async def check(house: Served) -> None:
        for value in ("Bearer right-key", "bearer other-key", "BEARER   right-key "):
            await ended(method(house, (("authorization", value),)))

    contract(check, LOCKED)


@every_method
def test_a_missing_key(contract: Contract, method: Method) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(ended(method(house, ())))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        info = detail(error, ErrorInfo)
        assert (info.domain, info.reason) == ("dragoman.v1", "MISSING_API_KEY")
        assert "Bearer" in (error.details() or "")
        assert status_of(error).code == grpc.StatusCode.UNAUTHENTICATED.value[0]
        assert status_of(error).message == error.details()
        assert details(error, BadRequest) == []

    contract(check, LOCKED)


WRONG: dict[str, Metadata] = {
    "another key": (("authorization", "Bearer wrong-key"),),
    "half a key": (("authorization", "Bearer right"),),
    "a key in another case": (("authorization", "Bearer RIGHT-KEY"),),
    "another scheme": (("authorization", "Basic cmlnaHQta2V5"),),
    "no scheme": (("authorization", "right-key-"),),
    "the hash": (("authorization", "Bearer sha256:" + "0" * 64),),
    "a very long key": (("authorization", "Bearer " + "k" * 5000),),
}


@every_method
@pytest.mark.parametrize("metadata", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_key(contract: Contract, method: Method, metadata: Metadata) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(ended(method(house, metadata)))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert detail(error, ErrorInfo).reason == "INVALID_API_KEY"
        for _, value in metadata:
            assert str(value).rpartition(" ")[2] not in str(status_of(error))
        assert house.upstream.requests == []

    contract(check, LOCKED)


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-goog-api-key"])
def test_a_key_counts_wherever_the_sdks_of_providers_put_theirs(contract: Contract, name: str) -> None:
    async def check(house: Served) -> None:
        await chat(house, (("authorization", "Bearer a-placeholder"), (name, "right-key")))
        error = await failure_of(chat(house, ((name, "wrong-key"),)))
        assert detail(error, ErrorInfo).reason == "INVALID_API_KEY"
        assert "wrong-key" not in str(error)

    contract(check, LOCKED)


def test_no_key_in_other_places(contract: Contract) -> None:
    """A proxy in between may not know that they hold keys."""

    async def check(house: Served) -> None:
        for place in (("key", "right-key"), ("authorization-bin", b"Bearer right-key")):
            error = await failure_of(chat(house, (place,)))
            assert detail(error, ErrorInfo).reason == "MISSING_API_KEY"

    contract(check, LOCKED)


def test_any_key_is_welcome_where_none_is_needed(contract: Contract) -> None:
    async def check(house: Served) -> None:
        await chat(house, (("authorization", "Bearer anything"), ("other-bin", b"\x00\xff")))

    contract(check)
