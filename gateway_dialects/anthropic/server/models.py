"""The model list of Anthropic's API. Source: https://platform.claude.com/docs/en/api/models-list."""

from __future__ import annotations

from datetime import UTC, datetime

from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.anthropic.server.details import fields_of
from gateway_dialects.kit.json import Json, encode_json

OFTEN_UNKNOWN = ("capabilities", "deprecated_at", "line", "retires_at")
LATEST = 253_402_300_799
"""The last second of the year 9999: later ones cannot be written."""


def render_models(response: ListModelsResponse) -> bytes:
    cards = [model_card(model) for model in response.models]
    ends = {"first_id": cards[0]["id"], "last_id": cards[-1]["id"]} if cards else {"first_id": None, "last_id": None}
    return encode_json({"data": cards, "has_more": bool(response.next_page_token), **ends})


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    """As the provider wrote it when it speaks this dialect. What is not known is null; a model that is listed is active."""
    return {
        **dict.fromkeys(OFTEN_UNKNOWN),
        "lifecycle": "active",
        "max_input_tokens": model.context_length if model.HasField("context_length") else None,
        "max_tokens": model.max_output_tokens if model.HasField("max_output_tokens") else None,
        **fields_of(model.provider_details_json),
        "type": "model",
        "id": model.id,
        "display_name": model.display_name or model.id,
        "created_at": moment(model.created),
    }


def moment(seconds: int) -> str:
    """RFC 3339; 1970 where the time is not known, as Anthropic writes it too."""
    return datetime.fromtimestamp(max(0, min(seconds, LATEST)), UTC).isoformat().replace("+00:00", "Z")
