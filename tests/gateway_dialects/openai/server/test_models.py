"""The model list in OpenAI's words."""

from __future__ import annotations

import json

import openai.types
import pytest

from dragoman.v1.models_pb2 import ListModelsResponse, Model, Prices
from gateway_dialects.openai.render_models import render_model, render_models
from tests.gateway_dialects.openai.server.reading import details


def test_the_least_card() -> None:
    card = json.loads(render_model(Model(id="p/m", provider="p")))
    assert card == {"id": "p/m", "object": "model", "created": 0, "owned_by": "p", "provider": "p"}
    openai.types.Model.model_validate(card)


def test_a_full_card() -> None:
    model = Model(
        id="p/m",
        provider="p",
        created=7,
        owned_by="someone",
        display_name="The Model",
        context_length=8192,
        targets=["a/b", "c/d"],
        provider_details_json=details(
            {"id": "m", "object": "x", "type": "model", "created": 1, "owned_by": "y", "pricing": {"prompt": "1"}}
        ),
    )
    assert json.loads(render_model(model)) == {
        "id": "p/m",
        "object": "model",
        "created": 7,
        "owned_by": "someone",
        "provider": "p",
        "name": "The Model",
        "context_length": 8192,
        "targets": ["a/b", "c/d"],
        "pricing": {"prompt": "1"},
    }


KNOWN = Model(
    id="p/m",
    provider="p",
    context_length=8192,
    max_output_tokens=4096,
    input_modalities=["text", "image"],
    output_modalities=["text"],
    supported_parameters=["temperature", "tools"],
    prices=Prices(input=2.5, output=10, cache_read=0.125, cache_write_1h=5, input_audio=0.1, request=0.005, web_search=0.01),
)


def test_what_is_known_is_told_as_openrouter_tells_it() -> None:
    card = json.loads(render_model(KNOWN))
    assert {name: card[name] for name in ("architecture", "pricing", "supported_parameters", "top_provider")} == {
        "architecture": {
            "modality": "text+image->text",
            "input_modalities": ["text", "image"],
            "output_modalities": ["text"],
        },
        "pricing": {
            "prompt": "0.0000025",
            "completion": "0.00001",
            "input_cache_read": "0.000000125",
            "input_cache_write_1h": "0.000005",
            "audio": "0.0000001",
            "request": "0.005",
            "web_search": "0.01",
        },
        "supported_parameters": ["temperature", "tools"],
        "top_provider": {"context_length": 8192, "max_completion_tokens": 4096},
    }
    openai.types.Model.model_validate(card)


def test_what_the_providers_list_says_in_these_words_stays() -> None:
    own = {
        "architecture": {"tokenizer": "X"},
        "pricing": {"prompt": "1", "completion": "2"},
        "supported_parameters": ["stop"],
        "top_provider": {"is_moderated": True},
    }
    model = Model()
    model.CopyFrom(KNOWN)
    model.provider_details_json["openai"] = json.dumps(own)
    card = json.loads(render_model(model))
    assert {name: card[name] for name in own} == own


@pytest.mark.parametrize("own", [{"input": 3, "output": 15, "unit": "usd_per_1m_tokens"}, "cheap", None, []])
def test_prices_in_other_words_are_told_in_these(own: object) -> None:
    model = Model()
    model.CopyFrom(KNOWN)
    model.provider_details_json["openai"] = json.dumps({"pricing": own})
    assert json.loads(render_model(model))["pricing"]["prompt"] == "0.0000025"


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0.0, "0"),
        (1e-6, "0.000000000001"),
        (0.1 + 0.2, "0.00000030000000000000004"),
        (1e6, "1"),
        (100.0, "0.0001"),
        (3, "0.000003"),
    ],
)
def test_prices_are_texts_without_an_exponent(dollars: float, text: str) -> None:
    card = json.loads(render_model(Model(id="m", prices=Prices(input=dollars, output=dollars))))
    assert card["pricing"] == {"prompt": text, "completion": text}


def test_half_of_what_is_known_is_not_made_up() -> None:
    card = json.loads(render_model(Model(id="m", input_modalities=["text"], max_output_tokens=5)))
    assert "architecture" not in card
    assert card["top_provider"] == {"max_completion_tokens": 5}


def test_details_of_other_dialects_are_not_told() -> None:
    model = Model(id="p/m", provider="p", provider_details_json={"anthropic": '{"lifecycle":1}'})
    assert "lifecycle" not in json.loads(render_model(model))


def test_a_list() -> None:
    models = [Model(id=name, provider="p") for name in ("p/b", "p/a")]
    body = json.loads(render_models(ListModelsResponse(models=models)))
    assert body["object"] == "list"
    assert [card["id"] for card in body["data"]] == ["p/b", "p/a"]
    assert json.loads(render_models(ListModelsResponse())) == {"object": "list", "data": []}
