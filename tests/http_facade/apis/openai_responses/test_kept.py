"""Responses that are kept: got, listed, deleted; by whom, and what is not kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall

from gateway_core.settings.server import StorageSettings
from gateway_core.settings.settings import KeySettings, hash_key
from tests.http_facade.apis.openai_responses.conftest import client_of
from tests.http_facade.apis.openai_responses.test_create import WEATHER
from tests.http_facade.serving import Facade, Provided, serving, settings_for


def created(client: OpenAI, streams: bool, **fields: Any) -> Any:
    """The response as the client learns of it at last."""
    given = {"model": "demo/echo", "input": "Hello there", **fields}
    if not streams:
        return client.responses.create(**given)
    events = list(client.responses.create(stream=True, **given))
    return events[-1].response


both = pytest.mark.parametrize("streams", [False, True])


@both
def test_what_was_created_can_be_got(sdk: OpenAI, streams: bool) -> None:
    made = created(sdk, streams, metadata={"a": "b"}, instructions="Be brief.")
    assert sdk.responses.retrieve(made.id).to_dict() == made.to_dict()
    assert made.store is True
    assert made.metadata == {"a": "b"}


@both
def test_an_incomplete_answer_is_kept(sdk: OpenAI, streams: bool) -> None:
    made = created(sdk, streams, model="demo/length", input="one two three four")
    assert sdk.responses.retrieve(made.id).status == "incomplete"
    again = sdk.responses.create(model="demo/echo", input="Go on", previous_response_id=made.id)
    assert again.output_text == "Go on"


@both
def test_what_the_client_will_not_have_kept_is_not(sdk: OpenAI, streams: bool) -> None:
    made = created(sdk, streams, store=False)
    assert made.store is False
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.responses.retrieve(made.id)
    assert caught.value.body == {
        "message": f"Response with id '{made.id}' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": "response_not_found",
    }


def test_a_stream_that_failed_is_not_kept(house: Provided) -> None:
    body = {"model": "demo/cut-2", "input": "one two three four", "stream": True}
    events = house.facade.client.post("/v1/responses", json=body).text
    response_id = events.partition('"id":"')[2].partition('"')[0]
    assert house.facade.client.get(f"/v1/responses/{response_id}").status_code == 404


def test_a_client_that_checks_every_field(house: Provided) -> None:
    strict = OpenAI(base_url=f"{house.facade.url}/v1", api_key="any", max_retries=0, _strict_response_validation=True)
    with strict as client:
        first = client.responses.create(model="demo/tools", input="Hi", tools=[WEATHER])  # type: ignore[list-item]
        (call,) = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
        second = client.responses.create(model="demo/tools", input=[result], previous_response_id=first.id)
        assert client.responses.retrieve(second.id).output_text == second.output_text
        items = client.responses.input_items.list(second.id).data
        assert [item.type for item in items] == ["function_call_output", "function_call", "message"]
        client.responses.delete(second.id)


def test_what_is_deleted_is_gone(sdk: OpenAI) -> None:
    made = sdk.responses.create(model="demo/echo", input="Hi")
    sdk.responses.delete(made.id)
    for call in (sdk.responses.retrieve, sdk.responses.delete, sdk.responses.cancel, sdk.responses.input_items.list):
        with pytest.raises(openai.NotFoundError, match=made.id):
            call(made.id)


def test_nothing_that_runs_can_be_cancelled(sdk: OpenAI) -> None:
    made = sdk.responses.create(model="demo/echo", input="Hi", background=True)
    assert made.status == "completed"
    assert made.background is False
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        sdk.responses.cancel(made.id)
    with pytest.raises(openai.BadRequestError, match="background") as caught:
        sdk.responses.retrieve(made.id, stream=True)
    assert caught.value.param == "stream"


def test_input_items(sdk: OpenAI, house: Provided) -> None:
    content = [{"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": "https://example.org/a.png"}]
    first = sdk.responses.create(
        model="demo/echo",
        input=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": content, "id": "msg_own"}],  # type: ignore[list-item]
    )
    second = sdk.responses.create(model="demo/echo", input="And now?", previous_response_id=first.id)
    items = list(sdk.responses.input_items.list(second.id, order="asc", limit=1))
    place = f"/v1/responses/{second.id}/input_items"
    shown = house.facade.client.get(place, params={"order": "asc"}).json()["data"]
    assert [item["role"] for item in shown] == ["developer", "user", "assistant", "user"]
    assert shown[0]["content"] == [{"type": "input_text", "text": "Be brief."}]
    assert (shown[1]["id"], shown[1]["content"]) == ("msg_own", content)
    assert shown[2] == first.output[0].to_dict()
    ids = [item["id"] for item in shown]
    assert len(set(ids)) == 4
    assert [item.id for item in items] == ids
    newest = house.facade.client.get(place, params={"limit": 3}).json()
    assert ([item["id"] for item in newest["data"]], newest["has_more"]) == (ids[:0:-1], True)
    assert (newest["first_id"], newest["last_id"]) == (ids[3], ids[1])
    assert [item.id for item in sdk.responses.input_items.list(second.id, after=ids[1]).data] == [ids[0]]
    assert not sdk.responses.input_items.list(second.id, after=ids[0]).data


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=msg_no", "after")],
)
def test_a_list_that_cannot_be_had(house: Provided, sdk: OpenAI, query: str, param: str) -> None:
    made = sdk.responses.create(model="demo/echo", input="Hi")
    refused = house.facade.client.get(f"/v1/responses/{made.id}/input_items?{query}")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("response_id", ["resp_" + "x" * 300, "%00", "resp_%F0%9F%98%80", "..%2f", "input_tokens"])
def test_an_id_of_nothing(house: Provided, response_id: str) -> None:
    client = house.facade.client
    assert client.get(f"/v1/responses/{response_id}").status_code in (404, 405)
    assert client.delete(f"/v1/responses/{response_id}").status_code in (404, 405)


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def small(request: pytest.FixtureRequest) -> Iterator[Facade]:
    """With keys, and room for three short responses of each."""
    keys = tuple(KeySettings(name, hash_key(name)) for name in ("ann", "bob"))
    storage = StorageSettings(max_record_bytes=5000, max_records=3)
    with serving(settings_for(keys=keys, storage=storage), split=request.param) as running:
        yield running


def test_nobody_sees_the_responses_of_another_key(small: Facade) -> None:
    with client_of(small, "ann") as ann, client_of(small, "bob") as bob:
        made = ann.responses.create(model="demo/echo", input="Between us")
        for call in (bob.responses.retrieve, bob.responses.delete, bob.responses.cancel, bob.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                call(made.id)
        with pytest.raises(openai.NotFoundError):
            bob.responses.create(model="demo/echo", input="Go on", previous_response_id=made.id)
        assert ann.responses.retrieve(made.id).output_text == "Between us"


@pytest.mark.parametrize("key", ["", "eve"])
def test_without_a_key_there_is_nothing(small: Facade, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
        answer = small.client.request(method, f"/v1/responses/resp_1{path}", headers=headers)
        assert answer.status_code == 401
    body = {"model": "demo/echo", "input": "Hi", "previous_response_id": "resp_1"}
    assert small.client.post("/v1/responses", json=body, headers=headers).status_code == 401


def test_the_oldest_make_room(small: Facade) -> None:
    with client_of(small, "bob") as bob:
        ids = [bob.responses.create(model="demo/echo", input="Hi").id for _ in range(4)]
        with pytest.raises(openai.NotFoundError):
            bob.responses.retrieve(ids[0])
        assert [bob.responses.retrieve(response_id).id for response_id in ids[1:]] == ids[1:]


@both
def test_what_is_too_large_to_be_kept_is_answered_and_says_so(small: Facade, streams: bool) -> None:
    text = "word " * 2000
    with client_of(small, "ann") as ann:
        made = created(ann, streams, input=text)
        assert (made.output_text.split(), made.store) == (text.split(), False)
        with pytest.raises(openai.NotFoundError):
            ann.responses.retrieve(made.id)
        if not streams:
            raw = ann.responses.with_raw_response.create(model="demo/echo", input=text)
            assert "was not stored" in raw.headers["x-dragoman-warnings"]


def test_a_store_that_is_broken(tmp_path: Path) -> None:
    """Answers are given; what needs the store says that it fails. Once the file is out of the way all is well."""
    path = tmp_path / "kept.db"
    settings = settings_for(storage=StorageSettings(path=path))
    with serving(settings) as facade, client_of(facade) as client:
        made = client.responses.create(model="demo/echo", input="Hi")
    with serving(settings) as facade, client_of(facade) as client:
        path.write_bytes(b"no database now " * 1000)
        raw = client.responses.with_raw_response.create(model="demo/echo", input="Hi")
        assert (raw.parse().output_text, raw.parse().to_dict()["store"]) == ("Hi", False)
        assert "storage fails" in raw.headers["x-dragoman-warnings"]
        with pytest.raises(openai.InternalServerError, match="storage fails") as caught:
            client.responses.retrieve(made.id)
        assert caught.value.status_code == 503
        with pytest.raises(openai.InternalServerError, match="storage fails"):
            client.responses.create(model="demo/echo", input="Hi", previous_response_id=made.id)
        path.unlink()
        assert client.responses.retrieve(client.responses.create(model="demo/echo", input="Hi").id).output_text == "Hi"


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = settings_for(storage=StorageSettings(path=tmp_path / "kept.db"))
    with serving(settings) as facade, client_of(facade) as client:
        made = client.responses.create(model="demo/echo", input="Remember me")
    with serving(settings, split=True) as facade, client_of(facade) as client:
        assert client.responses.retrieve(made.id).output_text == "Remember me"
