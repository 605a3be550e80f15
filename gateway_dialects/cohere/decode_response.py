"""Whole answers, their usage and log-probabilities, and the list of models.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/reference/list-models and recorded answers.
"""

from collections.abc import Sequence
from typing import Any

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, Logprobs
from dragoman.v1.content_pb2 import Opaque, Part, Reasoning, ToolCall
from dragoman.v1.models_pb2 import Model
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.cohere.decode_errors import error_in_answer
from gateway_dialects.cohere.words import DIALECT, FAILED_FINISHES, FINISH_REASONS, PLAN_FORM, place_citations
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.call_ids import complete_calls
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.finish import check_finish, holds_calls, meaning_of, with_calls
from gateway_dialects.kit.json import Json, as_list, list_at, malformed, object_at, set_details, text_of, unknown_fields

ANSWER_FIELDS = frozenset({"id", "message", "finish_reason", "usage", "logprobs"})
MESSAGE_FIELDS = frozenset({"role", "content", "tool_plan", "tool_calls", "citations"})
BLOCK_FIELDS = frozenset({"type", "text", "thinking"})
CALL_FIELDS = frozenset({"id", "type", "function"})
FUNCTION_FIELDS = frozenset({"name", "arguments"})
LEAST_LOGPROB = -9999.0
LARGEST_COUNT = 2**60


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.chat."""
    answer = wire.decode_body(body)
    raw, message = text_of(answer.get("finish_reason")), answer.get("message")
    if raw in FAILED_FINISHES:
        raise error_in_answer(answer, raw)
    if not isinstance(message, dict):
        raise error_in_answer(answer) if text_of(message) else malformed("the provider's answer has no message")
    if not raw:
        raise malformed("the provider's answer has no finish_reason")
    check_finish(raw)
    response = ChatResponse(id=text_of(answer.get("id")), candidates=[decode_candidate(message, answer, raw)])
    if isinstance(usage := answer.get("usage"), dict):
        response.usage.CopyFrom(decode_usage(usage))
    set_details(response, unknown_fields(answer, ANSWER_FIELDS), DIALECT)
    return response


def decode_candidate(message: Json, answer: Json, raw: str) -> Candidate:
    candidate = Candidate(finish_reason=meaning_of(raw, FINISH_REASONS), raw_finish_reason=raw)
    parts = candidate.parts
    if plan := text_of(message.get("tool_plan")):
        parts.append(plan_part(plan))
    content, first = message.get("content"), len(parts)
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content, "message.content")
    parts.extend(decode_block(block) for block in blocks)
    cited = range(first, len(parts))
    parts.extend(decode_tool_call(call) for call in as_list(message.get("tool_calls"), "message.tool_calls"))
    complete_calls(candidate, text_of(answer.get("id")))
    unplaced = place_citations(parts, cited, as_list(message.get("citations"), "message.citations"))
    logprobs = answer.get("logprobs")
    if isinstance(logprobs, list):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    extra = unknown_fields(message, MESSAGE_FIELDS)
    candidate.finish_reason = with_calls(candidate.finish_reason, holds_calls(parts))
    set_ending(candidate, {**extra, "citations": unplaced} if unplaced else extra, logprobs, raw)
    return candidate


def set_ending(target: Any, message: Json, logprobs: Any, raw: str) -> None:
    """Details of a Candidate or CandidateFinish. An unknown finish reason reaches Cohere's clients as it is."""
    details: Json = {"message": message} if message else {}
    if isinstance(logprobs, list) and logprobs:
        details["logprobs"] = logprobs
    if raw not in FINISH_REASONS:
        details["finish_reason"] = raw
    set_details(target, details, DIALECT)


def plan_part(text: str) -> Part:
    """The plan before tool calls: reasoning to everyone else."""
    part = Part(reasoning=Reasoning(text=text, provider=DIALECT))
    wire.set_form(part, DIALECT, PLAN_FORM)
    return part


