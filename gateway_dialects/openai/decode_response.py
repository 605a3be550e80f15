"""Whole answers of OpenAI's chat completions API and of its compatible vendors.

Source: https://platform.openai.com/docs/api-reference/chat/object and recorded answers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    Logprobs,
    TokenLogprob,
)
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Media, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.models_pb2 import Model
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_body, decode_json, encode_json, malformed, text_of, unknown_fields
from gateway_dialects.kit.legacy import SHAPE_ERRORS, misshapen
from gateway_dialects.openai.decode_errors import error_in_body
from gateway_dialects.openai.decode_usage import decode_usage
from gateway_dialects.openai.encode_request import headers
from gateway_dialects.openai.words import DIALECT, set_details

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

FINISH_REASONS = {
    "stop": FINISH_REASON_STOP,
    "eos": FINISH_REASON_STOP,
    "end_turn": FINISH_REASON_STOP,
    "length": FINISH_REASON_LENGTH,
    "max_tokens": FINISH_REASON_LENGTH,
    "model_length": FINISH_REASON_LENGTH,
    "tool_calls": FINISH_REASON_TOOL_CALLS,
    "function_call": FINISH_REASON_TOOL_CALLS,
    "content_filter": FINISH_REASON_CONTENT_FILTER,
    "error": FINISH_REASON_ERROR,
}
"""Words seen in recordings; an unknown one counts as stop and stays readable in raw_finish_reason."""

ANSWER_FIELDS = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "error"}
)
CHOICE_FIELDS = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
MESSAGE_FIELDS = frozenset(
    {"role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "audio"}
)
REASONING_STRINGS = ("reasoning_content", "reasoning")
MODEL_LISTS = (("data", "id"), ("result", "name"), ("models", "name"))
"""Where a model list is and what its items are called by: OpenAI's, Cloudflare's, Cohere's."""


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body)
    try:
        return decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_answer(answer: Json) -> ChatResponse:
    choices = answer.get("choices")
    if error := answer.get("error"):
        raise error_in_body(error)
    if not isinstance(choices, list) or not choices:
        raise malformed("the provider's answer has no choices")
    response = ChatResponse(
        id=text_of(answer.get("id")), model=text_of(answer.get("model")), created=int_of(answer.get("created"))
    )
    for position, choice in enumerate(choices):
        decode_choice(response.candidates.add(), choice, position)
    if isinstance(usage := answer.get("usage"), dict):
        decode_usage(response.usage, usage)
    set_marks(response, answer)
    set_details(response, unknown_fields(answer, ANSWER_FIELDS))
    return response


def set_marks(target: Any, answer: Json) -> None:
    """system_fingerprint and service_tier, on ChatResponse, Started or Finished."""
    if isinstance(mark := answer.get("system_fingerprint"), str):
        target.system_fingerprint = mark
    if isinstance(tier := answer.get("service_tier"), str):
        target.service_tier = tier


def decode_choice(candidate: Candidate, choice: Any, position: int) -> None:
    """Written in place, like everything below: a message built apart is copied when it is put where it belongs."""
    if not isinstance(choice, dict) or not isinstance(message := choice.get("message"), dict):
        raise malformed(f"choices[{position}] of the provider's answer has no message")
    if error := choice.get("error"):
        raise error_in_body(error)
    raw = text_of(choice.get("finish_reason"))
    if raw == "error":
        raise GatewayError(Reason.UPSTREAM_UNAVAILABLE, "the provider reports that generation failed")
    candidate.index = int_of(choice.get("index", position))
    candidate.finish_reason = FINISH_REASONS.get(raw, FINISH_REASON_STOP)
    candidate.raw_finish_reason = raw
    decode_message(candidate.parts, message)
    if isinstance(logprobs := choice.get("logprobs"), dict):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    details = unknown_fields(choice, CHOICE_FIELDS)
    if extra := unknown_fields(message, MESSAGE_FIELDS):
        details["message"] = extra
    set_details(candidate, details)


def decode_message(parts: RepeatedCompositeFieldContainer[Part], message: Json) -> None:
    """The parts of an assistant message, reasoning first, as a stream gives them."""
    parts.extend(decode_reasoning(message))
    if isinstance(content := message.get("content"), str):
        parts.add().text = content
    elif content is not None:
        parts.extend(decode_content(content))
    if isinstance(refusal := message.get("refusal"), str):
        parts.add().refusal = refusal
    if isinstance(audio := message.get("audio"), dict):
        parts.append(decode_audio(audio))
    parts.extend(decode_tool_call(call) for call in message.get("tool_calls") or ())


def decode_reasoning(message: Json) -> Iterator[Part]:
    present = [name for name in REASONING_STRINGS if isinstance(message.get(name), str) and message[name]]
    items = message.get("reasoning_details")
    if isinstance(items, list) and items:
        for item in items:
            yield decode_reasoning_item(item, present[0] if present else None)
    elif present:
        part = Part(reasoning=Reasoning(text=message[present[0]]))
        notes = reasoning_notes(present)
        if notes:
            set_details(part, notes)
        yield part


def reasoning_notes(present: Sequence[str]) -> Json:
    """Which of the two spellings the provider used; reasoning_content alone needs no note."""
    if present == ["reasoning_content"]:
        return {}
    return {"$field": present[0]} if len(present) == 1 else {"$field": present[0], "$also": present[1]}


