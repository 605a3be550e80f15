"""Whole answers, errors, counts of tokens and lists of models, as clients of the Messages API read them.

Source: https://platform.claude.com/docs/en/api/messages, /errors, /models-list and recorded exchanges. Every field of the
schema is there, null where it is unknown.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Citation, Media, Opaque, Part, ToolCall
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic.encode_content import input_of
from gateway_dialects.anthropic.words import CONTEXT_WORDS, DIALECT, ERROR_TYPES, FINISH_REASONS, STOP_REASONS
from gateway_dialects.kit.carried_state import (
    CarriedState,
    call_state,
    citation_state,
    is_native,
    others,
    pack,
    reasoning_state,
)
from gateway_dialects.kit.json import Json, decode_json, details_of, encode_json, verbatim
from gateway_dialects.kit.media import base64_of, is_web_address

ERROR_TYPE_BY_STATUS: Mapping[int, str] = {
    **{known.status: kind for kind, known in ERROR_TYPES.items()},
    408: "timeout_error",
    503: "overloaded_error",
}
OVERLOADED = ERROR_TYPES["overloaded_error"].status
OFTEN_UNKNOWN = ("capabilities", "deprecated_at", "line", "retires_at")
LATEST = 253_402_300_799
"""The last second of the year 9999: later ones cannot be written."""


def render_chat(response: ChatResponse, fallback_id: str, input_tokens: int = 0) -> bytes:
    """The JSON body. fallback_id and input_tokens, an estimate, are for what the provider did not give."""
    candidate = response.candidates[0] if response.candidates else Candidate()
    refused = any(part.HasField("refusal") for part in candidate.parts)
    body: Json = {
        "id": response.id or fallback_id,
        "type": "message",
        "role": "assistant",
        "model": response.model or response.route.model,
        "content": render_content(candidate),
        "stop_reason": stop_reason(candidate.finish_reason, candidate.raw_finish_reason, refused=refused),
        "stop_sequence": None,
        **details_of(candidate, DIALECT),
        **details_of(response, DIALECT),
        "usage": render_usage(response.usage) if response.HasField("usage") else unknown_usage(input_tokens),
    }
    return encode_json(body)


def render_content(candidate: Candidate) -> list[Json]:
    content: list[Json] = []
    for part in candidate.parts:
        if carrier := carried_signature(part):
            content.append({"type": "thinking", "thinking": "", "signature": carrier})
        content.append(render_part(part))
    return content


def stop_reason(reason: FinishReason.ValueType, raw: str, *, refused: bool = False) -> str:
    """The provider's own word where it speaks this dialect, unless the gateway knows better. refused: whether the answer
    declines in text, which other dialects show by the content alone."""
    if FINISH_REASONS.get(raw) == reason:
        return raw
    return "refusal" if refused and reason == FINISH_REASON_STOP else STOP_REASONS.get(reason, "end_turn")


def render_part(part: Part) -> Json:
    """A content block. Kinds that this dialect's answers do not have are shown as its requests write them."""
    fields = details_of(part, DIALECT) if part.provider_details_json else {}
    match part.WhichOneof("kind"):
        case "text" if part.citations:
            citations = [render_citation(citation) for citation in part.citations]
            return {"type": "text", "text": part.text, "citations": citations, **fields}
        case "text":
            return {"type": "text", "text": part.text, **fields}
        case "refusal":
            return {"type": "text", "text": part.refusal}
        case "tool_call":
            return {**begin_tool_use(part.tool_call), "input": input_of(part.tool_call), **fields}
        case "reasoning":
            return {**render_reasoning(part), **fields}
        case "media":
            return render_media(part.media)
        case "opaque":
            return render_opaque(part.opaque)
        case _:
            return {"type": "text", "text": ""}


def begin_tool_use(call: ToolCall) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}


def render_citation(citation: Citation) -> Json | msgspec.Raw:
    """As Anthropic wrote it, or another provider's as one of a page of the web, or of a document. What the client is not
    shown is packed into encrypted_index, which it gives back unread."""
    if own := citation.provider_details_json.get(DIALECT):
        return verbatim(own)
    packed = pack(citation_state(citation, DIALECT))
    if citation.uri:
        return {
            "type": "web_search_result_location",
            "url": citation.uri,
            "title": citation.title or None,
            "cited_text": citation.cited_text,
            "encrypted_index": packed,
        }
    return {
        "type": "char_location",
        "cited_text": citation.cited_text,
        "document_index": 0,
        "document_title": citation.title or None,
        "start_char_index": 0,
        "end_char_index": len(citation.cited_text),
        "file_id": citation.source_id or None,
        "encrypted_index": packed,
    }


def is_own(part: Part) -> bool:
    """Whether a reasoning part is Anthropic's."""
    return is_native(part, DIALECT)


