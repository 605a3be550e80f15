"""Text completions at a provider that has them, beside chat completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway_core.settings.settings import ProviderSettings
from gateway_dialects.kit.dialect import Secret
from tests.http_facade.serving import Provided, asking, completion, serving, settings_for, text_of
from tests.upstream import event_stream, json_reply, running_upstream

MODEL = "openai/gpt-3.5-turbo-instruct"
HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 7, "model": "gpt-3.5-turbo-instruct"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def choice(text: str, finish_reason: str | None = None, index: int = 0, logprobs: Any = None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason}


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def house(request: pytest.FixtureRequest) -> Iterator[Provided]:
    with running_upstream(lambda _: json_reply({})) as upstream:
        key, apis = (Secret("sk-up"),), ("openai", "openai-completions")
        providers = (
            ProviderSettings("openai", "openai", upstream.url, key, apis=apis),
            ProviderSettings("corp", "openai", upstream.url, key, apis=apis),
        )
        with serving(settings_for(providers=providers), split=request.param) as running:
            yield Provided(running, upstream)


@pytest.fixture(scope="module")
def sdk(house: Provided) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{house.facade.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_a_completion(sdk: OpenAI, house: Provided) -> None:
    given = {**HEAD, "choices": [choice(" upon", "length")], "usage": USAGE}
    house.replies(json_reply(given))
    made = sdk.completions.create(model=MODEL, prompt="Once", suffix=".", max_tokens=2, best_of=2)
    assert made.to_dict() == given
    (request,) = house.requests
    sent = {"model": "gpt-3.5-turbo-instruct", "prompt": "Once", "suffix": ".", "max_tokens": 2, "best_of": 2}
    assert (request.path, request.json()) == ("/completions", sent)


def test_a_stream(sdk: OpenAI, house: Provided) -> None:
    chunks = [{**HEAD, "choices": [one]} for one in (choice(" upon"), choice(" a"), choice("", "stop"))]
    house.replies(event_stream(*chunks, {**HEAD, "choices": [], "usage": USAGE}, b"data: [DONE]\n\n"))
    events = list(sdk.completions.create(model=MODEL, prompt="Once", stream=True))
    assert [event.choices[0].text for event in events] == [" upon", " a", ""]
    assert [event.choices[0].finish_reason for event in events] == [None, None, "stop"]
    assert {event.id for event in events} == {"cmpl-1"}
    assert house.requests[0].json()["stream_options"] == {"include_usage": True}


def test_several_prompts(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply({**HEAD, "choices": [choice("!", "stop")], "usage": USAGE}))
    made = sdk.completions.create(model=MODEL, prompt=["a", "b"], echo=True)
    assert [(one.index, one.text) for one in made.choices] == [(0, "a!"), (1, "b!")]
    assert sorted(request.json()["prompt"] for request in house.requests) == ["a", "b"]
    assert "echo" not in house.requests[0].json()


def test_the_log_probabilities_of_a_prompt(sdk: OpenAI, house: Provided) -> None:
    logprobs = {
        "tokens": ["a", "!"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"!": -0.5}],
        "text_offset": [0, 1],
    }
    given = {**HEAD, "choices": [choice("a!", "stop", logprobs=logprobs)], "usage": USAGE}
    house.replies(json_reply(given))
    assert sdk.completions.create(model=MODEL, prompt="a", echo=True, logprobs=1).to_dict() == given
    assert (house.requests[0].json()["echo"], house.requests[0].json()["logprobs"]) == (True, 1)


def test_an_error(sdk: OpenAI, house: Provided) -> None:
    error = {"message": "logprobs must be at most 5", "type": "invalid_request_error", "param": "logprobs", "code": None}
    house.replies(json_reply({"error": error}, status=400))
    with pytest.raises(openai.BadRequestError, match="at most 5") as caught:
        sdk.completions.create(model=MODEL, prompt="Once", logprobs=9)
    assert caught.value.param == "logprobs"


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "openai/davinci-003"])
def test_other_models_are_asked_by_chat(sdk: OpenAI, house: Provided, model: str) -> None:
    house.replies(json_reply(completion(" upon")))
    assert sdk.completions.create(model=model, prompt="Once").choices[0].text == " upon"
    assert house.requests[0].path == "/chat/completions"


def test_all_models_of_a_server_that_is_not_known(sdk: OpenAI, house: Provided) -> None:
    house.replies(json_reply({**HEAD, "choices": [choice(" upon", "stop")]}))
    assert sdk.completions.create(model="corp/llama", prompt="Once").choices[0].text == " upon"
    assert house.requests[0].path == "/completions"
    house.replies(json_reply(completion("By chat.")))
    assert text_of(house.facade.chat(asking("Hi", "corp/llama"))) == "By chat."
