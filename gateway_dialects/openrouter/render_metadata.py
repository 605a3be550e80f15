"""Models, and the records of calls, in the form of OpenRouter's API.

Sources: https://openrouter.ai/docs/api-reference/models, https://openrouter.ai/docs/api-reference/get-a-generation.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from dragoman.reasons import Reason, invalid
from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.fields import missing
from gateway_dialects.kit.json import Json, encode_json, object_at
from gateway_dialects.openai.render_models import architecture, model_card
from gateway_dialects.openai.words import FINISH_WORDS
from gateway_dialects.openrouter.render_response import ID_PREFIX

LONGEST_COUNT = 9
"""In digits."""
UNKNOWN_PRICE = "-1"
"""What OpenRouter writes where a price is not known beforehand."""


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
    """The names in a comma-separated list; all means no filter."""
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
            **architecture(reads, writes),
            "tokenizer": "Other",
            "instruct_type": None,
            **object_at(card, "architecture"),
        },
        "pricing": {"prompt": UNKNOWN_PRICE, "completion": UNKNOWN_PRICE, **object_at(card, "pricing")},
        "top_provider": {**top, **object_at(card, "top_provider")},
    }


NOT_RECORDED = (
    *("app_id", "cache_discount", "moderation_latency", "num_fetches", "num_input_audio_prompt", "num_media_completion"),
    *("num_search_results", "preset_id", "response_cache_source_id", "router", "service_tier", "web_search_engine"),
    "workspace_id",
)
"""Fields of a generation that are null."""


def wanted_id(query: Mapping[str, str]) -> str:
    """The id of a generation. Raises GatewayError 400."""
    if "id" not in query:
        raise missing("id", "Give the id of an answer: ?id=gen-...")
    if not query["id"]:
        raise invalid("id", "'id' is empty: give the id of an answer, which begins with gen-.")
    return query["id"]


def render_generation(call: CallRecord) -> bytes:
    """The JSON body about an answer. data_region, origin, usage and total_cost cannot be null."""
    usage = call.usage if call.HasField("usage") else None
    data: Json = {
        **dict.fromkeys(NOT_RECORDED),
        "id": ID_PREFIX + call.id,
        "request_id": call.request_id,
        "upstream_id": call.response_id or None,
        "created_at": datetime.fromtimestamp(call.admitted_ms / 1000, UTC).isoformat(timespec="microseconds"),
        "api_type": "completions",
        "data_region": "global",
        "model": call.route.model,
        "provider_name": call.route.provider or None,
        "streamed": call.streamed,
        "is_byok": call.byok,
        "num_media_prompt": call.input_media or None,
        **client_fields(call.tags),
        **finish_fields(call),
        **times(call),
        **usage_fields(usage),
        "provider_responses": provider_responses(call),
    }
    return encode_json({"data": data})


def client_fields(tags: Mapping[str, str]) -> Json:
    referer = tags.get("referer") or None
    return {
        "http_referer": referer,
        "origin": tags.get("origin") or referer or "",
        "user_agent": tags.get("user_agent") or None,
        "session_id": tags.get("session") or None,
        "external_user": tags.get("user") or None,
    }


def finish_fields(call: CallRecord) -> Json:
    """finish_reason is error for an answer that broke off, and null for one that its client left."""
    cancelled = call.reason == Reason.CANCELLED
    if call.reason:
        return {"cancelled": cancelled, "finish_reason": None if cancelled else "error", "native_finish_reason": None}
    word = FINISH_WORDS.get(call.finish_reason, "stop") if call.finish_reason else None
    return {"cancelled": False, "finish_reason": word, "native_finish_reason": call.raw_finish_reason or None}


def times(call: CallRecord) -> Json:
    """In milliseconds. Attempts that failed are latency, not generation."""
    before = sum(attempt.duration_ms for attempt in call.route.attempts[:-1])
    generation = max(0.0, call.duration_ms - before)
    return {"latency": round(call.duration_ms), "generation_time": round(generation)}


def usage_fields(usage: Usage | None) -> Json:
    """native: what the provider counted itself, which an estimate is not. Without a price, the two costs are 0."""
    counts = usage or Usage()
    native = usage is not None and not usage.estimated
    cost = counts.cost.total_usd if counts.HasField("cost") else None
    return {
        "tokens_prompt": usage.input_tokens if usage else None,
        "tokens_completion": usage.output_tokens if usage else None,
        "native_tokens_prompt": counts.input_tokens if native else None,
        "native_tokens_completion": counts.output_tokens if native else None,
        "native_tokens_completion_images": counts.output_image_tokens if counts.HasField("output_image_tokens") else None,
        "native_tokens_reasoning": counts.reasoning_tokens if counts.HasField("reasoning_tokens") else None,
        "native_tokens_cached": counts.cache_read_tokens if counts.HasField("cache_read_tokens") else None,
        "upstream_inference_cost": cost,
        "total_cost": cost or 0.0,
        "usage": cost or 0.0,
    }


def provider_responses(call: CallRecord) -> list[Json]:
    """One for each attempt, the last with the provider's id of the answer."""
    responses: list[Json] = [
        {
            "status": attempt.status or None,
            "provider_name": attempt.provider,
            "model_permaslug": attempt.model,
            "latency": round(attempt.duration_ms),
            "is_byok": call.byok,
        }
        for attempt in call.route.attempts
    ]
    if responses and call.response_id:
        responses[-1]["id"] = call.response_id
    return responses