def render_reasoning(part: Part) -> Json:
    reasoning = part.reasoning
    if is_own(part) and reasoning.encrypted:
        return {"type": "redacted_thinking", "data": reasoning.encrypted}
    return {"type": "thinking", "thinking": reasoning.text, "signature": signature_of(part)}


def signature_of(part: Part) -> str:
    """The signature of a reasoning part: Anthropic's own, or packed what another provider needs of it. Empty: nothing."""
    if is_own(part):
        return part.reasoning.signature
    state = reasoning_state(part, others(part.provider_details_json, DIALECT))
    return "" if state == CarriedState() else pack(state)


def carried_signature(part: Part) -> str:
    """Another provider's signature of a tool call, packed as the signature of an empty thinking block: tool_use blocks have
    no place for it. Empty: there is none."""
    if part.HasField("signature") and part.HasField("tool_call"):
        return pack(call_state(part, others(part.provider_details_json, DIALECT)))
    return ""


def render_media(media: Media) -> Json:
    if media.file_id:
        source: Json = {"type": "file", "file_id": media.file_id}
    elif is_web_address(media):
        source = {"type": "url", "url": media.uri}
    else:
        source = {"type": "base64", "media_type": media.mime_type, "data": base64_of(media)}
    block: Json = {"type": "image" if media.kind == MEDIA_KIND_IMAGE else "document", "source": source}
    if media.transcript:
        block["context"] = media.transcript
    return block


def render_opaque(opaque: Opaque) -> Json:
    content = decode_json(opaque.json)
    if opaque.dialect == DIALECT and isinstance(content, dict):
        return content
    return {"type": "opaque", "dialect": opaque.dialect, "content": content}


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect. Cached input is not in input_tokens."""
    if usage.raw_dialect == DIALECT and usage.raw_json:
        raw: Json = decode_json(usage.raw_json)
        return {"input_tokens": 0, "output_tokens": 0, **raw}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    rendered: Json = {
        "input_tokens": max(0, usage.input_tokens - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if usage.HasField("reasoning_tokens"):
        rendered["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return rendered


def unknown_usage(input_tokens: int) -> Json:
    return {"input_tokens": input_tokens, "output_tokens": 0}


def render_count(input_tokens: int) -> bytes:
    """The answer of POST /v1/messages/count_tokens."""
    return encode_json({"input_tokens": input_tokens})


def render_models(response: ListModelsResponse) -> bytes:
    cards = [model_card(model) for model in response.models]
    ends = {"first_id": cards[0]["id"], "last_id": cards[-1]["id"]} if cards else {"first_id": None, "last_id": None}
    return encode_json({"data": cards, "has_more": bool(response.next_page_token), **ends})


def render_model(model: Model) -> bytes:
    return encode_json(model_card(model))


def model_card(model: Model) -> Json:
    """As the provider wrote it where it speaks this dialect. What is unknown is null; a listed model is active."""
    return {
        **dict.fromkeys(OFTEN_UNKNOWN),
        "lifecycle": "active",
        "max_input_tokens": model.context_length if model.HasField("context_length") else None,
        "max_tokens": model.max_output_tokens if model.HasField("max_output_tokens") else None,
        **details_of(model, DIALECT),
        "type": "model",
        "id": model.id,
        "display_name": model.display_name or model.id,
        "created_at": moment(model.created),
    }


def moment(seconds: int) -> str:
    """RFC 3339; 1970 where the time is not known, as Anthropic writes it too."""
    return datetime.fromtimestamp(max(0, min(seconds, LATEST)), UTC).isoformat().replace("+00:00", "Z")


def render_error(failure: GatewayError, request_id: str = "") -> bytes:
    """The JSON body: {"type": "error", "error": {type, message}, "request_id"}, with param and metadata where there are."""
    return encode_json({"type": "error", "error": error_object(failure), "request_id": request_id or None})


def status_of(failure: GatewayError) -> int:
    """The HTTP status of an error: overload is 529 in this API where the provider said so."""
    return OVERLOADED if failure.metadata.get("upstream_status") == str(OVERLOADED) else failure.http_status


def error_object(failure: GatewayError) -> Json:
    error: Json = {"type": error_type(failure), "message": CONTEXT_WORDS.message(failure)}
    if failure.field:
        error["param"] = failure.field
    if failure.metadata:
        error["metadata"] = dict(failure.metadata)
    return error


def error_type(failure: GatewayError) -> str:
    """The provider's own type for an error of the client; others by status."""
    status = failure.http_status
    if failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED:
        return "invalid_request_error"
    given = failure.metadata.get("upstream_type", "")
    if 400 <= status < 500 and given in ERROR_TYPES:
        return given
    return ERROR_TYPE_BY_STATUS.get(status, "invalid_request_error" if status < 500 else "api_error")


def render_error_event(failure: GatewayError, request_id: str = "") -> bytes:
    """An error inside a stream, in the form that Anthropic's SDKs raise from. Nothing follows it."""
    return b"event: error\ndata: " + render_error(failure, request_id) + b"\n\n"
