"""The model list in Cohere's words."""

import json

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.cohere.render_response import render_model, render_models


def test_a_model_of_which_nothing_is_known() -> None:
    assert json.loads(render_model(Model(id="p/m", provider="p"))) == {
        "name": "p/m",
        "endpoints": ["chat"],
        "default_endpoints": [],
        "finetuned": False,
        "is_deprecated": False,
        "features": None,
    }


def test_a_model_that_is_known() -> None:
    model = Model(id="p/m", context_length=9, supported_parameters=["tools", "seed"], input_modalities=["text", "image"])
    card = json.loads(render_model(model))
    assert (card["context_length"], card["features"]) == (9, ["tools", "vision"])


def test_what_cohere_says_itself_stays() -> None:
    own = {"name": "command-r", "endpoints": ["chat", "rerank"], "features": ["tools"], "is_deprecated": True}
    card = json.loads(render_model(Model(id="cohere/command-r", provider_details_json={"cohere": json.dumps(own)})))
    assert card == {**card, **own, "name": "cohere/command-r"}


def test_pages() -> None:
    assert json.loads(render_models(ListModelsResponse())) == {"models": []}
    assert json.loads(render_models(ListModelsResponse(next_page_token="9"))) == {"models": [], "next_page_token": "9"}
