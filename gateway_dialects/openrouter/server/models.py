"""The model list of OpenRouter's API. Source: https://openrouter.ai/docs/api-reference/models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from dragoman.reasons import invalid
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.server.models import model_card

LONGEST_COUNT = 9
"""In digits."""
UNKNOWN_PRICE = "-1"
"""What OpenRouter writes where a price cannot be told beforehand."""


class Wanted(NamedTuple):
    """What a query asks of the list. Filters that the gateway knows nothing about (benchmarks, ages) are not read."""

    offset: int = 0
    limit: int | None = None
    words: str = ""
    """In a model's id or name, in lower case."""
    parameters: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def fits(self, model: Model) -> bool:
        """What is not known of a model does not fit a filter."""
        return (
            self.words in f"{model.id} {model.display_name}".lower()
            and self.parameters.issubset(model.supported_parameters)
            and self.reads.issubset(model.input_modalities)
            and self.writes.issubset(model.output_modalities)
        )


def parse_query(query: Mapping[str, str]) -> Wanted:
    """Raises GatewayError for a page that there cannot be."""
    limit = count_in(query, "limit")
    if limit == 0:
        raise invalid("limit", "'limit' must be 1 or more.")
    words = query.get("q", "").lower()
    names = ("supported_parameters", "input_modalities", "output_modalities")
    return Wanted(count_in(query, "offset") or 0, limit, words, *(names_in(query, name) for name in names))


def count_in(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < LONGEST_COUNT):
        raise invalid(name, f"'{name}' must be a number of models, not {text[:40]!r}.")
    return int(text)


def names_in(query: Mapping[str, str], name: str) -> frozenset[str]:
    """Of a list that commas divide; all stands for no filter."""
    return frozenset(query.get(name, "").split(",")) - {"", "all"}


def render_models(response: ListModelsResponse, wanted: Wanted) -> bytes:
    """One page. links.next is the query of the next one."""
    found = [model for model in response.models if wanted.fits(model)]
    end = len(found) if wanted.limit is None else wanted.offset + wanted.limit
    following = f"/api/v1/models?offset={end}&limit={wanted.limit}" if end < len(found) else None
    body: Json = {
        "object": "list",
        "data": [openrouter_card(model) for model in found[wanted.offset : end]],
        "total_count": len(found),
        "links": {"next": following},
    }
    return encode_json(body)


def render_model(model: Model) -> bytes:
    """Of OpenAI's path, whose clients want the model itself."""
    return encode_json(openrouter_card(model))


def render_data(model: Model) -> bytes:
    """Of OpenRouter's path."""
    return encode_json({"data": openrouter_card(model)})


def render_count(response: ListModelsResponse) -> bytes:
    return encode_json({"data": {"count": len(response.models)}})


def openrouter_card(model: Model) -> Json:
    """Every field that OpenRouter's clients need; null or empty where it is not known."""
    card = model_card(model)
    reads, writes = list(model.input_modalities) or ["text"], list(model.output_modalities) or ["text"]
    top: Json = {"context_length": card.get("context_length"), "max_completion_tokens": None, "is_moderated": False}
    return {
        "canonical_slug": model.id,
        "name": model.display_name or model.id,
        "description": "",
        "context_length": None,
        "supported_parameters": [],
        "default_parameters": None,
        "per_request_limits": None,
        "supported_voices": None,
        "links": {"details": f"/api/v1/models/{quote(model.id)}"},
        **card,
        "architecture": {
            "modality": f"{'+'.join(reads)}->{'+'.join(writes)}",
            "input_modalities": reads,
            "output_modalities": writes,
            "tokenizer": "Other",
            "instruct_type": None,
            **objects(card, "architecture"),
        },
        "pricing": {"prompt": UNKNOWN_PRICE, "completion": UNKNOWN_PRICE, **objects(card, "pricing")},
        "top_provider": {**top, **objects(card, "top_provider")},
    }


def objects(card: Json, name: str) -> Json:
    """What the card has there where that is an object."""
    value = card.get(name)
    return value if isinstance(value, dict) else {}
