"""Whole answers, errors and model lists for Mistral's clients.

Source: https://docs.mistral.ai/api (chat completions, models) and recorded answers and errors. Mistral's clients refuse an
answer without usage, and one whose id, object, created, model or finish_reason is missing.
"""

from collections.abc import Iterable
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Part
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_json, encode_json, list_at, object_at
from gateway_dialects.kit.media import base64_of, data_uri
from gateway_dialects.mistral.words import DIALECT, FINISH_REASONS
from gateway_dialects.openai.message_fields import annotation_of
from gateway_dialects.openai.render_models import model_card
from gateway_dialects.openai.render_response import error_object, render_logprobs, render_tool_call
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import FINISH_WORDS, details_of


def render_chat(response: ChatResponse, fallback_id: str, now: int) -> bytes:
    """The JSON body. fallback_id and now (Unix seconds) are used where the provider gave none."""
    body: Json = {
        "id": response.id or fallback_id,
        "object": "chat.completion",
        "created": response.created or now,
        "model": response.model or response.route.model,
        "choices": [render_candidate(candidate) for candidate in response.candidates],
        "usage": render_usage(response.usage),
    }
    return encode_json({**details_of(response), **body})


def render_candidate(candidate: Candidate) -> Json:
    details = details_of(candidate)
    calls = [part for part in candidate.parts if part.WhichOneof("kind") == "tool_call"]
    message: Json = {
        "role": "assistant",
        "content": render_content([part for part in candidate.parts if part.WhichOneof("kind") != "tool_call"]),
        "tool_calls": [{**render_tool_call(call), "index": index} for index, call in enumerate(calls)] or None,
        **object_at(details, "message"),
    }
    details.pop("message", None)
    if annotations := render_citations(candidate.parts):
        message["annotations"] = [*annotations, *list_at(message, "annotations")]
    rendered: Json = {
        "index": candidate.index,
        "message": message,
        "finish_reason": finish_reason(candidate.finish_reason, candidate.raw_finish_reason),
    }
    if candidate.HasField("logprobs"):
        rendered["logprobs"] = render_logprobs(candidate.logprobs)
    return {**details, **rendered}


def render_citations(parts: Iterable[Part]) -> list[Json]:
    """As OpenAI's annotations: Mistral's answers have nothing of the kind, and its clients skip what they do not know."""
    annotations: list[Json] = []
    base = 0
    for part in parts:
        if part.HasField("text"):
            annotations += [annotation_of(citation, base, len(part.text)) for citation in part.citations]
            base += len(part.text)
    return annotations


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    """Mistral has no content_filter; it would be wrong to call it anything else."""
    word = FINISH_WORDS.get(reason, "stop")
    return raw if raw in FINISH_REASONS and not (raw == "stop" and word == "tool_calls") else word


def render_content(parts: list[Part]) -> Any:
    """Text alone is a string; whatever comes beside it makes a list."""
    chunks = [render_chunk(part) for part in parts]
    if all(type(chunk) is dict and chunk.keys() == {"type", "text"} for chunk in chunks):
        return "".join(chunk["text"] for chunk in chunks)
    return chunks


def render_chunk(part: Part) -> Any:
    match part.WhichOneof("kind"):
        case "reasoning":
            return render_thinking(part)
        case "opaque" if part.opaque.dialect in (DIALECT, OPENAI):
            return decode_json(part.opaque.json)
        case "opaque":
            return {"type": "opaque", "dialect": part.opaque.dialect, "content": decode_json(part.opaque.json)}
        case "media" if part.media.kind == MEDIA_KIND_AUDIO:
            return {"type": "input_audio", "input_audio": base64_of(part.media)}
        case "media":
            return {"type": "image_url", "image_url": data_uri(part.media)}
        case _:
            return {"type": "text", "text": part.text or part.refusal}


def render_thinking(part: Part) -> Json:
    """Also another provider's reasoning: this is where Mistral's clients look for it."""
    thinking: Json = {"type": "thinking", "thinking": [{"type": "text", "text": part.reasoning.text}]}
    if part.reasoning.provider != DIALECT:
        # A client gives it back as Mistral's: no other provider's signature may be there.
        return thinking
    if part.reasoning.signature:
        thinking["signature"] = part.reasoning.signature
    return {**thinking, **details_of(part)}


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it is of this form, with the three totals that clients rely on."""
    totals: Json = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.raw_dialect in (OPENAI, DIALECT) and usage.raw_json:
        return {**decode_json(usage.raw_json), **totals}
    return {**totals, "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens}}


def render_error(failure: GatewayError) -> bytes:
    """The JSON body."""
    return encode_json(error_envelope(failure))


def error_envelope(failure: GatewayError) -> Json:
    """{"object": "error", message, type, param, code}, unlike OpenAI's; with metadata where a provider was involved."""
    return {"object": "error", **error_object(failure)}


def render_models(response: ListModelsResponse) -> bytes:
    return encode_json({"object": "list", "data": [mistral_card(model) for model in response.models]})


def render_model(model: Model) -> bytes:
    return encode_json(mistral_card(model))


def mistral_card(model: Model) -> Json:
    """OpenAI's card with what Mistral's clients need: they tell the kinds of cards apart by type, and want capabilities."""
    card = model_card(model)
    if not isinstance(card.get("capabilities"), dict):
        card["capabilities"] = capabilities(model)
    if model.HasField("context_length"):
        card["max_context_length"] = model.context_length
    return {"aliases": [], **card, "type": "base"}


def capabilities(model: Model) -> Json:
    """Of models of other providers; false also where it is not known."""
    return {
        "completion_chat": True,
        "completion_fim": False,
        "function_calling": "tools" in model.supported_parameters,
        "reasoning": "reasoning" in model.supported_parameters,
        "fine_tuning": False,
        "vision": "image" in model.input_modalities,
        "audio": "audio" in model.input_modalities,
    }
