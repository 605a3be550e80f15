"""Responses that a provider makes in the background: created, polled, cancelled, continued."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.http_facade.serving import Provided
from tests.upstream import json_reply

MODEL = "at-openai-responses/gpt-5"
TEXT = {"type": "output_text", "text": "Done.", "annotations": []}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [TEXT]}
USAGE = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


def state(response_id: str, status: str, **fields: Any) -> dict[str, Any]:
    """A Response as the provider has it."""
    head = {"id": response_id, "object": "response", "created_at": 7, "model": "gpt-5", "background": True}
    return {**head, "status": status, "output": [], "metadata": {"of": "the provider"}, **fields}


def answers(house: Provided, *bodies: dict[str, Any], status: int = 200) -> None:
    """One after another; the last one again and again."""
    left = list(bodies)
    house.upstream.handler = lambda _: json_reply(left.pop(0) if len(left) > 1 else left[0], status)


def test_it_is_polled_until_it_is_complete(sdk: OpenAI, house: Provided) -> None:
    done = state("resp_bg1", "completed", output=[MESSAGE], usage=USAGE)
    answers(house, state("resp_bg1", "queued"), state("resp_bg1", "in_progress"), done)
    made = sdk.responses.create(model=MODEL, input="Hi", background=True, metadata={"a": "b"})
    assert (made.id, made.status, made.output, made.background) == ("resp_bg1", "queued", [], True)
    assert json.loads(house.upstream.requests[-1].body)["background"] is True
    assert sdk.responses.retrieve(made.id).status == "in_progress"
    polled = house.upstream.requests[-1]
    assert (polled.method, polled.path) == ("GET", "/responses/resp_bg1")
    found = sdk.responses.retrieve(made.id)
    assert (found.status, found.output_text, found.metadata) == ("completed", "Done.", {"a": "b"})
    asked = len(house.upstream.requests)
    assert sdk.responses.retrieve(made.id).to_dict() == found.to_dict()
    assert len(house.upstream.requests) == asked


def test_it_is_cancelled(sdk: OpenAI, house: Provided) -> None:
    answers(house, state("resp_bg2", "queued"), state("resp_bg2", "cancelled"))
    made = sdk.responses.create(model=MODEL, input="Hi", background=True)
    assert sdk.responses.cancel(made.id).status == "cancelled"
    assert house.upstream.requests[-1].path.endswith("/responses/resp_bg2/cancel")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        sdk.responses.cancel(made.id)


def test_it_is_continued_when_it_is_complete(sdk: OpenAI, house: Provided) -> None:
    done = state("resp_bg3", "completed", output=[MESSAGE])
    answers(house, state("resp_bg3", "queued"), state("resp_bg3", "in_progress"), done)
    made = sdk.responses.create(model=MODEL, input="Hi", background=True)
    with pytest.raises(openai.BadRequestError, match="in_progress") as caught:
        sdk.responses.create(model="demo/echo", input="And?", previous_response_id=made.id)
    assert caught.value.param == "previous_response_id"
    again = sdk.responses.create(model="demo/echo", input="And?", previous_response_id=made.id)
    items = sdk.responses.input_items.list(again.id, order="asc").data
    assert [item.type for item in items] == ["message", "message", "message"]


def test_what_the_provider_refuses(sdk: OpenAI, house: Provided) -> None:
    answers(house, state("resp_bg4", "queued"))
    made = sdk.responses.create(model=MODEL, input="Hi", background=True)
    answers(house, {"error": {"message": "No such response.", "type": "invalid_request_error", "code": None}}, status=404)
    with pytest.raises(openai.NotFoundError, match="No such response"):
        sdk.responses.retrieve(made.id)


@pytest.mark.parametrize("broken", [{}, {"id": "resp_other", "output": []}, {"id": "resp_bg5", "output": [1]}])
def test_what_is_no_response(sdk: OpenAI, house: Provided, broken: dict[str, Any]) -> None:
    answers(house, state("resp_bg5", "queued"))
    made = sdk.responses.create(model=MODEL, input="Hi", background=True)
    answers(house, broken)
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.responses.retrieve(made.id)
    assert caught.value.status_code == 502