def decode_block(block: Any) -> Part:
    match block:
        case {"type": "text", "text": str(text)}:
            part = Part(text=text)
        case {"type": "thinking", "thinking": str(text)}:
            part = Part(reasoning=Reasoning(text=text, provider=DIALECT))
        case dict():
            return Part(opaque=Opaque(dialect=DIALECT, json=wire.json_text(block)))
        case _:
            raise malformed("a content block of the provider's answer is not an object")
    set_details(part, unknown_fields(block, BLOCK_FIELDS), DIALECT)
    return part


def decode_tool_call(call: Any) -> Part:
    part = begin_tool_call(wire.as_object(call, "a tool call"))
    arguments = call["function"].get("arguments") if call.get("function") else None
    part.tool_call.arguments_json = arguments if isinstance(arguments, str) else wire.json_text(arguments)
    if part.tool_call.arguments_json.strip() in ("", "null"):
        part.tool_call.arguments_json = "{}"
    return part


def begin_tool_call(call: Json) -> Part:
    """A tool call without its arguments. Where it has a function, that is an object."""
    function = wire.as_object(call.get("function") or {}, "the function of a tool call")
    part = Part(tool_call=ToolCall(id=text_of(call.get("id")), name=text_of(function.get("name"))))
    details = unknown_fields(call, CALL_FIELDS)
    if extra := unknown_fields(function, FUNCTION_FIELDS):
        details["function"] = extra
    set_details(part, details, DIALECT)
    return part


def decode_logprobs(items: list[Any]) -> Logprobs:
    """One item for each piece of text, with the numbers of all tokens that made it. These have no texts of their own, so
    that the probability of an item is their product: the sum of the logarithms. Items without numbers say nothing."""
    logprobs = Logprobs()
    for item in items:
        numbers = list_at(item, "logprobs") if isinstance(item, dict) else []
        if found := [wire.float_of(number) for number in numbers if type(number) in (int, float)]:
            logprobs.content.add(token=text_of(item.get("text")), logprob=max(LEAST_LOGPROB, sum(found)))
    return logprobs


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is left out of the typed counts and stays in raw_json.

    tokens are what the model read and wrote, billed_units what is on the bill; cached_tokens and reasoning_tokens are among
    the tokens, image_tokens are beside input_tokens."""
    tokens, billed = object_at(raw, "tokens"), object_at(raw, "billed_units")
    counted = tokens if "input_tokens" in tokens or "output_tokens" in tokens else billed
    images = count(tokens.get("image_tokens")) if counted is tokens else 0
    input_tokens = count(counted.get("input_tokens")) + images
    output_tokens = count(counted.get("output_tokens"))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        raw_json=wire.json_text(raw),
        raw_dialect=DIALECT,
    )
    if is_count(raw.get("cached_tokens")):
        usage.cache_read_tokens = count(raw["cached_tokens"])
    if is_count(tokens.get("reasoning_tokens")):
        usage.reasoning_tokens = count(tokens["reasoning_tokens"])
    if images:
        usage.input_image_tokens = images
    return usage


def is_count(value: Any) -> bool:
    """Whole numbers are documented as floats."""
    return type(value) in (int, float) and 0 <= value < LARGEST_COUNT


def count(value: Any) -> int:
    return int(value) if is_count(value) else 0


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage. Chat has it in usage, its stream in the last event's delta, embed and rerank in meta. None of
    them names the model."""
    delta = answer.get("delta")
    holder = delta if isinstance(delta, dict) else answer
    for usage in (holder.get("usage"), holder.get("meta")):
        if isinstance(usage, dict) and ("billed_units" in usage or "tokens" in usage):
            return UsageReport(usage)
    return None


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """See Dialect.list_models."""
    listed = wire.decode_body(body, "the provider's model list").get("models")
    if not isinstance(listed, list):
        raise malformed("the provider's model list has no models")
    return [decode_model(item, provider) for item in listed if isinstance(item, dict) and text_of(item.get("name"))]


def decode_model(item: Json, provider: str) -> Model:
    model = Model(id=f"{provider}/{item['name']}", provider=provider, owned_by="cohere")
    if length := count(item.get("context_length")):
        model.context_length = length
    set_details(model, unknown_fields(item, frozenset({"name"})), DIALECT)
    return model
