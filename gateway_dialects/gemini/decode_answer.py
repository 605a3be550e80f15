"""Whole answers of Gemini's generateContent, countTokens and model list, and the usage that they report.

Sources: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, #UsageMetadata,
https://ai.google.dev/api/tokens, https://ai.google.dev/api/models and recorded answers.
"""

import datetime
from collections.abc import Sequence
from typing import Any

from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part
from dragoman.v1.models_pb2 import Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini import decode_parts
from gateway_dialects.gemini.decode_errors import error_in_body
from gateway_dialects.gemini.words import DIALECT, FAILURES, FINISH_REASONS, TOKEN_DETAILS, ContentForm
from gateway_dialects.kit import finish
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.json import Json, malformed, object_at, set_details, text_of

ANSWER_FIELDS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "error"})
CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index"})
CONTENT_FIELDS = frozenset({"parts", "role"})
MOST_TOKENS_BITS = 56
"""Counts that do not fit are read as 0: sums of them fit into the contract's fields."""


def decode_chat(body: bytes) -> ChatResponse:
    """See kit.dialect.Decode."""
    answer = wire.decode_body(body)
    if error := answer.get("error"):
        raise error_in_body(error)
    response_id = text_of(answer.get("responseId"))
    candidates = wire.as_list(answer.get("candidates"), "candidates")
    response = ChatResponse(
        id=response_id,
        model=text_of(answer.get("modelVersion")),
        created=created_of(answer),
        candidates=[decode_candidate(item, position, response_id) for position, item in enumerate(candidates)],
    )
    if not candidates:
        end_refused(response.candidates.add(), refusal_of(answer))
    if isinstance(usage := answer.get("usageMetadata"), dict):
        set_usage(response, usage)
    set_details(response, wire.unknown_fields(answer, ANSWER_FIELDS), DIALECT)
    return response


def created_of(answer: Json) -> int:
    """createTime (Vertex AI only) in seconds."""
    try:
        return int(datetime.datetime.fromisoformat(text_of(answer.get("createTime"))).timestamp())
    except (ValueError, OverflowError):
        return 0


def set_usage(target: Any, usage: Json) -> None:
    """Sets the usage and the service tier of a ChatResponse or Finished."""
    target.usage.CopyFrom(decode_usage(usage))
    if isinstance(tier := usage.get("serviceTier"), str):
        target.service_tier = tier


def refusal_of(answer: Json) -> Json:
    """promptFeedback, where it says that the prompt was refused; empty where it does not."""
    feedback = object_at(answer, "promptFeedback")
    return feedback if "blockReason" in feedback or "blockReasonMessage" in feedback else {}


def end_refused(ending: Any, refusal: Json) -> None:
    """A prompt that was refused has no candidates; an empty one tells why. ending: a Candidate or CandidateFinish."""
    if not refusal:
        raise malformed("the provider's answer has no candidates")
    ending.finish_reason = chat_pb2.FINISH_REASON_CONTENT_FILTER
    ending.raw_finish_reason = text_of(refusal.get("blockReason"))
    wire.set_form(ending, DIALECT, ContentForm(absent=True))


def decode_candidate(item: Any, position: int, response_id: str) -> Candidate:
    item = wire.as_object(item, f"candidates[{position}]")
    content = object_at(item, "content")
    raw = text_of(item.get("finishReason"))
    check_finish(raw, item)
    candidate = Candidate(index=index_of(item, position))
    calls = add_parts(candidate, wire.as_list(content.get("parts"), "parts"), response_id)
    if not raw and not candidate.parts:
        raise malformed(f"candidates[{position}] of the provider's answer has neither content nor finishReason")
    if logprobs := object_at(item, "logprobsResult"):
        candidate.logprobs.CopyFrom(decode_parts.decode_logprobs(logprobs))
    details = candidate_details(item, content)
    if grounding := object_at(details, "groundingMetadata"):
        decode_parts.add_citations(candidate.parts, grounding)
    end_candidate(candidate, raw, bool(calls), details)
    return candidate


def add_parts(candidate: Candidate, pieces: list[Any], response_id: str) -> int:
    """How many calls are among them."""
    calls = 0
    for piece in pieces:
        piece = wire.as_object(piece, "a part")
        if (signature := decode_parts.late_signature(piece)) and candidate.parts and is_plain_text(candidate.parts[-1]):
            decode_parts.sign(candidate.parts[-1], signature)
        elif not decode_parts.is_silent(piece):
            part = decode_parts.decode_part(piece, (response_id, candidate.index, calls))
            candidate.parts.append(part)
            calls += part.WhichOneof("kind") == "tool_call"
    return calls


