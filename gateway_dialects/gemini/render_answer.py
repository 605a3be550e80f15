"""Whole answers, token counts, model lists and errors as Gemini's API writes them.

Sources: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, https://ai.google.dev/api/tokens,
https://ai.google.dev/api/models, https://google.aip.dev/193 (errors) and recorded answers. A candidate always has a content
with a part: clients read candidates[0].content.parts without looking.
"""

import base64
from collections.abc import Iterable
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, Opaque, Part
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini import words
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, add_own_fields
from gateway_dialects.kit.carried_state import PREFIX, CarriedState, call_state, is_native, others, reasoning_state
from gateway_dialects.kit.json import Json, decode_json, details_of, encode_json, form_of
from gateway_dialects.kit.media import base64_of

NOTHING: Json = {"text": ""}
METHODS = ("generateContent", "countTokens")
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    504: "DEADLINE_EXCEEDED",
}
"""The names of google.rpc.Code by HTTP status, as https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
maps them."""
DOMAIN = "dragoman.v1"
TYPE_URL = "type.googleapis.com/google.rpc."


def render_chat(response: ChatResponse, fallback_id: str) -> bytes:
    """The JSON body. fallback_id: the responseId where the provider gave none."""
    body: Json = {}
    if candidates := [render_candidate(item) for item in response.candidates if not is_absent(item)]:
        body["candidates"] = candidates
    if (usage := usage_of(response)) is not None:
        body["usageMetadata"] = usage
    body["modelVersion"] = response.model or response.route.model
    body["responseId"] = response.id or fallback_id
    return encode_json({**body, **details_of(response, DIALECT)})


def is_absent(ending: Any) -> bool:
    """Whether a Candidate or CandidateFinish only reports the prompt's refusal, which promptFeedback shows."""
    return bool(ending.provider_details_json) and form_of(ending, DIALECT, words.ContentForm).absent


def render_candidate(candidate: Candidate) -> Json:
    details = details_of(candidate, DIALECT)
    parts = [render_part(part) for part in candidate.parts] or [NOTHING]
    if candidate.HasField("logprobs") and "logprobsResult" not in details:
        details["logprobsResult"] = render_logprobs(candidate.logprobs)
    if any(part.citations for part in candidate.parts):
        add_grounding(details, [(part.text, part.citations) for part in candidate.parts if part.HasField("text")])
    return render_ending(candidate, parts, details)


def render_ending(ending: Any, parts: list[Json], details: Json) -> Json:
    """A candidate with its finishReason. ending: a Candidate or CandidateFinish. details: its own fields, which win."""
    content = {"parts": parts, "role": "model", **details.pop("content", {})}
    word = finish_word(ending.finish_reason, ending.raw_finish_reason)
    return {"content": content, "finishReason": word, "index": ending.index, **details}


def finish_word(reason: FinishReason.ValueType, raw: str) -> str:
    """The provider's own word where it speaks this dialect, unless the gateway knows better."""
    return raw if words.FINISH_REASONS.get(raw) == reason else words.FINISH_WORDS.get(reason, ("STOP",))[0]


def render_part(part: Part) -> Json:
    """A part. Content of other dialects is put into partMetadata, and clients give it back."""
    match part.WhichOneof("kind"):
        case "text":
            return add_own_fields({"text": part.text}, part)
        case "refusal":
            return {"text": part.refusal}
        case "tool_call":
            return add_own_fields({"functionCall": render_call(part)}, part) | carried_signature(part)
        case "reasoning":
            signature = signature_of_thought(part, len(part.reasoning.text))
            signed = {SIGNATURE: signature} if signature else {}
            return add_own_fields({"text": part.reasoning.text, "thought": True, **signed}, part)
        case "media":
            return add_own_fields(render_media(part.media), part)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return NOTHING


def render_call(part: Part) -> Json:
    call = part.tool_call
    rendered: Json = {"name": call.name, "args": words.arguments_object(call)[0]}
    if call.id and not words.part_form(part).no_id:
        rendered["id"] = call.id
    return rendered


def signature_of_thought(part: Part, length: int) -> str:
    """Gemini's own signature as it is. What other providers need of theirs is packed, as base64 because Google's clients
    decode it; empty where they need nothing. length: characters of the thought, which in a stream comes before it."""
    reasoning = part.reasoning
    if is_native(part, DIALECT):
        return reasoning.signature
    details = others(part.provider_details_json, DIALECT)
    if not (reasoning.signature or reasoning.encrypted or reasoning.id or details):
        return ""
    return packed(reasoning_state(part, details, length))


def carried_signature(part: Part) -> Json:
    """The signature of a call that came by a vendor of another dialect, packed with what returns in that one's form."""
    details = others(part.provider_details_json, DIALECT) if part.HasField("signature") else {}
    return {SIGNATURE: packed(call_state(part, details))} if details else {}


