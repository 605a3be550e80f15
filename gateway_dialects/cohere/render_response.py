"""Whole answers, errors and model lists for Cohere's clients.

Source: https://docs.cohere.com/reference/chat, .../reference/errors, .../reference/list-models and recorded traffic. Kinds
of content that Cohere's answers do not have are rendered as its requests, or the contract, have them.
"""

from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media, Opaque, Part
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere import words
from gateway_dialects.kit.carried_state import others
from gateway_dialects.kit.json import Json, decode_json, details_of, encode_json
from gateway_dialects.kit.media import data_uri

MODEL_FEATURES = {
    "tools": "tools",
    "tool_choice": "tool_choice",
    "structured_outputs": "json_schema",
    "reasoning": "reasoning",
}
"""Cohere's names for request parameters that a model takes."""


def render_chat(response: ChatResponse, fallback_id: str) -> bytes:
    """The JSON body. fallback_id is used where the provider gave none."""
    candidate = response.candidates[0] if response.candidates else Candidate()
    ending = details_of(candidate, words.DIALECT)
    body: Json = {
        "id": response.id or fallback_id,
        "message": render_message(candidate, ending.pop("message", {})),
        "finish_reason": finish_reason(candidate.finish_reason, candidate.raw_finish_reason),
    }
    if response.HasField("usage"):
        body["usage"] = render_usage(response.usage)
    if candidate.HasField("logprobs") and "logprobs" not in ending:
        body["logprobs"] = render_logprobs(candidate.logprobs)
    return encode_json({**body, **ending, **details_of(response, words.DIALECT)})


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    """The provider's own where it speaks this dialect, unless the gateway knows better."""
    return raw if words.FINISH_REASONS.get(raw) == reason else words.FINISH_WORDS.get(reason, "COMPLETE")


def render_message(candidate: Candidate, extra: Json) -> Json:
    """extra: fields of the message that the contract does not name."""
    content: list[Json] = []
    calls: list[Json] = []
    citations: list[Any] = []
    plan = ""
    for part in candidate.parts:
        kind = part.WhichOneof("kind")
        if kind == "tool_call":
            calls.append(words.write_tool_call(part, words.arguments_of(part.tool_call)))
        elif words.is_plan(part):
            plan += part.reasoning.text
            citations += words.write_citations(part.citations, part, None)
        elif kind is not None:
            citations += words.write_citations(part.citations, part, len(content))
            content.append(render_block(part))
    fields: Json = {"content": content, "tool_plan": plan, "tool_calls": calls}
    fields["citations"] = citations + extra.pop("citations", [])
    return {"role": "assistant", **{name: value for name, value in fields.items() if value}, **extra}


def render_block(part: Part) -> Json:
    match part.WhichOneof("kind"):
        case "text":
            return {"type": "text", "text": part.text, **details_of(part, words.DIALECT)}
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "reasoning":
            block: Json = {"type": "thinking", "thinking": part.reasoning.text, **signed_fields(part)}
            return {**block, **details_of(part, words.DIALECT)}
        case "media":
            return render_media(part.media)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return {"type": "text", "text": ""}


def signed_fields(part: Part) -> Json:
    """What another provider signed, for the client to give back."""
    reasoning = part.reasoning
    if reasoning.provider in ("", words.DIALECT) and not (reasoning.signature or reasoning.encrypted):
        return {}
    signed: Json = {name: value for name in words.SIGNED_FIELDS if (value := getattr(reasoning, name))}
    if details := others(part.provider_details_json, words.DIALECT):
        signed[words.SIGNED_DETAILS] = details
    return signed


def render_media(media: Media) -> Json:
    if media.kind == MEDIA_KIND_IMAGE:
        return {"type": "image_url", "image_url": {"url": data_uri(media)}}
    transcript = {"transcript": media.transcript} if media.transcript else {}
    return {"type": "media", "media": {"url": data_uri(media), **transcript}}


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == words.DIALECT and isinstance(content, dict):
        return content
    return {"type": "opaque", "dialect": opaque.dialect, "content": content}


def render_logprobs(logprobs: Logprobs) -> list[Json]:
    """One item for each token. Other dialects have no token ids, and this one's clients want the list."""
    tokens = [*logprobs.content, *logprobs.refusal]
    return [{"text": token.token, "token_ids": [], "logprobs": [token.logprob]} for token in tokens]


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect. What another one counts is what it bills."""
    if usage.raw_dialect == words.DIALECT and usage.raw_json:
        raw: Json = decode_json(usage.raw_json)
        return raw
    totals = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    tokens: Json = dict(totals)
    if usage.HasField("reasoning_tokens"):
        tokens["reasoning_tokens"] = usage.reasoning_tokens
    if usage.HasField("input_image_tokens"):
        # Beside the other input here, not among it.
        tokens["input_tokens"] = max(0, usage.input_tokens - usage.input_image_tokens)
        tokens["image_tokens"] = usage.input_image_tokens
    rendered: Json = {"billed_units": totals, "tokens": tokens}
    if usage.HasField("cache_read_tokens"):
        rendered["cached_tokens"] = usage.cache_read_tokens
    return rendered


def render_error(failure: GatewayError, request_id: str = "") -> bytes:
    """The JSON body: {"id", "message"}, with error_type, param and metadata where there are."""
    return encode_json({"id": request_id, **error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    error: Json = {"message": words.CONTEXT_WORDS.message(failure), "error_type": error_type(failure)}
    if failure.field:
        error["param"] = failure.field
    if failure.metadata:
        error["metadata"] = dict(failure.metadata)
    return error


def error_type(failure: GatewayError) -> str:
    """The provider's own for a client's mistake; ours for the gateway's failures."""
    if failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED:
        return "TOO_MANY_TOKENS"
    given = failure.metadata.get("upstream_type", "")
    return given if given and 400 <= failure.http_status < 500 else (failure.code or failure.reason).upper()


def render_models(response: ListModelsResponse) -> bytes:
    body: Json = {"models": [model_card(model) for model in response.models]}
    if response.next_page_token:
        body["next_page_token"] = response.next_page_token
    return encode_json(body)


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    card: Json = {"endpoints": ["chat"], "default_endpoints": [], "finetuned": False, "is_deprecated": False}
    features = [word for name, word in MODEL_FEATURES.items() if name in model.supported_parameters]
    if "image" in model.input_modalities:
        features.append("vision")
    card["features"] = features or None
    card.update(details_of(model, words.DIALECT))
    if model.HasField("context_length"):
        card["context_length"] = model.context_length
    return {**card, "name": model.id}
