"""Cards of models: the provider's word first, then what is known beside it, and what is true of a route."""

from __future__ import annotations

import json
from typing import Any

from dragoman.v1.models_pb2 import Model, Prices
from gateway_core.models.describe import describe, describe_route
from gateway_core.models.price_book import PriceBook

BOOK = PriceBook(
    {"openai": ("https://api.openai.com/v1",), "openrouter": ("https://openrouter.ai/api/v1",)},
    {"corp/llama": Prices(input=1, output=2)},
)


def card(model_id: str, details: dict[str, Any] | None = None, **fields: Any) -> Model:
    model = Model(id=model_id, provider=model_id.partition("/")[0], **fields)
    if details is not None:
        model.provider_details_json["openai"] = json.dumps(details)
    describe(model, BOOK)
    return model


def test_a_model_that_its_provider_only_names() -> None:
    found = card("openai/gpt-4o")
    assert (found.display_name, found.context_length, found.max_output_tokens) == ("gpt 4o", 128_000, 16_384)
    assert list(found.input_modalities) == ["text", "image", "file"]
    assert list(found.output_modalities) == ["text"]
    assert "tools" in found.supported_parameters
    assert (found.prices.input, found.prices.output, found.prices.cache_read) == (2.5, 10.0, 1.25)


def test_the_providers_own_word_comes_first() -> None:
    details = {
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text", "audio"]},
        "supported_parameters": ["stop"],
        "top_provider": {"max_completion_tokens": 7},
    }
    found = card("openai/gpt-4o", details, display_name="Mine", context_length=5)
    assert (found.display_name, found.context_length, found.max_output_tokens) == ("Mine", 5, 7)
    assert list(found.input_modalities) == ["text"]
    assert list(found.output_modalities) == ["text", "audio"]
    assert list(found.supported_parameters) == ["stop"]


def test_prices_are_those_that_answers_are_charged_by() -> None:
    listed = {"pricing": {"prompt": "1", "completion": "1"}}
    assert card("openai/gpt-4o", listed).prices.input == 2.5
    assert card("openai/unheard-of", {"pricing": {"prompt": "0.000001", "completion": "0.000002"}}).prices == Prices(
        input=1, output=2
    )
    assert card("corp/llama").prices == Prices(input=1, output=2)


def test_a_model_that_nobody_knows() -> None:
    assert card("corp/mystery") == Model(id="corp/mystery", provider="corp")
    assert card("nobody/") == Model(id="nobody/", provider="nobody")


def test_a_route_can_do_what_all_of_its_targets_can() -> None:
    route = Model(id="fast")
    describe_route(route, [card("openai/gpt-4o"), card("openai/o3-mini")])
    assert (route.context_length, route.max_output_tokens) == (128_000, 16_384)
    assert list(route.input_modalities) == ["text"]
    assert "tools" in route.supported_parameters
    assert not {"reasoning", "temperature"} & set(route.supported_parameters)
    assert not route.HasField("prices")


def test_an_alias_is_its_target() -> None:
    route, target = Model(id="nick"), card("openai/gpt-4o")
    describe_route(route, [target])
    assert (route.prices, route.context_length) == (target.prices, target.context_length)
    assert list(route.supported_parameters) == list(target.supported_parameters)


def test_a_route_with_a_target_that_nobody_knows() -> None:
    route = Model(id="fast")
    describe_route(route, [card("openai/gpt-4o"), card("corp/mystery")])
    assert route == Model(id="fast")
