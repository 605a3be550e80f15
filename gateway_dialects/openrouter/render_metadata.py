"""The model list of OpenRouter's API. Source: https://openrouter.ai/docs/api-reference/models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import Candidate, ChatRequest, ChatResponse
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.fields import missing
from gateway_dialects.kit.json import Json, decode_json, encode_json, json_text
from gateway_dialects.openai.render_models import model_card
from gateway_dialects.openrouter.parse_request import VENDOR
from gateway_dialects.openrouter.render_response import FINISH_WORDS, own_id

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


NOT_KNOWN_HERE: Json = dict.fromkeys(
    (
        *("app_id", "cache_discount", "moderation_latency", "num_fetches", "num_input_audio_prompt", "num_media_completion"),
        *("num_media_prompt", "num_search_results", "preset_id", "response_cache_source_id", "router"),
        *("web_search_engine", "workspace_id"),
    )
)
SUMMED = (
    *("tokens_prompt", "tokens_completion", "native_tokens_prompt", "native_tokens_completion"),
    *("native_tokens_completion_images", "native_tokens_reasoning", "native_tokens_cached", "upstream_inference_cost"),
)
FAILED = "error"
"""The finish reason of a stream that broke off."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, as far as headers tell."""

    request_id: str
    referer: str | None = None
    origin: str | None = None
    user_agent: str | None = None
    own_key: bool = False
    """Whether it brought its own key for the provider."""


class Generation:
    """One answer, whole or streamed, while it is made; of several prompts it is one nevertheless."""

    def __init__(self, chat: ChatRequest, asker: Asker, fallback_id: str, now: float, clock: Callable[[], float]) -> None:
        """fallback_id: its id where the provider gave none of OpenRouter's form. now: seconds since 1970 UTC. clock: seconds
        since any time."""
        self.id = fallback_id
        self.ended = False
        self._clock = clock
        self._began = self._ended_at = clock()
        self._own_key = asker.own_key
        self._prompts = 0
        self._before_attempt = 0.0
        """Seconds that went by before the provider that answered was asked."""
        self._usages: list[Json] = []
        self._responses: list[Json] = []
        self._told: Json = {
            **NOT_KNOWN_HERE,
            **asking_fields(chat, asker),
            "created_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
        }

    @property
    def begun(self) -> bool:
        """Whether the client has learned of it."""
        return self._prompts > 0

    def answered(self, answers: Sequence[ChatResponse]) -> None:
        """All of them are there, whole."""
        self._told["streamed"] = False
        for answer in answers:
            self._begin(answer)
            self._end(answer)
        self._before_attempt = min(self._before_attempt_of(answer.route) for answer in answers)
        self._stop()

    def started(self, started: Started) -> None:
        """A stream has begun: the first, or that of the next prompt."""
        self._told["streamed"] = True
        if not self._prompts:
            self._before_attempt = self._before_attempt_of(started.route)
        self._begin(started)

    def finished(self, finished: Finished, *, last: bool) -> None:
        """A stream is complete; last: that of the last prompt."""
        self._end(finished)
        if last:
            self._stop()

    def failed(self) -> None:
        """The stream broke off."""
        self._told.update(finish_reason=FAILED, native_finish_reason=None)
        self._stop()

    def render(self) -> str:
        """As it is kept, and given. One that has not ended was left by its client."""
        cancelled = not self.ended
        if cancelled:
            self._stop()
            self._told.update(finish_reason=None, native_finish_reason=None)
        latency = max(0.0, self._ended_at - self._began)
        generation = min(max(0.0, latency - self._before_attempt), latency)
        times = {"latency": round(latency * 1000), "generation_time": round(generation * 1000)}
        fields = {"id": self.id, **self._told, **times, **self._usage(), "cancelled": cancelled}
        return json_text({**fields, "provider_responses": self._responses})

    def _before_attempt_of(self, route: RouteTrace) -> float:
        """Told when the answer, or the first of its stream, is here."""
        taken = route.attempts[-1].duration_ms / 1000 if route.attempts else 0.0
        return max(0.0, self._clock() - self._began - taken)

    def _begin(self, answer: ChatResponse | Started) -> None:
        if not self._prompts:
            self.id = own_id(answer.id, self.id)
            self._told.update(
                upstream_id=answer.id or None,
                model=answer.model or answer.route.model,
                provider_name=answer.route.provider or None,
            )
        self._prompts += 1
        self._told["service_tier"] = answer.service_tier if answer.HasField("service_tier") else None
        self._responses += [attempt_fields(attempt, self._own_key) for attempt in answer.route.attempts]
        if answer.route.attempts and answer.id:
            self._responses[-1]["id"] = answer.id

    def _end(self, answer: ChatResponse | Finished) -> None:
        if answer.HasField("service_tier"):
            self._told["service_tier"] = answer.service_tier
        if answer.candidates:
            self._told.update(finish_fields(answer.candidates[0]))
        if answer.HasField("usage"):
            self._usages.append(usage_fields(answer.usage))

    def _stop(self) -> None:
        self.ended, self._ended_at = True, self._clock()

    def _usage(self) -> Json:
        """Sums of all prompts; what is not known of one is not known of all. Two fields cannot be null: without a price they
        are 0."""
        whole = len(self._usages) == self._prompts
        told: Json = {name: total([usage[name] for usage in self._usages]) if whole else None for name in SUMMED}
        cost = told["upstream_inference_cost"] or 0.0
        return {**told, "total_cost": cost, "usage": cost}


