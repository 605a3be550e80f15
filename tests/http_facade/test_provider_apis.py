"""A provider whose first API is compatible with OpenAI's, and that has Anthropic's too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from gateway_core.settings.settings import ProviderSettings
from gateway_dialects.kit.dialect import Secret
from tests.http_facade.serving import Provided, asking, completion, serving, settings_for, text_of
from tests.upstream import json_reply, running_upstream

THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "deepseek-chat",
    "content": [THINKING, {"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def house(request: pytest.FixtureRequest) -> Iterator[Provided]:
    with running_upstream(lambda _: json_reply({})) as upstream:
        provider = ProviderSettings("both", "openai", upstream.url, (Secret("sk-up"),), apis=("openai", "anthropic"))
        with serving(settings_for(providers=(provider,)), split=request.param) as running:
            yield Provided(running, upstream)


@pytest.fixture(scope="module")
def sdk(house: Provided) -> Iterator[Anthropic]:
    with Anthropic(base_url=house.facade.url, api_key="any", max_retries=0) as client:
        yield client


def test_anthropics_clients_are_answered_by_anthropics_api(house: Provided, sdk: Anthropic) -> None:
    house.replies(json_reply(ANSWER))
    made = sdk.messages.create(
        model="both/deepseek-chat",
        max_tokens=2048,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=[{"role": "user", "content": "Hi"}],
    )
    assert [block.to_dict() for block in made.content] == ANSWER["content"]
    (request,) = house.requests
    assert (request.path, request.headers["x-api-key"]) == ("/v1/messages", "sk-up")
    assert request.json()["thinking"] == {"type": "enabled", "budget_tokens": 1024}


def test_their_tokens_are_counted_where_that_can_be_done(house: Provided, sdk: Anthropic) -> None:
    house.replies(json_reply({"input_tokens": 42}))
    messages: Any = [{"role": "user", "content": "Hi"}]
    assert sdk.messages.count_tokens(model="both/deepseek-chat", messages=messages).input_tokens == 42
    assert house.requests[0].path == "/v1/messages/count_tokens"
    house.replies(json_reply({"error": {"message": "no such path"}}, status=404))
    assert sdk.messages.count_tokens(model="both/deepseek-chat", messages=messages).input_tokens > 0


def test_other_clients_are_answered_by_the_first(house: Provided) -> None:
    house.replies(json_reply(completion("By chat.")))
    assert text_of(house.facade.chat(asking("Hi", "both/deepseek-chat"))) == "By chat."
    assert house.requests[0].path == "/chat/completions"


def test_an_error_of_the_providers(house: Provided, sdk: Anthropic) -> None:
    error = {"type": "error", "error": {"type": "not_found_error", "message": "model: nope"}}
    house.replies(json_reply(error, status=404))
    with pytest.raises(anthropic.NotFoundError, match="model: nope"):
        sdk.messages.create(model="both/nope", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
