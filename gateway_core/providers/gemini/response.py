"""Whole answers of Gemini's generateContent.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse and recorded answers.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    Candidate,
    ChatResponse,
    FinishReason,
    Logprobs,
    TokenLogprob,
)
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    Media,
    Opaque,
    Part,
    Reasoning,
    ToolCall,
)
from gateway_core.errors import GatewayError, Reason
from gateway_core.providers.gemini.citations import annotations_of
from gateway_core.providers.gemini.details import (
    COMPATIBLE,
    DIALECT,
    SHAPE_ERRORS,
    Json,
    decode_json,
    encode_json,
    set_details,
    text_of,
    unknown_fields,
)
from gateway_core.providers.gemini.errors import LONGEST_MESSAGE, error_in_body
from gateway_core.providers.gemini.signatures import FIELD, compatible
from gateway_core.providers.gemini.usage import decode_usage

FINISH_REASONS = {
    "STOP": FINISH_REASON_STOP,
    "MAX_TOKENS": FINISH_REASON_LENGTH,
    "CONTINUATION": FINISH_REASON_LENGTH,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        FINISH_REASON_CONTENT_FILTER,
    ),
    **dict.fromkeys(
        ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"), FINISH_REASON_ERROR
    ),
}
"""An unknown word counts as stop and stays readable in raw_finish_reason."""
FAILURES = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
"""The model's answer cannot be read: asking again may help, and half an answer would not."""

ANSWER_FIELDS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "error"})
CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index"})
CONTENT_FIELDS = frozenset({"parts", "role"})
TEXT_FIELDS = frozenset({"text"})
THOUGHT_FIELDS = frozenset({"text", "thought"})
CALL_FIELDS = frozenset({"id", "name", "args"})
BLOB_FIELDS = frozenset({"mimeType", "data"})
FILE_FIELDS = frozenset({"mimeType", "fileUri"})
KINDS = {"image": MEDIA_KIND_IMAGE, "audio": MEDIA_KIND_AUDIO, "video": MEDIA_KIND_VIDEO}


def invalid_answer(message: str) -> GatewayError:
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message)


