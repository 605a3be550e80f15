"""Whole answers and errors in the form of OpenAI's chat completions API.

Every field of the schema is there, null where the schema has null: strict clients refuse an answer that leaves one out.

Sources: https://platform.openai.com/docs/api-reference/chat/object, https://platform.openai.com/docs/guides/error-codes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Opaque, Part
from dragoman.v1.stream_pb2 import Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.finish import meaning_of
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, encode_json, form_of, list_at
from gateway_dialects.kit.media import base64_of
from gateway_dialects.openai import pictures, words
from gateway_dialects.openai.legacy_functions import CALL, CALLS, with_function_call
from gateway_dialects.openai.message_fields import (
    add_signature,
    annotation_of,
    is_detailed,
    item_head,
    items_of_reasoning,
    signature_item,
    tool_call_object,
)


def plain_id(given: str, call_id: str, fallback: str) -> str:
    """The id of an answer: the provider's, or else fallback."""
    return given or fallback


@dataclass(frozen=True, slots=True)
class Style:
    """How a variant of this API writes its answers."""

    answer_id: Callable[[str, str, str], str] = plain_id
    """(the provider's id of the answer, the id of the call, fallback) -> the id. Each of the first two may be
    empty."""
    reasoning_field: str = "reasoning_content"
    """The string field for reasoning, where the provider has none of its own."""
    legacy_functions: bool = False
    """Whether a tool call is written as function_call."""
    openrouter: bool = False
    """Whether it is OpenRouter's: reasoning_details for all reasoning and for signatures of tool calls, who answered, both
    words for the end, and what it cost."""
    input_counts: tuple[str, ...] = ("cached_tokens", "cache_write_tokens", "audio_tokens")
    """Of usage.prompt_tokens_details."""
    output_counts: tuple[str, ...] = (
        *("reasoning_tokens", "audio_tokens"),
        *("accepted_prediction_tokens", "rejected_prediction_tokens"),
    )
    """Of usage.completion_tokens_details."""


OPENAI = Style()
LEGACY = Style(legacy_functions=True)


def render_chat(
    response: ChatResponse, fallback_id: str, now: int, style: Style = OPENAI, more: Json | None = None
) -> bytes:
    """The JSON body. fallback_id and now: see head_fields. more: further fields."""
    body = chat_head(response, "chat.completion", fallback_id, now, style)
    body["choices"] = [render_candidate(candidate, style) for candidate in response.candidates]
    body["usage"] = render_usage(response.usage, style) if response.HasField("usage") else None
    if response.provider_details_json:
        body.update(words.details_of(response))
    if more:
        body.update(more)
    return encode_json(body)


def chat_head(answer: ChatResponse | Started, kind: str, fallback_id: str, now: int, style: Style) -> Json:
    """What an answer, or each chunk of one, begins with. kind: of object. fallback_id and now: see head_fields."""
    head = head_fields(answer, kind, fallback_id, now, style)
    head["system_fingerprint"] = answer.system_fingerprint if answer.HasField("system_fingerprint") else None
    if answer.HasField("service_tier"):
        head["service_tier"] = answer.service_tier
    if style.openrouter:
        head["provider"] = answer.route.provider
    return head


def head_fields(answer: ChatResponse | Started, kind: str, fallback_id: str, now: int, style: Style) -> Json:
    """fallback_id and now (Unix seconds) are used where the provider gave none."""
    return {
        "id": style.answer_id(answer.id, answer.route.call_id, fallback_id),
        "object": kind,
        "created": answer.created or now,
        "model": answer.model or answer.route.model,
    }


def render_candidate(candidate: Candidate, style: Style = OPENAI) -> Json:
    details = words.details_of(candidate) if candidate.provider_details_json else {}
    message = render_message(candidate.parts, style)
    if extra := details.pop("message", None):
        annotations = [*message.get("annotations", ()), *list_at(extra, "annotations")]
        message.update(extra)
        if annotations:
            message["annotations"] = annotations
    return {
        "index": candidate.index,
        "message": message,
        "logprobs": render_logprobs(candidate.logprobs) if candidate.HasField("logprobs") else None,
        **finish_fields(candidate, style),
        **details,
    }


