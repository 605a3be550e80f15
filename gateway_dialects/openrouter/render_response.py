"""Answers, streams and errors in OpenRouter's form: OpenAI's, with what OpenRouter adds to it.

Sources: https://openrouter.ai/docs (responses, reasoning tokens, usage accounting, errors), and recorded answers.
"""

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.stream_pb2 import Finished
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai import render_response as openai
from gateway_dialects.openai.render_stream import ChunkRenderer

ID_PREFIX = "gen-"
KEEP_ALIVE = b": DRAGOMAN PROCESSING\n\n"


def answer_id(given: str, call_id: str, fallback: str) -> str:
    """The id by which /generation finds an answer: that of the call, where there is one; else the provider's, where it is
    OpenRouter's own, or fallback, which begins with gen-."""
    if call_id:
        return ID_PREFIX + call_id
    return given if given.startswith(ID_PREFIX) else fallback


METADATA = "openrouter_metadata"
STYLE = openai.Style(
    answer_id=answer_id,
    reasoning_field="reasoning",
    openrouter=True,
    input_counts=("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"),
    output_counts=("reasoning_tokens", "audio_tokens", "image_tokens"),
)


def render_chat(answer: ChatResponse, fallback_id: str, now: int, metadata: bool = False) -> bytes:
    """The JSON body of a whole answer. fallback_id begins with gen-. now: Unix seconds. metadata: whether it says how it was
    routed."""
    more = {METADATA: router_metadata(answer.route)} if metadata else None
    return openai.render_chat(answer, fallback_id, now, STYLE, more)


class OpenRouterRenderer(ChunkRenderer):
    """Renders one stream. Feed it every batch in order."""

    def __init__(self, *, fallback_id: str, now: int, metadata: bool = False) -> None:
        """fallback_id begins with gen-. now: Unix seconds. metadata: whether the last chunk says how it was routed."""
        self._metadata = metadata
        super().__init__(include_usage=True, fallback_id=fallback_id, now=now, usage_nulls=False, style=STYLE)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        super()._finished(finished, out)
        if self._metadata:
            chunk: Json = {**self.head, "choices": [], METADATA: router_metadata(finished.route)}
            out.insert(-1, b"data: " + encode_json(chunk) + b"\n\n")

    def fail(self, error: GatewayError) -> bytes:
        """The failure that ends the stream, twice: as a choice that ends in it, as OpenRouter writes it, and without
        choices, where LangChain's client looks for it."""
        choice: Json = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}
        ending = {**choice, "finish_reason": "error", "native_finish_reason": None}
        chunk: Json = {**self.head, "choices": [ending], "error": error_object(error)}
        return b"".join(b"data: " + encode_json(one) + b"\n\n" for one in (chunk, {**chunk, "choices": []}))


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
    """code is the HTTP status. metadata: error_type, the field at fault, and the provider's own error."""
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


def router_metadata(route: RouteTrace) -> Json:
    """How an answer was routed (https://openrouter.ai/docs, router metadata). Where nothing was to be chosen, those that
    were asked are all that there were."""
    asked = list(dict.fromkeys((attempt.provider, attempt.model) for attempt in route.attempts))
    open_to_it = [one for one in route.considered if not one.excluded_by]
    available = [(one.provider, one.model) for one in open_to_it] or asked
    answered = route.provider, route.model
    return {
        "requested": route.requested_model,
        "strategy": route.strategy or "ordered",
        "region": None,
        "summary": f"{len(available)} of {max(len(route.considered), len(available))} targets could be asked",
        "attempt": len(route.attempts),
        "endpoints": {
            "total": max(len(route.considered), len(available)),
            "available": [
                {"provider": provider, "model": model, "selected": (provider, model) == answered}
                for provider, model in available
            ],
            "excluded": [
                {"provider": one.provider, "model": one.model, "by": one.excluded_by, "reason": one.message}
                for one in route.considered
                if one.excluded_by
            ],
        },
        "attempts": [
            {"provider": attempt.provider, "model": attempt.model, "status": attempt.status} for attempt in route.attempts
        ],
    }