def is_plain_text(part: Part) -> bool:
    return part.WhichOneof("kind") == "text" and not part.HasField("signature") and not part.provider_details_json


def end_candidate(ending: Any, raw: str, has_calls: bool, details: Json) -> None:
    """Why a Candidate or CandidateFinish ended, and its fields that the contract does not name. Among them is a finishReason
    that nobody knows: no other field tells that it is one of Gemini's."""
    ending.finish_reason, ending.raw_finish_reason = finish_reason(raw, has_calls), raw
    set_details(ending, details if not raw or raw in FINISH_REASONS else {**details, "finishReason": raw}, DIALECT)


def check_finish(raw: str, item: Json) -> None:
    if raw in FAILURES:
        message = text_of(item.get("finishMessage"))
        raise malformed(f"the model's answer cannot be read ({raw})" + (f": {message}" if message else ""))
    finish.check_finish(raw)


def finish_reason(raw: str, has_calls: bool) -> FinishReason.ValueType:
    """Gemini says STOP also when it waits for the results of its calls."""
    found = finish.meaning_of(raw, FINISH_REASONS)
    return chat_pb2.FINISH_REASON_TOOL_CALLS if has_calls and found == chat_pb2.FINISH_REASON_STOP else found


def index_of(item: Json, position: int) -> int:
    index = item.get("index", position)
    return index if type(index) is int and 0 <= index < 1000 else position


def candidate_details(item: Json, content: Json) -> Json:
    details = wire.unknown_fields(item, CANDIDATE_FIELDS)
    if extra := wire.unknown_fields(content, CONTENT_FIELDS):
        details["content"] = extra
    return details


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage. Every answer and every chunk of a stream reports it, each time for all so far."""
    usage = answer.get("usageMetadata")
    if not isinstance(usage, dict):
        return None
    return UsageReport(usage, text_of(answer.get("modelVersion")), text_of(usage.get("serviceTier")))


def decode_usage(raw: Json) -> Usage:
    """usageMetadata: the prompt includes cached tokens; thoughts and the prompts of Google's tools are counted beside it.
    Never raises: a count of an unexpected type is 0 and stays in raw_json."""
    thoughts = count(raw.get("thoughtsTokenCount"))
    input_tokens = count(raw.get("promptTokenCount")) + count(raw.get("toolUsePromptTokenCount"))
    output_tokens = count(raw.get("candidatesTokenCount")) + thoughts
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=max(count(raw.get("totalTokenCount")), input_tokens + output_tokens),
        raw_json=wire.json_text(raw),
        raw_dialect=DIALECT,
    )
    if "thoughtsTokenCount" in raw:
        usage.reasoning_tokens = thoughts
    if "cachedContentTokenCount" in raw:
        usage.cache_read_tokens = count(raw["cachedContentTokenCount"])
    for name, modality, field in TOKEN_DETAILS:
        items = [item for item in wire.objects_at(raw, name) if item.get("modality") == modality]
        if items:
            setattr(usage, field, min(sum(count(item.get("tokenCount")) for item in items), 2**MOST_TOKENS_BITS))
    return usage


def count(value: Any) -> int:
    return max(0, wire.int_of(value, MOST_TOKENS_BITS))


def decode_count(body: bytes) -> int:
    """The answer of countTokens."""
    tokens = wire.decode_body(body).get("totalTokens")
    if type(tokens) is not int or not 0 <= tokens < 2**63:
        raise malformed("the provider's count of tokens has no totalTokens")
    return tokens


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """The model list, which Vertex AI calls publisherModels."""
    answer = wire.decode_body(body)
    listed = answer.get("models", answer.get("publisherModels"))
    if not isinstance(listed, list):
        raise malformed("the provider's model list has no models")
    return [decode_model(item, provider) for item in listed if isinstance(item, dict) and text_of(item.get("name"))]


def decode_model(item: Json, provider: str) -> Model:
    name = item["name"].rpartition("models/")[2] or item["name"]
    display_name = text_of(item.get("displayName"))
    model = Model(id=f"{provider}/{name}", provider=provider, owned_by="google", display_name=display_name)
    length = item.get("inputTokenLimit")
    if type(length) is int and 0 < length < 2**62:
        model.context_length = length
    set_details(model, wire.unknown_fields(item, frozenset({"name", "displayName"})), DIALECT)
    return model