def finish_fields(ending: Any, style: Style = OPENAI) -> Json:
    """Of a Candidate or CandidateFinish: one of OpenAI's words, and the provider's own where it is another."""
    raw = ending.raw_finish_reason
    word = words.FINISH_WORDS.get(ending.finish_reason, "stop")
    if style.legacy_functions:
        return {"finish_reason": CALL if word == CALLS else word}
    if style.openrouter:
        return {"finish_reason": word, "native_finish_reason": raw or None}
    if not raw or (raw in words.OPENAI_FINISH_WORDS and meaning_of(raw) == ending.finish_reason):
        return {"finish_reason": raw or word}
    return {"finish_reason": word, "native_finish_reason": raw}


def render_message(parts: Sequence[Part], style: Style = OPENAI) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    thoughts = 0
    for part in parts:
        kind = part.WhichOneof("kind")
        if kind == "reasoning":
            render_reasoning(part, message, thoughts, style)
            thoughts += 1
        else:
            render_part(part, kind, message)
    if style.openrouter:
        items = signature_items(parts, thoughts)
        if items:
            message["reasoning_details"] = [*message.get("reasoning_details", ()), *items]
    return with_function_call(message) if style.legacy_functions else message


def render_part(part: Part, kind: str | None, message: Json) -> None:
    match kind:
        case "text":
            content = message["content"] or ""
            if part.citations:
                render_citations(part, message, len(content))
            if part.HasField("signature"):
                add_signature(message, part)
            message["content"] = content + part.text
        case "tool_call":
            message.setdefault("tool_calls", []).append(render_tool_call(part))
        case "refusal":
            message["refusal"] = part.refusal
        case "media":
            render_media(part, message)
        case "opaque":
            message.setdefault("opaque", []).append(render_opaque(part.opaque))
        case _:
            pass  # Only a client sends tool results.


def render_citations(part: Part, message: Json, base: int) -> None:
    """base: where the part begins in the content."""
    length = len(part.text)
    message.setdefault("annotations", []).extend(annotation_of(citation, base, length) for citation in part.citations)


def render_opaque(opaque: Opaque) -> Json:
    """Decoded and encoded again: written as it is, its line ends would end an event, and broken JSON the whole answer."""
    try:
        content = decode_json(opaque.json)
    except UNREADABLE:
        content = opaque.json
    return {"dialect": opaque.dialect, "content": content}


def render_tool_call(part: Part) -> Json:
    rendered = tool_call_object(part.tool_call, words.details_of(part) if part.provider_details_json else {})
    if part.HasField("signature"):
        add_signature(rendered, part)
    return rendered


def signature_items(parts: Sequence[Part], index: int) -> list[Json]:
    """The signatures of tool calls, which OpenRouter's clients carry among reasoning_details. index: of the first."""
    signed = [part for part in parts if part.WhichOneof("kind") == "tool_call" and part.HasField("signature")]
    return [
        signature_item(part, signature_form(part.signature.provider, index + place)) for place, part in enumerate(signed)
    ]


def signature_form(provider: str, index: int) -> Json:
    return {"type": "reasoning.encrypted", "format": words.REASONING_FORMATS.get(provider, provider), "index": index}


class ReasoningPlaces(NamedTuple):
    """Where the reasoning of a part is written. A provider of this dialect chose it itself."""

    head: Json
    """The fields of its items of reasoning_details beside text, signature and data."""
    has_items: bool
    """Whether its text is written to reasoning_details."""
    strings: tuple[str, ...]
    """The string fields that hold its text."""


def reasoning_places(part: Part, style: Style, index: int) -> ReasoningPlaces:
    """index: among the message's reasoning."""
    form = form_of(part, words.DIALECT, words.PartForm)
    head = item_head(part, form, index)
    if style.openrouter:
        return ReasoningPlaces(head, True, (style.reasoning_field,))
    strings = form.strings or (() if form.item is not None else (style.reasoning_field,))
    return ReasoningPlaces(head, form.item is not None or (not form.strings and is_detailed(part.reasoning)), strings)


