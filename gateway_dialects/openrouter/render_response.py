"""What OpenRouter tells of an answer beside what OpenAI does: in the contract's terms, as details of OpenAI's form, which
that face renders.

Source: https://openrouter.ai/docs (responses, reasoning tokens, usage accounting) and recorded answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    ChatResponse,
)
from dragoman.v1.content_pb2 import Part, Reasoning
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import Finished, PartStarted, Started, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_json, encode_json, json_text
from gateway_dialects.openai.parse_messages import DIALECT as OPENAI
from gateway_dialects.openai.render_response import details_of, reasoning_items, render_chat
from gateway_dialects.openai.render_stream import ChunkRenderer

FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai-responses": "openai-responses-v1",
}
"""Whose reasoning it is, in OpenRouter's words: a client that gives it back tells so which provider may read it."""
UNKNOWN_FORMAT = "unknown"
FINISH_WORDS = {
    FINISH_REASON_STOP: "stop",
    FINISH_REASON_LENGTH: "length",
    FINISH_REASON_TOOL_CALLS: "tool_calls",
    FINISH_REASON_CONTENT_FILTER: "content_filter",
    FINISH_REASON_ERROR: "error",
}
ID_PREFIX = "gen-"


def render_answer(answer: ChatResponse, fallback_id: str, now: int) -> bytes:
    """The JSON body of a whole answer. fallback_id begins with gen-."""
    told = ChatResponse()
    told.CopyFrom(answer)
    tell_origin(told, told.route, fallback_id)
    for candidate in told.candidates:
        tell_finish(candidate)
        reasoning = reasoning_of(candidate.parts)
        for index, part in enumerate(reasoning):
            tell_reasoning(part, index)
        seals = [seal for part in candidate.parts if (seal := seal_of_call(part)) is not None]
        candidate.parts.extend(sealed_part(seal, len(reasoning) + index) for index, seal in enumerate(seals))
    if told.HasField("usage"):
        tell_usage(told.usage)
    return render_chat(told, fallback_id, now)


def reasoning_of(parts: Any) -> list[Part]:
    return [part for part in parts if part.WhichOneof("kind") == "reasoning"]


def tell_origin(told: Any, route: RouteTrace, fallback_id: str) -> None:
    """On ChatResponse or Started: an id of OpenRouter's form, and who answered."""
    told.id = own_id(told.id, fallback_id)
    add_details(told, {"provider": route.provider})


def own_id(given: str, fallback_id: str) -> str:
    """The id of an answer: what its provider gave it, where that is of OpenRouter's form."""
    return given if given.startswith(ID_PREFIX) else fallback_id


def tell_finish(finish: Any) -> None:
    """On Candidate or CandidateFinish: the provider's own word beside one that every client knows."""
    add_details(finish, {"native_finish_reason": finish.raw_finish_reason or None})
    finish.raw_finish_reason = FINISH_WORDS.get(finish.finish_reason, "stop")


def tell_reasoning(part: Part, index: int) -> None:
    """As an item of reasoning_details, its words also in reasoning."""
    own_form = details_of(part.provider_details_json)
    if own_form.get("$field") == "reasoning_details":
        part.provider_details_json[OPENAI] = json_text({**own_form, "$also": "reasoning"})
        return
    reasoning = part.reasoning
    encrypted = bool(reasoning.encrypted) and not reasoning.text
    kind = "reasoning.encrypted" if encrypted else "reasoning.summary" if reasoning.summary else "reasoning.text"
    item: Json = {"type": kind, "format": FORMATS.get(reasoning.provider, UNKNOWN_FORMAT), "index": index}
    own = part.provider_details_json.get(reasoning.provider)
    item_id = decode_json(own).get("id") if own else None
    if isinstance(item_id, str):
        item["id"] = item_id
    part.provider_details_json[OPENAI] = json_text({**item, "$field": "reasoning_details", "$also": "reasoning"})


class CallSeal(NamedTuple):
    """Gemini's signature of a tool call."""

    call_id: str
    signature: str


def seal_of_call(part: Part) -> CallSeal | None:
    """OpenRouter's clients carry it among reasoning_details, and nowhere else."""
    if part.WhichOneof("kind") != "tool_call" or OPENAI not in part.provider_details_json:
        return None
    match details_of(part.provider_details_json).get("extra_content"):
        case {"google": {"thought_signature": str(signature)}}:
            return CallSeal(part.tool_call.id, signature)
    return None


def sealed_part(seal: CallSeal, index: int) -> Part:
    part = Part(reasoning=Reasoning(encrypted=seal.signature, provider="gemini"))
    item: Json = {"type": "reasoning.encrypted", "format": FORMATS["gemini"], "index": index, "id": seal.call_id}
    part.provider_details_json[OPENAI] = json_text({**item, "$field": "reasoning_details"})
    return part


def tell_usage(usage: Usage) -> None:
    """In OpenRouter's form. cost: in US dollars; left out where nobody knows it, for some clients refuse null."""
    own: Json = decode_json(usage.raw_json) if usage.raw_dialect == OPENAI and usage.raw_json else {}
    told: Json = {
        **({"cost": usage.cost.total_usd} if usage.HasField("cost") else {}),
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.input_audio_tokens,
            "image_tokens": usage.input_image_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
            "image_tokens": usage.output_image_tokens,
        },
    }
    usage.raw_json, usage.raw_dialect = json_text({**told, **own}), OPENAI


