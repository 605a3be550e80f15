"""The model list."""

from __future__ import annotations

import json

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.anthropic.render_response import render_model, render_models
from tests.gateway_dialects.anthropic.server.reading import details

OWN = Model(
    id="anthropic/claude-opus-5-5",
    created=1_790_035_200,
    display_name="Claude Opus 5.5",
    context_length=1_000_000,
    provider_details_json=details(
        {"type": "model", "max_input_tokens": 1_000_000, "max_tokens": 128_000, "lifecycle": "deprecated"}
    ),
)
OTHER = Model(id="ollama/llama", provider_details_json={"openai": '{"object":"model"}'})
UNKNOWN = {
    "lifecycle": "active",
    "capabilities": None,
    "deprecated_at": None,
    "line": None,
    "max_input_tokens": None,
    "max_tokens": None,
    "retires_at": None,
}


def test_models_of_anthropic_and_of_others() -> None:
    own, other = json.loads(render_models(ListModelsResponse(models=[OWN, OTHER])))["data"]
    assert own == {
        **UNKNOWN,
        "type": "model",
        "id": "anthropic/claude-opus-5-5",
        "display_name": "Claude Opus 5.5",
        "created_at": "2026-09-22T00:00:00Z",
        "lifecycle": "deprecated",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
    assert other == {
        **UNKNOWN,
        "type": "model",
        "id": "ollama/llama",
        "display_name": "ollama/llama",
        "created_at": "1970-01-01T00:00:00Z",
    }
    assert json.loads(render_model(OTHER)) == other


def test_the_ends_of_a_page() -> None:
    page = json.loads(render_models(ListModelsResponse(models=[OWN, OTHER], next_page_token="more")))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("anthropic/claude-opus-5-5", "ollama/llama", True)
    empty = json.loads(render_models(ListModelsResponse()))
    assert empty == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_a_time_that_no_calendar_has() -> None:
    assert json.loads(render_model(Model(id="m", created=2**62)))["created_at"] == "9999-12-31T23:59:59Z"
    assert json.loads(render_model(Model(id="m", created=-(2**62))))["created_at"] == "1970-01-01T00:00:00Z"


def test_the_most_tokens_that_an_answer_may_have() -> None:
    known = Model(id="openai/gpt-4o", context_length=128_000, max_output_tokens=16_384)
    card = json.loads(render_model(known))
    assert (card["max_input_tokens"], card["max_tokens"]) == (128_000, 16_384)
