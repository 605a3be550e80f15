"""The model list in OpenRouter's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.models_pb2 import ListModelsResponse, Model, Prices
from gateway_dialects.openrouter.render_metadata import (
    Wanted,
    parse_query,
    render_count,
    render_data,
    render_model,
    render_models,
)

NEEDED = {
    *("id", "canonical_slug", "name", "created", "pricing", "context_length", "architecture", "top_provider", "links"),
    *("per_request_limits", "supported_parameters", "default_parameters", "supported_voices"),
}
KNOWN = Model(
    id="p/known",
    provider="p",
    display_name="The Known",
    context_length=8192,
    max_output_tokens=1024,
    input_modalities=["text", "image"],
    output_modalities=["text"],
    supported_parameters=["tools", "seed"],
    prices=Prices(input=0.15, output=0.6),
)
MODELS = ListModelsResponse(models=[Model(id="p/a", provider="p"), Model(id="q/b", provider="q"), KNOWN])


def page(**query: str) -> Any:
    return json.loads(render_models(MODELS, parse_query(query)))


def ids(**query: str) -> list[str]:
    return [card["id"] for card in page(**query)["data"]]


def test_a_model_of_which_nothing_is_known() -> None:
    card = json.loads(render_model(Model(id="p/m", provider="p")))
    assert card.keys() >= NEEDED
    assert card["pricing"] == {"prompt": "-1", "completion": "-1"}
    assert (card["name"], card["context_length"], card["supported_parameters"]) == ("p/m", None, [])
    assert card["architecture"]["modality"] == "text->text"


def test_a_model_that_is_known() -> None:
    card = json.loads(render_data(KNOWN))["data"]
    assert card.keys() >= NEEDED
    assert card["pricing"] == {"prompt": "0.00000015", "completion": "0.0000006"}
    assert card["top_provider"] == {"context_length": 8192, "max_completion_tokens": 1024, "is_moderated": False}
    assert card["architecture"]["input_modalities"] == ["text", "image"]
    assert (card["name"], card["context_length"], card["supported_parameters"]) == ("The Known", 8192, ["tools", "seed"])


def test_what_a_provider_writes_there_that_is_no_object() -> None:
    odd = Model(id="p/m", provider_details_json={"openai": '{"pricing": "free", "architecture": [], "top_provider": null}'})
    card = json.loads(render_model(odd))
    assert card["pricing"]["prompt"] == "-1"
    assert card["architecture"]["tokenizer"] == "Other"
    assert card["top_provider"]["is_moderated"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["p/a", "q/b", "p/known"]),
        ({"limit": "2"}, ["p/a", "q/b"]),
        ({"limit": "2", "offset": "2"}, ["p/known"]),
        ({"offset": "9"}, []),
        ({"limit": "500", "offset": "0"}, ["p/a", "q/b", "p/known"]),
        ({"q": "KNOWN"}, ["p/known"]),
        ({"supported_parameters": "tools"}, ["p/known"]),
        ({"supported_parameters": "tools,seed", "input_modalities": "image"}, ["p/known"]),
        ({"supported_parameters": "tools,top_k"}, []),
        ({"output_modalities": "all"}, ["p/a", "q/b", "p/known"]),
        ({"output_modalities": "audio"}, []),
        ({"max_age_days": "3"}, ["p/a", "q/b", "p/known"]),
    ],
)
def test_a_query(query: dict[str, str], found: list[str]) -> None:
    assert ids(**query) == found


def test_pages() -> None:
    first = page(limit="2")
    assert (first["total_count"], first["links"]["next"]) == (3, "/api/v1/models?offset=2&limit=2")
    assert page(limit="2", offset="2")["links"] == {"next": None}
    assert page()["links"] == {"next": None}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"offset": "x"}, "offset"),
        ({"offset": "\u0663"}, "offset"),
        ({"limit": "9" * 5000}, "limit"),
    ],
)
def test_a_page_that_there_cannot_be(query: dict[str, str], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_query(query)
    assert (caught.value.http_status, caught.value.field) == (400, param)


def test_an_empty_query_asks_for_all() -> None:
    assert parse_query({"limit": "", "q": "", "supported_parameters": ""}) == Wanted()


def test_the_count() -> None:
    assert json.loads(render_count(MODELS)) == {"data": {"count": 3}}
