"""A whole answer in the words of Gemini's generateContent.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse. A candidate always has a content with a
part: clients read candidates[0].content.parts without looking.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    Candidate,
    ChatResponse,
    FinishReason,
    Logprobs,
    TokenLogprob,
)
from dragoman.v1.content_pb2 import Media, Opaque, Part, ToolCall
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini.server.details import DIALECT, details_of, fields_of
from gateway_dialects.gemini.server.parts import CARRIER, SIGNATURE
from gateway_dialects.gemini.server.seals import seal_of
from gateway_dialects.kit.json import Json, decode_json, encode_json
from gateway_dialects.kit.legacy import without_notes

FINISH_WORDS = {
    FINISH_REASON_LENGTH: "MAX_TOKENS",
    FINISH_REASON_CONTENT_FILTER: "SAFETY",
    FINISH_REASON_ERROR: "OTHER",
}
"""A model that waits for tool results says STOP here."""
OWN_WORDS = {
    "STOP": FINISH_REASON_STOP,
    "MAX_TOKENS": FINISH_REASON_LENGTH,
    "CONTINUATION": FINISH_REASON_LENGTH,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
        FINISH_REASON_CONTENT_FILTER,
    ),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), FINISH_REASON_CONTENT_FILTER),
    **dict.fromkeys(
        ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"), FINISH_REASON_ERROR
    ),
}
NOTHING: Json = {"text": ""}
TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
MODALITIES = (
    ("promptTokensDetails", "AUDIO", "input_audio_tokens"),
    ("promptTokensDetails", "IMAGE", "input_image_tokens"),
    ("candidatesTokensDetails", "AUDIO", "output_audio_tokens"),
    ("candidatesTokensDetails", "IMAGE", "output_image_tokens"),
)


def render_chat(response: ChatResponse, fallback_id: str) -> bytes:
    """The JSON body. fallback_id stands in where the provider gave none."""
    body: Json = {}
    if candidates := [render_candidate(item) for item in response.candidates if not is_blocked(item.provider_details_json)]:
        body["candidates"] = candidates
    if (usage := usage_of(response)) is not None:
        body["usageMetadata"] = usage
    body["modelVersion"] = response.model or response.route.model
    body["responseId"] = response.id or fallback_id
    return encode_json({**body, **fields_of(response.provider_details_json)})


def is_blocked(details_json: Mapping[str, str]) -> bool:
    """Whether the candidate only stands for the prompt's refusal, which promptFeedback tells."""
    return bool(details_json) and "$blocked" in details_of(details_json)


def render_candidate(candidate: Candidate) -> Json:
    details = details_of(candidate.provider_details_json) if candidate.provider_details_json else {}
    parts = [render_part(part) for part in candidate.parts] or [NOTHING]
    if candidate.HasField("logprobs") and "logprobsResult" not in details:
        details["logprobsResult"] = render_logprobs(candidate.logprobs)
    word = finish_word(candidate.finish_reason, candidate.raw_finish_reason, details)
    return {**content_of(parts, details), "finishReason": word, "index": candidate.index, **without_notes(details)}


def content_of(parts: list[Json], details: Json) -> Json:
    """The content field. Takes what belongs into it out of the details."""
    extra = details.pop("content", {})
    return {"content": {"parts": parts, "role": "model", **extra}}


def finish_word(reason: FinishReason.ValueType, raw: str, details: Json) -> str:
    """The provider's own word where it speaks this dialect, unless the gateway knows better."""
    if isinstance(word := details.get("$finish"), str):
        return word
    return raw if OWN_WORDS.get(raw) == reason else FINISH_WORDS.get(reason, "STOP")


def render_part(part: Part) -> Json:
    """A part. Content that this dialect has no words for travels in partMetadata, and clients give it back."""
    fields = fields_of(part.provider_details_json) if part.provider_details_json else {}
    match part.WhichOneof("kind"):
        case "text":
            return {"text": part.text, **fields}
        case "refusal":
            return {"text": part.refusal}
        case "tool_call":
            return with_fields({"functionCall": render_call(part)}, fields)
        case "reasoning":
            return render_reasoning(part, fields)
        case "media":
            return with_fields(render_media(part.media), fields)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return NOTHING


