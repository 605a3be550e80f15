"""The model list in OpenAI's words."""

from __future__ import annotations

import json

import openai.types

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from http_facade.faces.openai.models import render_model, render_models
from tests.http_facade.faces.openai.reading import details


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
            {"id": "m", "object": "x", "type": "model", "created": 1, "owned_by": "y", "pricing": {"prompt": "1"}, "$n": 1}
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


def test_details_of_other_dialects_are_not_told() -> None:
    model = Model(id="p/m", provider="p", provider_details_json={"anthropic": '{"lifecycle":1}'})
    assert "lifecycle" not in json.loads(render_model(model))


def test_a_list() -> None:
    models = [Model(id=name, provider="p") for name in ("p/b", "p/a")]
    body = json.loads(render_models(ListModelsResponse(models=models)))
    assert body["object"] == "list"
    assert [card["id"] for card in body["data"]] == ["p/b", "p/a"]
    assert json.loads(render_models(ListModelsResponse())) == {"object": "list", "data": []}