def packed(state: CarriedState) -> str:
    return base64.b64encode(PREFIX.encode() + encode_json(state)).decode()


def render_media(media: Media) -> Json:
    typed = {"mimeType": media.mime_type} if media.mime_type else {}
    if media.WhichOneof("source") == "data" or media.uri.startswith("data:"):
        rendered: Json = {"inlineData": {**typed, "data": base64_of(media)}}
    else:
        rendered = {"fileData": {**typed, "fileUri": media.uri or media.file_id}}
    if media.transcript:
        rendered["partMetadata"] = {words.CARRIER: {"transcript": media.transcript}}
    return rendered


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == DIALECT and isinstance(content, dict):
        return content
    return {"text": "", "partMetadata": {words.CARRIER: {"dialect": opaque.dialect, "content": content}}}


def add_grounding(details: Json, texts: Iterable[tuple[str, Iterable[Citation]]]) -> None:
    """Adds groundingMetadata, unless there is one, of the text parts of a candidate and their citations, if there are any.
    Segments count bytes of UTF-8 over all texts."""
    chunks: list[Json] = []
    supports: list[Json] = []
    start = 0
    for text, citations in texts:
        for citation in citations:
            chunk = chunk_of(citation)
            if chunk not in chunks:
                chunks.append(chunk)
            segment = segment_of(citation, text, start)
            if supports and supports[-1]["segment"] == segment:
                supports[-1]["groundingChunkIndices"].append(chunks.index(chunk))
            else:
                supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
        start += len(text.encode())
    if chunks:
        details.setdefault("groundingMetadata", {"groundingChunks": chunks, "groundingSupports": supports})


def chunk_of(citation: Citation) -> Json:
    if own := details_of(citation, DIALECT):
        return own
    if citation.uri:
        return {"web": {"uri": citation.uri, "title": citation.title or citation.uri}}
    fields = {"title": citation.title, "text": citation.cited_text, "documentName": citation.source_id}
    return {"retrievedContext": {name: value for name, value in fields.items() if value}}


def segment_of(citation: Citation, text: str, start: int) -> Json:
    last = citation.end_index if citation.HasField("end_index") else len(text)
    supported = text[citation.start_index : last]
    first = start + len(text[: citation.start_index].encode())
    segment: Json = {"startIndex": first} if first else {}
    return {**segment, "endIndex": first + len(supported.encode()), "text": supported}


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
    if answer.HasField("service_tier") and (tier := words.TIER_WORDS.get(answer.service_tier)):
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
    for name, modality, field in words.TOKEN_DETAILS:
        if tokens := getattr(usage, field):
            rendered.setdefault(name, []).append({"modality": modality, "tokenCount": tokens})
    return rendered


def render_count(tokens: int) -> bytes:
    """The answer of countTokens. tokens: of the whole request, counted or estimated."""
    return encode_json({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})


def render_models(response: ListModelsResponse) -> bytes:
    body: Json = {"models": [model_card(model) for model in response.models]}
    if response.next_page_token:
        body["nextPageToken"] = response.next_page_token
    return encode_json(body)


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    card: Json = {"name": f"models/{model.id}", "displayName": model.display_name or model.id}
    if model.HasField("context_length"):
        card["inputTokenLimit"] = model.context_length
    known: Json = {"supportedGenerationMethods": list(METHODS)}
    if model.HasField("max_output_tokens"):
        known["outputTokenLimit"] = model.max_output_tokens
    return {**known, **details_of(model, DIALECT), **card}


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {code, message, status, details}}."""
    error = {
        "code": failure.http_status,
        "message": words.CONTEXT_WORDS.message(failure),
        "status": status_name(failure),
        "details": error_details(failure),
    }
    return encode_json({"error": error})


def status_name(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's word for it; the gateway's failures have ours."""
    theirs = failure.metadata.get("upstream_type", "")
    if 400 <= failure.http_status < 500 and theirs in STATUSES.values():
        return theirs
    return STATUSES.get(failure.http_status, "INVALID_ARGUMENT" if failure.http_status < 500 else "UNAVAILABLE")


def error_details(failure: GatewayError) -> list[Json]:
    """ErrorInfo always; BadRequest and RetryInfo where there is something to say."""
    info: Json = {"@type": f"{TYPE_URL}ErrorInfo", "reason": failure.reason, "domain": DOMAIN}
    if failure.metadata:
        info["metadata"] = dict(failure.metadata)
    details = [info]
    if failure.field:
        violation = {"field": failure.field, "description": failure.message}
        details.append({"@type": f"{TYPE_URL}BadRequest", "fieldViolations": [violation]})
    if failure.retry_after_s is not None:
        details.append({"@type": f"{TYPE_URL}RetryInfo", "retryDelay": f"{failure.retry_after_s:g}s"})
    return details
