"""What OpenRouter's API tells of an answer afterwards: what it took, and who asked.

Source: https://openrouter.ai/docs/api-reference/get-a-generation, its OpenAPI schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import Candidate, ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.fields import missing
from gateway_dialects.kit.json import Json, decode_json, json_text
from gateway_dialects.openrouter.server.answer import FINISH_WORDS, own_id
from gateway_dialects.openrouter.server.parse import VENDOR

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
