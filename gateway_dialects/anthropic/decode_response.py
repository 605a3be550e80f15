"""Whole answers of the Messages API, the usage in them, counts of tokens and lists of models.

Source: https://platform.claude.com/docs/en/api/messages (citations, streaming), /en/api/models-list, and recorded answers.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Citation, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.models_pb2 import Model
from dragoman.v1.stream_pb2 import Finished
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic.decode_errors import error_in_stream
from gateway_dialects.anthropic.words import ANSWER_TIERS, ANSWER_TOOL, DIALECT, FINISH_REASONS
from gateway_dialects.kit import json
from gateway_dialects.kit.call_ids import complete_calls
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.finish import check_finish, holds_calls, is_known, meaning_of, with_calls
from gateway_dialects.kit.json import Json

MESSAGE_FIELDS = frozenset({"id", "type", "role", "model", "content", "stop_reason", "usage", "error"})
ENDING_FIELDS = frozenset({"stop_sequence", "stop_details"})
"""How the candidate ended; what else is beside them concerns the whole answer."""


def decode_chat(body: bytes) -> ChatResponse:
    """Raises GatewayError UPSTREAM_INVALID_RESPONSE, or the error that the answer holds."""
    answer = json.decode_body(body)
    if answer.get("error"):
        raise error_in_stream(answer)
    try:
        return decode_message(answer)
    except RecursionError:
        # What could just be read can be too deep to be written as details.
        raise json.malformed(json.TOO_DEEP) from None


def decode_message(answer: Json) -> ChatResponse:
    content = answer.get("content")
    if not isinstance(content, list):
        raise json.malformed("the provider's answer has no content")
    response = ChatResponse(id=json.text_of(answer.get("id")), model=json.text_of(answer.get("model")))
    response.candidates.append(decode_candidate(content, answer))
    if isinstance(usage := answer.get("usage"), dict):
        set_usage(response, usage)
    json.set_details(response, json.unknown_fields(answer, MESSAGE_FIELDS | ENDING_FIELDS), DIALECT)
    return response


def decode_candidate(content: list[Any], answer: Json) -> Candidate:
    candidate = Candidate()
    for block in content:
        if not isinstance(block, dict):
            raise json.malformed("a content block of the provider's answer is not an object")
        candidate.parts.append(decode_block(block))
    complete_calls(candidate, json.text_of(answer.get("id")))
    raw = json.text_of(answer.get("stop_reason"))
    check_finish(raw)
    candidate.raw_finish_reason = raw
    candidate.finish_reason = finish_reason(raw, holds_calls(candidate.parts))
    set_ending(candidate, {name: answer[name] for name in ENDING_FIELDS if answer.get(name) is not None}, raw)
    return candidate


def finish_reason(raw: str, has_calls: bool) -> FinishReason.ValueType:
    """A turn that only called the answer tool is a finished answer. An unknown stop_reason counts as stop."""
    if raw == "tool_use" and not has_calls:
        return FINISH_REASON_STOP
    return with_calls(meaning_of(raw, FINISH_REASONS), has_calls)


def set_ending(target: json.Detailed, details: Json, raw: str) -> None:
    """Details of a Candidate or CandidateFinish. Clients of this dialect get an unknown stop_reason as it is."""
    known = not raw or raw in FINISH_REASONS or is_known(raw)
    json.set_details(target, details if known else {**details, "stop_reason": raw}, DIALECT)


def decode_block(block: Json) -> Part:
    match block.get("type"):
        case "text":
            part = Part(text=json.text_of(block.get("text")))
            if len(block) > 2:
                part.citations.extend(decode_citations(block.get("citations")))
                json.set_details(part, json.unknown_fields(block, {"type", "text", "citations"}), DIALECT)
            return part
        case "tool_use" if block.get("name") == ANSWER_TOOL:
            return Part(text=input_text(block.get("input")))
        case "tool_use":
            part = begin_tool_call(block)
            part.tool_call.arguments_json = input_text(block.get("input"))
            return part
        case "thinking" | "redacted_thinking":
            part = begin_reasoning(block)
            part.reasoning.text = json.text_of(block.get("thinking"))
            part.reasoning.signature = json.text_of(block.get("signature"))
            part.reasoning.encrypted = json.text_of(block.get("data"))
            return part
        case _:
            return Part(opaque=Opaque(dialect=DIALECT, json=json.json_text(block)))


def decode_citations(citations: Any) -> list[Citation]:
    items = citations if isinstance(citations, list) else []
    return [decode_citation(item) for item in items if isinstance(item, dict)]


def decode_citation(citation: Json) -> Citation:
    """A citation of a whole text block, in answers and in clients' histories: of a page of the web, of a search result or of
    a document in the request."""
    uri, source = json.text_of(citation.get("url")), json.text_of(citation.get("source"))
    if not uri and source.startswith(("https:", "http:")):
        uri = source
    index = citation.get("document_index")
    decoded = Citation(
        uri=uri,
        title=json.text_of(citation.get("title")) or json.text_of(citation.get("document_title")),
        cited_text=json.text_of(citation.get("cited_text")),
        source_id=json.text_of(citation.get("file_id")) or source or (f"document_{index}" if type(index) is int else ""),
    )
    json.set_details(decoded, citation, DIALECT)
    return decoded


def begin_tool_call(block: Json) -> Part:
    """A tool call without its arguments."""
    part = Part(tool_call=ToolCall(id=json.text_of(block.get("id")), name=json.text_of(block.get("name"))))
    json.set_details(part, json.unknown_fields(block, {"type", "id", "name", "input"}), DIALECT)
    return part


def input_text(value: Any) -> str:
    """Arguments as text: a tool that takes nothing is called with {}."""
    if value is None or value == "":
        return "{}"
    return value if isinstance(value, str) else json.json_text(value)


def begin_reasoning(block: Json) -> Part:
    """A reasoning part without its text and signature."""
    part = Part(reasoning=Reasoning(provider=DIALECT))
    json.set_details(part, json.unknown_fields(block, {"type", "thinking", "signature", "data"}), DIALECT)
    return part


# Usage: cached input is not in input_tokens.


def decode_usage(raw: Json) -> Usage:
    """Never raises: a field of an unexpected type is not in the typed counts and stays in raw_json. What is billed is the
    sum of the iterations: the counts beside them leave out compactions and other models' turns
    (https://platform.claude.com/docs/en/build-with-claude/compaction)."""
    rounds = [one for one in json.objects_at(raw, "iterations") if "input_tokens" in one] or [raw]
    read, written = count_in(rounds, "cache_read_input_tokens"), count_in(rounds, "cache_creation_input_tokens")
    input_tokens = (count_in(rounds, "input_tokens") or 0) + (read or 0) + (written or 0)
    output_tokens = count_in(rounds, "output_tokens") or 0
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=tokens(json.object_at(raw, "output_tokens_details").get("thinking_tokens")),
        raw_json=json.json_text(raw),
        raw_dialect=DIALECT,
    )