def add_details(holder: Any, details: Json) -> None:
    """What the provider said itself is left as it is."""
    own = details_of(holder.provider_details_json)
    holder.provider_details_json[OPENAI] = json_text({**details, **own})


ALIVE = b": DRAGOMAN PROCESSING\n\n"
CHANGED = frozenset({"started", "part_started", "finished"})
"""Events that tell more here than OpenAI's face says."""


class OpenRouterRenderer:
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, fallback_id: str, now: int) -> None:
        """fallback_id begins with gen-. now: Unix seconds."""
        self._fallback_id = fallback_id
        self._now = now
        self._plain = ChunkRenderer(include_usage=True, fallback_id=fallback_id, now=now, usage_nulls=False)
        self._head: Json = {}
        self._reasoning_counts: dict[int, int] = {}
        self._seals: list[bytes] = []
        """Chunks that tell the seals of tool calls, to be written before the calls."""

    def render(self, batch: StreamResponse) -> bytes:
        """The SSE bytes of a batch, to be written at once."""
        if any(event.WhichOneof("event") in CHANGED for event in batch.events):
            # The events are not ours to change.
            told = StreamResponse()
            told.CopyFrom(batch)
            for event in told.events:
                self._tell(event)
            batch = told
        seals, self._seals = b"".join(self._seals), []
        return seals + self._plain.render(batch)

    def fail(self, failure: GatewayError) -> bytes:
        """The failure that ends the stream, twice: as a choice that ends in it, as OpenRouter tells it, and without choices,
        where LangChain's client looks for it."""
        choice: Json = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}
        ending = {**choice, "finish_reason": "error", "native_finish_reason": None}
        chunk: Json = {**self._head, "choices": [ending], "error": error_object(failure)}
        return b"".join(b"data: " + encode_json(told) + b"\n\n" for told in (chunk, {**chunk, "choices": []}))

    def _tell(self, event: StreamEvent) -> None:
        match event.WhichOneof("event"):
            case "started":
                self._started(event.started)
            case "part_started":
                self._part_started(event.part_started)
            case "finished":
                tell_ending(event.finished)
            case _:
                pass

    def _started(self, started: Started) -> None:
        tell_origin(started, started.route, self._fallback_id)
        self._head = {
            "id": started.id,
            "object": "chat.completion.chunk",
            "created": started.created or self._now,
            "model": started.model or started.route.model,
            "system_fingerprint": started.system_fingerprint if started.HasField("system_fingerprint") else None,
            "provider": started.route.provider,
        }

    def _part_started(self, started: PartStarted) -> None:
        if started.part.WhichOneof("kind") == "reasoning":
            tell_reasoning(started.part, self._next_index(started.candidate_index))
        elif seal := seal_of_call(started.part):
            part = sealed_part(seal, self._next_index(started.candidate_index))
            items = reasoning_items(part, details_of(part.provider_details_json))
            choice = {"index": started.candidate_index, "delta": {"reasoning_details": items}, "finish_reason": None}
            self._seals.append(b"data: " + encode_json({**self._head, "choices": [choice]}) + b"\n\n")

    def _next_index(self, candidate: int) -> int:
        count = self._reasoning_counts.get(candidate, 0)
        self._reasoning_counts[candidate] = count + 1
        return count


def tell_ending(finished: Finished) -> None:
    for candidate in finished.candidates:
        tell_finish(candidate)
    if finished.HasField("usage"):
        tell_usage(finished.usage)


ERROR_TYPES = {
    "INVALID_REQUEST": "invalid_request",
    "UNSUPPORTED": "invalid_request",
    "UPSTREAM_REJECTED": "invalid_request",
    "REQUEST_TOO_LARGE": "payload_too_large",
    "MODEL_NOT_FOUND": "not_found",
    "RECORD_NOT_FOUND": "not_found",
    "MISSING_API_KEY": "authentication",
    "INVALID_API_KEY": "authentication",
    "PERMISSION_DENIED": "permission_denied",
    "CONTEXT_LENGTH_EXCEEDED": "context_length_exceeded",
    "CONTENT_FILTERED": "content_policy_violation",
    "RATE_LIMITED": "rate_limit_exceeded",
    "QUOTA_EXHAUSTED": "payment_required",
    "UPSTREAM_AUTH": "provider_unavailable",
    "UPSTREAM_UNAVAILABLE": "provider_unavailable",
    "UPSTREAM_OVERLOADED": "provider_overloaded",
    "UPSTREAM_TIMEOUT": "timeout",
    "UPSTREAM_INVALID_RESPONSE": "provider_unavailable",
    "STREAM_INTERRUPTED": "provider_unavailable",
    "DEADLINE_EXCEEDED": "timeout",
}
"""By reason; any other is server."""


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {code, message, metadata}}."""
    return encode_json({"error": error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    """code is the HTTP status. metadata: error_type, the field at fault, and what a provider said."""
    upstream = dict(failure.metadata)
    kind, reason = ERROR_TYPES.get(failure.reason, "server"), failure.code or failure.reason.lower()
    metadata: Json = {"error_type": kind, "reason": reason}
    if failure.field:
        metadata["param"] = failure.field
    if provider := upstream.pop("provider", ""):
        metadata["provider_name"] = provider
    if code := upstream.pop("upstream_code", ""):
        metadata["provider_code"] = code
    return {"code": failure.http_status, "message": failure.message, "metadata": {**upstream, **metadata}}