def decode_body(body: bytes) -> Json:
    if not body.strip():
        raise invalid_answer("the provider answered 200 with an empty body")
    try:
        answer = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_answer(f"the provider's answer is not JSON; it begins with {body[:80]!r}") from None
    if not isinstance(answer, dict):
        raise invalid_answer(f"the provider's answer is a JSON {type(answer).__name__}, not an object")
    return answer


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.decode_chat."""
    answer = decode_body(body)
    try:
        return decode_answer(answer)
    except SHAPE_ERRORS as error:
        raise misshapen(error) from error


def misshapen(error: Exception) -> GatewayError:
    """For one of SHAPE_ERRORS."""
    return invalid_answer(f"the provider's answer has another form than is documented: {error}"[:LONGEST_MESSAGE])


def decode_answer(answer: Json) -> ChatResponse:
    if error := answer.get("error"):
        raise error_in_body(error)
    response_id = text_of(answer.get("responseId"))
    candidates = list_of(answer.get("candidates"), "candidates")
    response = ChatResponse(
        id=response_id,
        model=text_of(answer.get("modelVersion")),
        created=created_of(answer),
        candidates=[decode_candidate(item, position, response_id) for position, item in enumerate(candidates)],
    )
    if not candidates:
        response.candidates.append(blocked_candidate(answer))
    if isinstance(usage := answer.get("usageMetadata"), dict):
        response.usage.CopyFrom(decode_usage(usage))
        set_tier(response, usage)
    set_details(response, unknown_fields(answer, ANSWER_FIELDS))
    return response


def list_of(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_answer(f"{name} of the provider's answer is no list")
    return value


def created_of(answer: Json) -> int:
    """createTime (Vertex AI only) in seconds."""
    try:
        return int(datetime.datetime.fromisoformat(text_of(answer.get("createTime"))).timestamp())
    except (ValueError, OverflowError):
        return 0


def set_tier(target: Any, usage: Json) -> None:
    if isinstance(tier := usage.get("serviceTier"), str):
        target.service_tier = tier


def refusal_of(answer: Json) -> Json | None:
    """promptFeedback, where it says that the prompt was refused."""
    feedback = answer.get("promptFeedback")
    if isinstance(feedback, dict) and ("blockReason" in feedback or "blockReasonMessage" in feedback):
        return feedback
    return None


def blocked_candidate(answer: Json) -> Candidate:
    """A prompt that was refused has no candidates; an empty one says why. Its note keeps it out of this dialect's own
    answers."""
    refusal = refusal_of(answer)
    if refusal is None:
        raise invalid_answer("the provider's answer has no candidates")
    candidate = Candidate(finish_reason=FINISH_REASON_CONTENT_FILTER, raw_finish_reason=text_of(refusal.get("blockReason")))
    set_details(candidate, {"$blocked": True})
    return candidate


def decode_candidate(item: Any, position: int, response_id: str) -> Candidate:
    if not isinstance(item, dict):
        raise invalid_answer(f"candidates[{position}] of the provider's answer is no object")
    content = content_of(item)
    raw = text_of(item.get("finishReason"))
    check_finish(raw, item)
    index = index_of(item, position)
    candidate = Candidate(index=index, raw_finish_reason=raw)
    calls = 0
    for piece in list_of(content.get("parts"), "parts"):
        if not isinstance(piece, dict):
            raise invalid_answer("a part of the provider's answer is no object")
        if not is_silent(piece):
            part = decode_part(piece, (response_id, index, calls))
            candidate.parts.append(part)
            calls += part.WhichOneof("kind") == "tool_call"
    if not raw and not candidate.parts:
        raise invalid_answer(f"candidates[{position}] of the provider's answer has neither content nor finishReason")
    candidate.finish_reason = finish_reason(raw, bool(calls))
    if isinstance(logprobs := item.get("logprobsResult"), dict):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    set_candidate_details(candidate, {**candidate_details(item, content), **finish_note(raw)}, candidate.parts)
    return candidate


def finish_note(raw: str) -> Json:
    """A word of the future, for clients of this dialect: no other place says that it is one of Gemini's."""
    return {"$finish": raw} if raw and raw not in FINISH_REASONS else {}


def index_of(item: Json, position: int) -> int:
    index = item.get("index", position)
    return index if type(index) is int and 0 <= index < 1000 else position


def content_of(item: Json) -> Json:
    content = item.get("content")
    return content if isinstance(content, dict) else {}


def candidate_details(item: Json, content: Json) -> Json:
    details = unknown_fields(item, CANDIDATE_FIELDS)
    if extra := unknown_fields(content, CONTENT_FIELDS):
        details["content"] = extra
    return details


def set_candidate_details(target: Any, details: Json, parts: Sequence[Part]) -> None:
    """The candidate's own fields; for OpenAI's clients, the sources as annotations and the seal over the last words."""
    set_details(target, details)
    if message := compatible_message(details, parts):
        set_details(target, {"message": message}, COMPATIBLE)


def compatible_message(details: Json, parts: Sequence[Part]) -> Json:
    message: Json = {}
    if annotations := annotations_of(details, parts):
        message["annotations"] = annotations
    for part in parts:
        if part.WhichOneof("kind") == "text" and DIALECT in part.provider_details_json:
            signature = decode_json(part.provider_details_json[DIALECT]).get(FIELD)
            message.update(compatible(signature) if isinstance(signature, str) else {})
    return message


def check_finish(raw: str, item: Json) -> None:
    if raw in FAILURES:
        told = text_of(item.get("finishMessage"))
        raise invalid_answer(f"the model's answer cannot be read ({raw})" + (f": {told}" if told else ""))


def finish_reason(raw: str, has_calls: bool) -> FinishReason.ValueType:
    """Gemini says STOP also when it waits for the results of its calls."""
    found = FINISH_REASONS.get(raw, FINISH_REASON_STOP)
    return FINISH_REASON_TOOL_CALLS if has_calls and found == FINISH_REASON_STOP else found