def asking_fields(chat: ChatRequest, asker: Asker) -> Json:
    """data_region and origin cannot be null."""
    return {
        "api_type": "completions",
        "data_region": "global",
        "external_user": chat.user or None,
        "finish_reason": None,
        "http_referer": asker.referer,
        "is_byok": asker.own_key,
        "native_finish_reason": None,
        "origin": asker.origin or asker.referer or "",
        "request_id": asker.request_id,
        "session_id": session_of(chat),
        "user_agent": asker.user_agent,
    }


def session_of(chat: ChatRequest) -> str | None:
    if VENDOR not in chat.provider_options_json:
        return None
    session = decode_json(chat.provider_options_json[VENDOR]).get("session_id")
    return session if isinstance(session, str) else None


def attempt_fields(attempt: Attempt, own_key: bool) -> Json:
    return {
        "status": attempt.status or None,
        "provider_name": attempt.provider,
        "model_permaslug": attempt.model,
        "latency": round(attempt.duration_ms),
        "is_byok": own_key,
    }


def finish_fields(ending: Candidate | CandidateFinish) -> Json:
    return {
        "finish_reason": FINISH_WORDS.get(ending.finish_reason, "stop"),
        "native_finish_reason": ending.raw_finish_reason or None,
    }


def usage_fields(usage: Usage) -> Json:
    """native: what the provider counted itself, which an estimate is not."""
    counted = not usage.estimated
    return {
        "tokens_prompt": usage.input_tokens,
        "tokens_completion": usage.output_tokens,
        "native_tokens_prompt": usage.input_tokens if counted else None,
        "native_tokens_completion": usage.output_tokens if counted else None,
        "native_tokens_completion_images": usage.output_image_tokens if usage.HasField("output_image_tokens") else None,
        "native_tokens_reasoning": usage.reasoning_tokens if usage.HasField("reasoning_tokens") else None,
        "native_tokens_cached": usage.cache_read_tokens if usage.HasField("cache_read_tokens") else None,
        "upstream_inference_cost": usage.cost.total_usd if usage.HasField("cost") else None,
    }


def total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def wanted_id(query: Mapping[str, str]) -> str:
    """Raises GatewayError 400."""
    if "id" not in query:
        raise missing("id", "Give the id of an answer: ?id=gen-...")
    if not query["id"]:
        raise invalid("id", "'id' is empty: give the id of an answer, which begins with gen-.")
    return query["id"]


def render_generation(kept: str) -> bytes:
    """The JSON body about a generation that was kept."""
    return b'{"data":' + kept.encode() + b"}"
