"""Whole answers. What a recorded answer becomes and that nothing of it is lost is in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Citation, MediaKind
from gateway_dialects.kit.json import encode_json
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from gateway_dialects.openai_responses.render_response import response_object

WORDS: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi"}],
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""}
CITED = {"type": "url_citation", "url": "https://e.com", "title": "E", "start_index": 1, "end_index": 2}


def decoded(*output: Any, **fields: Any) -> ChatResponse:
    body = {"id": "resp_1", "model": "m", "created_at": 7, "status": "completed", "output": list(output), **fields}
    return OPENAI_RESPONSES.chat.decode(json.dumps(body).encode(), "p")


def failed(body: Any) -> tuple[Reason, str]:
    with pytest.raises(GatewayError) as caught:
        OPENAI_RESPONSES.chat.decode(body if isinstance(body, bytes) else json.dumps(body).encode(), "p")
    return caught.value.reason, caught.value.message


def details(holder: Any) -> Any:
    return json.loads(holder.provider_details_json["openai-responses"])


def test_the_head() -> None:
    answer = decoded(WORDS, service_tier="flex", truncation="auto", user=None)
    assert (answer.id, answer.model, answer.created, answer.service_tier) == ("resp_1", "m", 7, "flex")
    assert details(answer) == {"truncation": "auto"}


def test_a_function_call_is_known_by_its_call_id() -> None:
    (part,) = decoded(CALL).candidates[0].parts
    assert (part.tool_call.id, part.tool_call.name, part.tool_call.arguments_json) == ("call_1", "f", "{}")
    assert details(part) == {"id": "fc_1"}


@pytest.mark.parametrize(
    ("fields", "reason", "raw"),
    [
        ({}, FinishReason.FINISH_REASON_STOP, "completed"),
        ({"output": [WORDS, CALL]}, FinishReason.FINISH_REASON_TOOL_CALLS, "completed"),
        ({"output": [{**CALL, "type": "custom_tool_call"}]}, FinishReason.FINISH_REASON_TOOL_CALLS, "completed"),
        ({"output": [{"type": "web_search_call"}]}, FinishReason.FINISH_REASON_STOP, "completed"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            FinishReason.FINISH_REASON_LENGTH,
            "max_output_tokens",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            FinishReason.FINISH_REASON_CONTENT_FILTER,
            "content_filter",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "of_the_future"}},
            FinishReason.FINISH_REASON_LENGTH,
            "of_the_future",
        ),
        ({"status": "incomplete"}, FinishReason.FINISH_REASON_LENGTH, "incomplete"),
        ({"status": "of_the_future"}, FinishReason.FINISH_REASON_STOP, "of_the_future"),
    ],
)
def test_why_it_ended(fields: dict[str, Any], reason: int, raw: str) -> None:
    (candidate,) = decoded(WORDS, **fields).candidates
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, raw)


def test_usage_names_its_subsets() -> None:
    raw = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 14,
    }
    usage = decoded(WORDS, usage=raw).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (9, 5, 14)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (4, 2, 3)
    assert json.loads(usage.raw_json) == raw
    assert not decoded(WORDS, usage=None).HasField("usage")


def test_reasoning() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "A"}, {"text": "B"}], "encrypted_content": "gAAA"}
    first, second = decoded(item, {**item, "id": "rs_2", "status": "completed"}).candidates[0].parts
    assert (first.reasoning.text, first.reasoning.encrypted, first.reasoning.summary) == ("A\n\nB", "gAAA", True)
    assert (first.reasoning.provider, first.reasoning.id) == ("openai-responses", "rs_1")
    assert (second.reasoning.id, details(second)) == ("rs_2", {"status": "completed"})


@pytest.mark.parametrize(
    ("annotation", "citation"),
    [
        (CITED, Citation(uri="https://e.com", title="E", start_index=1, end_index=2)),
        (
            {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 2},
            Citation(source_id="file_1", title="a.pdf"),
        ),
        (
            {"type": "container_file_citation", "container_id": "c", "file_id": "file_1", "start_index": 0, "end_index": 2},
            Citation(source_id="file_1", start_index=0, end_index=2),
        ),
        ({"type": "of_the_future", "start_index": 2, "end_index": 1, "url": 5}, Citation()),
    ],
)
def test_citations_are_those_of_their_own_text(annotation: dict[str, Any], citation: Citation) -> None:
    content = [{"type": "output_text", "text": "ab"}, {"type": "output_text", "text": "cd", "annotations": [annotation, 1]}]
    first, second = decoded({**WORDS, "content": content}).candidates[0].parts
    (found,) = second.citations
    assert details(found) == annotation
    found.ClearField("provider_details_json")
    assert (list(first.citations), found) == ([], citation)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_is_made_in_the_background(status: str) -> None:
    outputs: list[Any] = [[], None]
    for output in outputs:
        answer = decoded(status=status, output=output, background=True, usage=None)
        (candidate,) = answer.candidates
        assert (list(candidate.parts), candidate.finish_reason, candidate.raw_finish_reason) == ([], 0, status)
        assert details(answer) == {"background": True, "status": status}
    with pytest.raises(GatewayError, match="not complete"):
        decoded(status=status, output=[], background=False)


def test_log_probabilities() -> None:
    token = {"token": "Hi", "bytes": [72, 105], "logprob": -0.5, "top_logprobs": [{"token": "Yo", "logprob": -1}]}
    (candidate,) = decoded({**WORDS, "content": [{"type": "output_text", "text": "Hi", "logprobs": [token]}]}).candidates
    (found,) = candidate.logprobs.content
    assert (found.token, found.token_bytes, found.logprob, found.top[0].logprob) == ("Hi", b"Hi", -0.5, -1.0)
    assert not decoded(WORDS).candidates[0].HasField("logprobs")


def test_a_drawn_picture_is_media() -> None:
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "output_format": "webp", "result": "AA=="}
    (part,) = decoded(item).candidates[0].parts
    assert (part.media.kind, part.media.uri) == (MediaKind.MEDIA_KIND_IMAGE, "data:image/webp;base64,AA==")


def test_what_only_this_dialect_knows_is_opaque() -> None:
    item = {"type": "of_the_future", "n": 1}
    (part,) = decoded(item).candidates[0].parts
    assert (part.opaque.dialect, json.loads(part.opaque.json)) == ("openai-responses", item)


def test_content_that_only_this_dialect_knows_stays_in_its_message() -> None:
    future = {"type": "output_of_the_future", "n": 1}
    for content in ([future, *WORDS["content"]], [*WORDS["content"], future]):
        answer = decoded({**WORDS, "role": "assistant", "content": content})
        (item,) = json.loads(encode_json(response_object(answer, {}, "resp_1", 7)))["output"]
        assert [piece["type"] for piece in item["content"]] == [piece["type"] for piece in content]
        assert future in item["content"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}, Reason.RATE_LIMITED),
        ({"status": "failed", "error": {"code": "invalid_image", "message": "m"}}, Reason.UPSTREAM_REJECTED),
        ({"status": "failed", "error": {"code": "bio_policy", "message": "m"}}, Reason.CONTENT_FILTERED),
        ({"status": "failed", "error": {"code": "vector_store_timeout", "message": "m"}}, Reason.UPSTREAM_TIMEOUT),
        ({"status": "failed", "error": {"code": "of_the_future", "message": "m"}}, Reason.UPSTREAM_UNAVAILABLE),
        ({"status": "failed"}, Reason.UPSTREAM_UNAVAILABLE),
        ({"status": "completed", "error": "m"}, Reason.UPSTREAM_UNAVAILABLE),
        ({"status": "cancelled", "output": []}, Reason.UPSTREAM_UNAVAILABLE),
        ({"status": "completed"}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"status": "completed", "output": [1]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"status": "completed", "output": [{"id": "x"}]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"status": "completed", "output": [{**CALL, "name": ""}]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"status": "completed", "output": [{**WORDS, "content": "x"}]}, Reason.UPSTREAM_INVALID_RESPONSE),
        ({"status": "completed", "output": [{**WORDS, "content": [1]}]}, Reason.UPSTREAM_INVALID_RESPONSE),
        (
            {"status": "completed", "output": [{**WORDS, "content": [{"type": "output_text"}]}]},
            Reason.UPSTREAM_INVALID_RESPONSE,
        ),
        ([], Reason.UPSTREAM_INVALID_RESPONSE),
        (b"", Reason.UPSTREAM_INVALID_RESPONSE),
        (b"<html>", Reason.UPSTREAM_INVALID_RESPONSE),
    ],
)
def test_what_is_no_answer(body: Any, reason: Reason) -> None:
    found, message = failed(body)
    assert found is reason
    assert message