def render_reasoning(part: Part, message: Json, index: int, style: Style) -> None:
    head, has_items, strings = reasoning_places(part, style, index)
    text = part.reasoning.text
    if has_items:
        message.setdefault("reasoning_details", []).extend(items_of_reasoning(part.reasoning, head))
    if text or not has_items or style.openrouter:
        for name in strings:
            message[name] = message.get(name, "") + text


def render_media(part: Part, message: Json) -> None:
    media = part.media
    if media.kind == MEDIA_KIND_AUDIO:
        message["audio"] = {"data": base64_of(media), "transcript": media.transcript, **words.details_of(part)}
    else:
        message.setdefault(pictures.FIELD, []).append(pictures.picture_item(part))


def render_logprobs(logprobs: Logprobs) -> Json:
    return {
        "content": [render_token(token) for token in logprobs.content] or None,
        "refusal": [render_token(token) for token in logprobs.refusal] or None,
    }


def render_token(token: TokenLogprob, top: bool = True) -> Json:
    octets: Any = list(token.token_bytes) if token.HasField("token_bytes") else None
    rendered: Json = {"token": token.token, "logprob": token.logprob, "bytes": octets}
    if top:
        rendered["top_logprobs"] = [render_token(other, False) for other in token.top]
    return rendered


def render_usage(usage: Usage, style: Style = OPENAI) -> Json:
    """As the provider wrote it when it speaks this dialect, with the three totals that clients rely on."""
    is_own = usage.raw_dialect == words.DIALECT and usage.raw_json
    own: Json = decode_json(usage.raw_json) if is_own else {}
    counted: Json = {}
    if style.openrouter or not is_own:
        counted = {
            "prompt_tokens_details": subsets_of(usage, words.INPUT_SUBSETS, style.input_counts),
            "completion_tokens_details": subsets_of(usage, words.OUTPUT_SUBSETS, style.output_counts),
        }
    if style.openrouter and usage.HasField("cost"):
        # In US dollars. Some clients refuse null.
        counted["cost"] = usage.cost.total_usd
    totals = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    return {**counted, **own, **totals}


def subsets_of(usage: Usage, subsets: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> Json:
    return {theirs: getattr(usage, ours) for theirs, ours in subsets if theirs in names}


ERROR_TYPES = {
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
    499: "cancelled",
    503: "overloaded_error",
    504: "timeout_error",
}
"""By status; any other 4xx is an invalid_request_error, any other 5xx a server_error."""


def render_error(failure: GatewayError) -> bytes:
    """The JSON body: {"error": {message, type, param, code}}, with metadata where a provider was involved."""
    return encode_json({"error": error_object(failure)})


def error_object(failure: GatewayError) -> Json:
    upstream = failure.metadata
    error: Json = {
        "message": words.CONTEXT_WORDS.message(failure),
        "type": upstream.get("upstream_type") if 400 <= failure.http_status < 500 else None,
        "param": failure.field or None,
        "code": failure.code or upstream_code(failure) or failure.reason.lower(),
    }
    error["type"] = error["type"] or type_of(failure.http_status)
    if upstream:
        error["metadata"] = dict(upstream)
    return error


def type_of(status: int) -> str:
    return ERROR_TYPES.get(status) or ("invalid_request_error" if status < 500 else "server_error")


def upstream_code(failure: GatewayError) -> str:
    """A client's own mistake keeps the provider's code, on which its programs may rely; the gateway's failures have ours."""
    if failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED:
        return "context_length_exceeded"
    code = failure.metadata.get("upstream_code", "")
    return code if 400 <= failure.http_status < 500 and not code.isdecimal() else ""


def render_error_event(failure: GatewayError) -> bytes:
    """An error inside a stream, in the form that OpenAI's SDKs raise from. Nothing follows it."""
    return b"data: " + render_error(failure) + b"\n\n"
