"""The model list as Mistral's clients need it."""

import json

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.mistral.render_response import render_model, render_models


def test_a_model_of_another_provider() -> None:
    model = Model(
        id="p/m",
        provider="p",
        context_length=8192,
        supported_parameters=["tools", "temperature"],
        input_modalities=["text", "image"],
    )
    card = json.loads(render_model(model))
    assert (card["id"], card["object"], card["type"], card["max_context_length"], card["aliases"]) == (
        *("p/m", "model", "base", 8192),
        [],
    )
    capabilities = card["capabilities"]
    assert {name for name, has in capabilities.items() if has} == {"completion_chat", "function_calling", "vision"}
    assert all(type(has) is bool for has in capabilities.values())


def test_what_mistral_says_itself_stays() -> None:
    own = {"capabilities": {"completion_fim": True}, "aliases": ["x"], "type": "fine-tuned", "max_context_length": 9}
    model = Model(id="mistral/m", provider="mistral", provider_details_json={"openai": json.dumps(own)})
    card = json.loads(render_models(ListModelsResponse(models=[model])))["data"][0]
    assert (card["capabilities"], card["aliases"], card["max_context_length"]) == ({"completion_fim": True}, ["x"], 9)
    # Cards of tuned models need more fields, which nobody knows here.
    assert card["type"] == "base"


def test_capabilities_that_are_no_object() -> None:
    model = Model(id="p/m", provider="p", provider_details_json={"openai": '{"capabilities": ["chat"]}'})
    assert json.loads(render_model(model))["capabilities"]["completion_chat"] is True


def test_an_empty_list() -> None:
    assert json.loads(render_models(ListModelsResponse())) == {"object": "list", "data": []}