def is_silent(piece: Json) -> bool:
    """An empty text without a seal says nothing: streams end with one."""
    return piece.get("text") == "" and len(piece) == 1


def decode_part(piece: Json, place: tuple[str, int, int]) -> Part:
    """A part. place: the answer's id, the candidate, and how many calls came before, which name a call without an id."""
    match piece:
        case {"text": str(text), "thought": True}:
            part, rest = Part(reasoning=Reasoning(text=text, summary=True)), unknown_fields(piece, THOUGHT_FIELDS)
            set_details(part, rest or {"$thought": True})
            return part
        case {"thought": True}:
            return opaque(piece)
        case {"text": str(text)}:
            part = Part(text=text)
            set_details(part, unknown_fields(piece, TEXT_FIELDS))
            return part
        case {"functionCall": dict(call)}:
            return decode_call(piece, call, place)
        case {"inlineData": dict(blob)}:
            return decode_blob(piece, blob)
        case {"fileData": dict(file)}:
            mime_type = text_of(file.get("mimeType"))
            part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type, uri=text_of(file.get("fileUri"))))
            set_details(part, rest_of(piece, "fileData", file, FILE_FIELDS))
            return part
        case _:
            return opaque(piece)


def opaque(piece: Json) -> Part:
    return Part(opaque=Opaque(dialect=DIALECT, json=encode_json(piece).decode()))


def rest_of(piece: Json, name: str, inner: Json, known: frozenset[str]) -> Json:
    rest = unknown_fields(piece, frozenset({name}))
    if extra := unknown_fields(inner, known):
        rest[name] = extra
    return rest


def decode_call(piece: Json, call: Json, place: tuple[str, int, int]) -> Part:
    args = encode_json(call.get("args") or {}).decode()
    name = text_of(call.get("name"))
    details = rest_of(piece, "functionCall", call, CALL_FIELDS)
    call_id = text_of(call.get("id"))
    if not call_id:
        call_id = made_up_id(place, name, args)
        details["$id"] = False
    part = Part(tool_call=ToolCall(id=call_id, name=name, arguments_json=args))
    set_details(part, details)
    if signature := text_of(piece.get(FIELD)):
        set_details(part, compatible(signature), COMPATIBLE)
    return part


def made_up_id(place: tuple[str, int, int], name: str, args: str) -> str:
    """An id that the same answer always gets, streamed or not, and hardly another one."""
    seed = "\0".join((*map(str, place), name, args))
    return "call_" + hashlib.blake2b(seed.encode(), digest_size=9).hexdigest()


def kind_of(mime_type: str) -> Any:
    return KINDS.get(mime_type.partition("/")[0], MEDIA_KIND_FILE)


def decode_blob(piece: Json, blob: Json) -> Part:
    mime_type, data = text_of(blob.get("mimeType")), text_of(blob.get("data"))
    part = Part(media=Media(kind=kind_of(mime_type), mime_type=mime_type))
    try:
        part.media.data = base64.b64decode(data.translate(URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        part.media.uri = f"data:{mime_type};base64,{data}"
    set_details(part, rest_of(piece, "inlineData", blob, BLOB_FIELDS))
    return part


URL_SAFE = str.maketrans("-_", "+/")
"""JSON of protocol buffers takes either alphabet."""


def decode_logprobs(result: Json) -> Logprobs:
    chosen = result.get("chosenCandidates")
    tops = result.get("topCandidates")
    logprobs = Logprobs()
    for position, item in enumerate(chosen if isinstance(chosen, list) else ()):
        token = logprobs.content.add()
        decode_token(token, item)
        top = tops[position] if isinstance(tops, list) and position < len(tops) else None
        others = top.get("candidates") if isinstance(top, dict) else None
        for other in others if isinstance(others, list) else ():
            decode_token(token.top.add(), other)
    return logprobs


def decode_token(token: TokenLogprob, item: Any) -> None:
    if isinstance(item, dict):
        token.token = text_of(item.get("token"))
        value = item.get("logProbability")
        token.logprob = float(value) if isinstance(value, (int, float)) else 0.0