def decode_reasoning_item(item: Any, also: str | None = None) -> Part:
    """One item of reasoning_details. also: the string field that repeats the texts of all items."""
    if not isinstance(item, dict):
        return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(item).decode()))
    is_summary = isinstance(item.get("summary"), str)
    part = Part(
        reasoning=Reasoning(
            text=text_of(item.get("summary") if is_summary else item.get("text")),
            signature=text_of(item.get("signature")),
            encrypted=text_of(item.get("data")),
            summary=is_summary,
        )
    )
    rest = {name: value for name, value in item.items() if name not in ("text", "summary", "signature", "data")}
    notes = {"$field": "reasoning_details"}
    if also:
        notes["$also"] = also
    set_details(part, {**rest, **notes})
    return part


def decode_content(content: Any) -> Iterator[Part]:
    """Content in another form than text."""
    match content:
        case list():
            for item in content:
                yield decode_content_item(item)
        case _:
            # Cloudflare's JSON mode gives the object itself.
            yield Part(text=encode_json(content).decode())


def decode_content_item(item: Any) -> Part:
    match item:
        case {"type": "text", "text": str(text)}:
            return Part(text=text)
        case {"type": "thinking", "thinking": [*chunks]} if not chunks or any(map(is_text, chunks)):
            return decode_thinking(item, chunks)
        case _:
            return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(item).decode()))


def decode_thinking(item: Json, chunks: Sequence[Any]) -> Part:
    """A piece of Mistral's content list."""
    text = "".join(text_of(chunk.get("text")) for chunk in chunks if is_text(chunk))
    part = Part(reasoning=Reasoning(text=text, signature=text_of(item.get("signature"))))
    set_details(part, {"$field": "content", **unknown_fields(item, frozenset({"type", "thinking", "signature"}))})
    return part


def is_text(chunk: Any) -> bool:
    return isinstance(chunk, dict) and isinstance(chunk.get("text"), str)


def decode_audio(audio: Json) -> Part:
    data = text_of(audio.get("data"))
    part = Part(media=Media(kind=MEDIA_KIND_AUDIO, transcript=text_of(audio.get("transcript"))))
    try:
        part.media.data = base64.b64decode(data, validate=True)
    except binascii.Error:
        part.media.uri = f"data:;base64,{data}"
    set_details(part, unknown_fields(audio, frozenset({"data", "transcript"})))
    return part


def decode_tool_call(call: Any) -> Part:
    if not isinstance(call, dict):
        raise malformed("a tool call of the provider's answer is not an object")
    if isinstance(custom := call.get("custom"), dict):
        inner, kind = custom, "custom"
        part = Part(tool_call=ToolCall(name=text_of(inner.get("name")), input=text_of(inner.get("input"))))
    else:
        inner, kind = call.get("function") or {}, "function"
        arguments = arguments_of(inner.get("arguments"))
        part = Part(tool_call=ToolCall(name=text_of(inner.get("name")), arguments_json=arguments))
    part.tool_call.id = text_of(call.get("id"))
    details = unknown_fields(call, frozenset({"id", "type", kind}))
    # The position says nothing in a whole answer, and replaying it makes strict vendors refuse the next turn.
    details.pop("index", None)
    if extra := unknown_fields(inner, frozenset({"name", "arguments", "input"})):
        details[kind] = extra
    set_details(part, details)
    return part


def arguments_of(value: Any) -> str:
    """A tool that takes nothing is called with {}, whatever the provider writes for it."""
    if value is None or value == "":
        return "{}"
    return value if isinstance(value, str) else encode_json(value).decode()


def decode_logprobs(logprobs: Json) -> Logprobs:
    return Logprobs(
        content=[decode_token(token) for token in logprobs.get("content") or ()],
        refusal=[decode_token(token) for token in logprobs.get("refusal") or ()],
    )


def decode_token(token: Any) -> TokenLogprob:
    decoded = TokenLogprob(token=text_of(token.get("token")), logprob=float(token.get("logprob") or 0.0))
    if isinstance(octets := token.get("bytes"), list):
        decoded.token_bytes = bytes(octets)
    decoded.top.extend(decode_token(other) for other in token.get("top_logprobs") or ())
    return decoded


def int_of(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and abs(value) < 2**31 else 0


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """See Dialect.encode_list_models."""
    return UpstreamRequest("GET", endpoint.url + endpoint.quirks.models_path, headers(endpoint))


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """A model list: {"data": [...]}, the bare list that Together gives, or a vendor's own list, whose items have a name."""
    try:
        answer = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed(f"the provider's model list is not JSON; it begins with {body[:80]!r}") from None
    id_field = "id"
    if isinstance(answer, dict):
        field, id_field = next((names for names in MODEL_LISTS if names[0] in answer), MODEL_LISTS[0])
        answer = answer[field] or [] if field in answer else None
    if not isinstance(answer, list):
        raise malformed("the provider's model list has no data")
    items = (item for item in answer if isinstance(item, dict) and text_of(item.get(id_field)))
    try:
        return [decode_model({**item, "id": item[id_field]}, provider) for item in items]
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def decode_model(item: Json, provider: str) -> Model:
    model = Model(
        id=f"{provider}/{text_of(item['id']).removeprefix('models/')}",
        provider=provider,
        created=int_of(item.get("created")) or int_of(item.get("created_at")),
        owned_by=text_of(item.get("owned_by")),
        display_name=text_of(item.get("name")) or text_of(item.get("display_name")),
    )
    for name in ("context_length", "context_window", "max_context_length"):
        if type(length := item.get(name)) is int:
            model.context_length = length
            break
    set_details(model, unknown_fields(item, frozenset({"id", "object", "created", "owned_by"})))
    return model