def with_fields(rendered: Json, fields: Json) -> Json:
    for name, value in fields.items():
        known = rendered.get(name)
        rendered[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return rendered


def render_call(part: Part) -> Json:
    call = part.tool_call
    rendered: Json = {"name": call.name, "args": args_of(call)}
    if call.id and details_of(part.provider_details_json).get("$id") is not False:
        rendered["id"] = call.id
    return rendered


def args_of(call: ToolCall) -> Any:
    """The arguments as an object. The text of broken ones stands in _raw."""
    if call.HasField("input"):
        return {"input": call.input}
    if not call.arguments_json:
        return {}
    try:
        value = decode_json(call.arguments_json)
    except (msgspec.DecodeError, RecursionError):
        value = None
    return msgspec.Raw(call.arguments_json.encode()) if isinstance(value, dict) else {"_raw": call.arguments_json}


def render_reasoning(part: Part, fields: Json) -> Json:
    rendered: Json = {"text": part.reasoning.text, "thought": True}
    if DIALECT not in part.provider_details_json and (seal := seal_of(part, len(part.reasoning.text))):
        rendered[SIGNATURE] = seal
    return {**rendered, **fields}


def render_media(media: Media) -> Json:
    typed = {"mimeType": media.mime_type} if media.mime_type else {}
    if media.WhichOneof("source") == "data":
        rendered: Json = {"inlineData": {**typed, "data": base64.b64encode(media.data).decode()}}
    elif media.uri.startswith("data:"):
        rendered = {"inlineData": {**typed, "data": media.uri.partition(",")[2]}}
    else:
        rendered = {"fileData": {**typed, "fileUri": media.uri or media.file_id}}
    if media.transcript:
        rendered["partMetadata"] = {CARRIER: {"transcript": media.transcript}}
    return rendered


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == DIALECT and isinstance(content, dict):
        return content
    return {"text": "", "partMetadata": {CARRIER: {"dialect": opaque.dialect, "content": content}}}


def render_logprobs(logprobs: Logprobs) -> Json:
    tops = [{"candidates": [render_token(other) for other in token.top]} for token in logprobs.content]
    chosen = [render_token(token) for token in logprobs.content]
    return {"chosenCandidates": chosen, **({"topCandidates": tops} if any(top["candidates"] for top in tops) else {})}


def render_token(token: TokenLogprob) -> Json:
    return {"token": token.token, "logProbability": token.logprob}


def usage_of(answer: Any) -> Json | None:
    """usageMetadata of a ChatResponse or a Finished, as the provider wrote it when it speaks this dialect."""
    if not answer.HasField("usage"):
        return None
    usage: Usage = answer.usage
    if usage.raw_dialect == DIALECT and usage.raw_json:
        raw: Json = decode_json(usage.raw_json)
        return raw
    rendered = render_usage(usage)
    if answer.HasField("service_tier") and (tier := TIERS.get(answer.service_tier)):
        rendered["serviceTier"] = tier
    return rendered


def render_usage(usage: Usage) -> Json:
    """Thoughts are counted beside the candidates here."""
    rendered: Json = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(0, usage.output_tokens - usage.reasoning_tokens),
        "totalTokenCount": usage.total_tokens,
    }
    if usage.HasField("cache_read_tokens"):
        rendered["cachedContentTokenCount"] = usage.cache_read_tokens
    if usage.HasField("reasoning_tokens"):
        rendered["thoughtsTokenCount"] = usage.reasoning_tokens
    for name, modality, ours in MODALITIES:
        if tokens := getattr(usage, ours):
            rendered.setdefault(name, []).append({"modality": modality, "tokenCount": tokens})
    return rendered
