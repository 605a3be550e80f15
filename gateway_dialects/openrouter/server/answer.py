"""What OpenRouter tells of an answer beside what OpenAI does: in the contract's terms, as details of OpenAI's form, which
that face renders.

Source: https://openrouter.ai/docs (responses, reasoning tokens, usage accounting) and recorded answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_json, json_text
from gateway_dialects.openai.server.messages import DIALECT as OPENAI
from gateway_dialects.openai.server.render import details_of, render_chat

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