def count_in(rounds: Iterable[Json], name: str) -> int | None:
    """The sum. None: none of them reports it."""
    counts = [count for one in rounds if (count := tokens(one.get(name))) is not None]
    return sum(counts) if counts else None


def set_usage(target: ChatResponse | Finished, raw: Json) -> None:
    """The usage, and the service tier, which is a part of it here."""
    target.usage.CopyFrom(decode_usage(raw))
    if tier := service_tier_of(raw):
        target.service_tier = tier


def tokens(value: Any) -> int | None:
    """None: not reported. 0 for a number that no count can be."""
    if type(value) is not int:
        return None
    return value if 0 <= value < 2**60 else 0


def service_tier_of(raw: Json) -> str:
    """Empty when the provider does not say."""
    tier = json.text_of(raw.get("service_tier"))
    return ANSWER_TIERS.get(tier, tier)


def find_usage(answer: Json) -> UsageReport | None:
    """The usage of a whole message, or of message_start or message_delta; the later one is cumulative."""
    message = answer.get("message")
    holder = message if isinstance(message, dict) else answer
    usage = holder.get("usage")
    if not isinstance(usage, dict) or "total_tokens" in usage or not ("input_tokens" in usage or "output_tokens" in usage):
        return None
    return UsageReport(usage, json.text_of(holder.get("model")), service_tier_of(usage), partial=True)


def decode_count(body: bytes) -> int:
    """The answer of POST /v1/messages/count_tokens. Raises GatewayError UPSTREAM_INVALID_RESPONSE."""
    count = json.decode_body(body, "the provider's count of tokens").get("input_tokens")
    if type(count) is not int or not 0 <= count < 2**60:
        raise json.malformed("the provider's count of tokens has no input_tokens")
    return count


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """The answer of GET /v1/models. Raises GatewayError UPSTREAM_INVALID_RESPONSE."""
    items = json.decode_body(body, "the provider's model list").get("data")
    if not isinstance(items, list):
        raise json.malformed("the provider's model list has no data")
    try:
        return [decode_model(item, provider) for item in items if isinstance(item, dict) and json.text_of(item.get("id"))]
    except RecursionError:
        raise json.malformed(json.TOO_DEEP) from None


def decode_model(item: Json, provider: str) -> Model:
    model = Model(
        id=f"{provider}/{item['id']}",
        provider=provider,
        owned_by=provider,
        created=seconds_of(json.text_of(item.get("created_at"))),
        display_name=json.text_of(item.get("display_name")),
    )
    if length := tokens(item.get("max_input_tokens")):
        model.context_length = length
    json.set_details(model, json.unknown_fields(item, {"id"}), DIALECT)
    return model


def seconds_of(moment: str) -> int:
    """Seconds since 1970 of an RFC 3339 time; 0 when it is none."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    return max(0, int(found.timestamp())) if found.tzinfo else 0
