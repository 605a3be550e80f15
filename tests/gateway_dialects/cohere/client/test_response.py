import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_LENGTH, FINISH_REASON_STOP, FINISH_REASON_TOOL_CALLS, FinishReason
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.cohere.words import write_citations
from tests.gateway_dialects.cohere.client.answers import PAGE, RESULT, candidate_of, decoded, details


def kinds(parts: Any) -> list[str]:
    return [part.WhichOneof("kind") for part in parts]


def test_an_answer() -> None:
    response = decoded(message={"content": [{"type": "text", "text": "Hi"}]}, usage={"tokens": {"input_tokens": 3}})

    assert (response.id, response.model, response.usage.input_tokens) == ("a1", "", 3)
    assert response.candidates[0].parts[0].text == "Hi"
    assert response.candidates[0].finish_reason == FINISH_REASON_STOP


def test_the_plan_is_reasoning_and_known_as_the_plan() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    candidate = candidate_of("TOOL_CALL", message={"tool_plan": "I will look.", "tool_calls": [call]})
    plan, tool_call = candidate.parts

    assert (plan.reasoning.text, plan.reasoning.provider) == ("I will look.", "cohere")
    assert dict(plan.provider_details_json) == {"cohere.form": '{"plan":true}'}
    assert (tool_call.tool_call.id, tool_call.tool_call.name) == ("c1", "f")
    assert tool_call.tool_call.arguments_json == '{"a": 1}'
    assert candidate.finish_reason == FINISH_REASON_TOOL_CALLS


@pytest.mark.parametrize("arguments", [None, "", "null", " null "])
def test_a_tool_that_takes_nothing_is_called_with_an_empty_object(arguments: str | None) -> None:
    call = {"id": "c1", "function": {"name": "f", "arguments": arguments}}

    assert candidate_of(message={"tool_calls": [call]}).parts[0].tool_call.arguments_json == "{}"


def test_broken_arguments_are_carried_as_they_are() -> None:
    calls = [{"id": "c1", "function": {"name": "f", "arguments": text}} for text in ("{broken", "nullable")]
    parts = candidate_of(message={"tool_calls": calls}).parts

    assert [part.tool_call.arguments_json for part in parts] == ["{broken", "nullable"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("COMPLETE", FINISH_REASON_STOP),
        ("STOP_SEQUENCE", FINISH_REASON_STOP),
        ("MAX_TOKENS", FINISH_REASON_LENGTH),
        ("TOOL_CALL", FINISH_REASON_TOOL_CALLS),
        ("PAUSED", FINISH_REASON_STOP),
    ],
)
def test_how_answers_end(word: str, reason: FinishReason.ValueType) -> None:
    candidate = candidate_of(word, message={"content": "Hi"})

    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, word)
    assert details(candidate, "cohere") == ({"finish_reason": "PAUSED"} if word == "PAUSED" else {})


@pytest.mark.parametrize(
    ("word", "fields", "reason"),
    [
        ("ERROR", {}, Reason.UPSTREAM_UNAVAILABLE),
        ("ERROR", {"error_type": "INVALID_TOOL_GENERATION"}, Reason.UPSTREAM_INVALID_RESPONSE),
        ("ERROR", {"error_type": "TOO_MANY_TOKENS"}, Reason.CONTEXT_LENGTH_EXCEEDED),
        ("ERROR_LIMIT", {}, Reason.CONTEXT_LENGTH_EXCEEDED),
        ("ERROR_TOXIC", {}, Reason.CONTENT_FILTERED),
        ("TIMEOUT", {}, Reason.UPSTREAM_TIMEOUT),
    ],
)
def test_answers_that_failed(word: str, fields: dict[str, str], reason: Reason) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(word, message={"content": [{"type": "text", "text": "Half"}]}, error="it broke", **fields)
    assert (caught.value.reason, caught.value.message) == (reason, "it broke")
    assert caught.value.metadata["upstream_type"] == fields.get("error_type", word)


def test_citations_stand_on_what_they_cite() -> None:
    citations = [
        {"start": 0, "end": 4, "text": "Well", "sources": [PAGE], "content_index": 0, "type": "THINKING_CONTENT"},
        {"start": 1, "end": 2, "text": "b", "sources": [PAGE, RESULT], "content_index": 1},
        {"start": 0, "end": 3, "text": "def", "sources": [PAGE], "content_index": 2},
    ]
    content = [{"type": "thinking", "thinking": "Well"}, {"type": "text", "text": "abc"}, {"type": "text", "text": "def"}]
    candidate = candidate_of(message={"content": content, "citations": citations})

    assert [[details(citation, "cohere") for citation in part.citations] for part in candidate.parts] == [
        [citations[0]],
        [citations[1], {}],
        [citations[2]],
    ]
    page, result = candidate.parts[1].citations
    assert (page.uri, page.title, page.source_id) == ("https://example.com/r", "Ruby", "d")
    assert (page.cited_text, page.start_index, page.end_index) == ("b", 1, 2)
    assert (result.uri, result.source_id, result.start_index, result.end_index) == ("", "c1:0", 1, 2)
    assert result.provider_details_json["cohere.form"] == '{"source":1}'
    assert write_citations(candidate.parts[1].citations, candidate.parts[1], 1) == [citations[1]]


def test_a_citation_without_an_index_is_of_the_first_text() -> None:
    citation = {"start": 0, "end": 1, "text": "a", "sources": [RESULT]}
    content = [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "abc"}]
    candidate = candidate_of(message={"tool_plan": "p", "content": content, "citations": [citation]})

    assert [len(part.citations) for part in candidate.parts] == [0, 0, 1]
    assert details(candidate.parts[2].citations[0], "cohere") == citation


def test_a_citation_of_the_plan() -> None:
    citation = {"start": 0, "end": 1, "text": "I", "sources": [RESULT], "type": "PLAN"}
    calls = [{"id": "c1", "function": {"name": "f"}}]
    candidate = candidate_of("TOOL_CALL", message={"tool_plan": "I will.", "tool_calls": calls, "citations": [citation]})

    assert [details(found, "cohere") for found in candidate.parts[0].citations] == [citation]


def test_citations_of_nothing_stay_with_the_message() -> None:
    lost: list[Any] = [{"start": 0, "end": 1, "content_index": 9}, "odd", {"start": 0, "type": "PLAN"}]
    placed = {"start": 0, "content_index": 0}
    candidate = candidate_of(message={"content": [{"type": "text", "text": "a"}], "citations": [*lost, placed]})

    assert details(candidate, "cohere") == {"message": {"citations": lost}}
    assert [details(citation, "cohere") for citation in candidate.parts[0].citations] == [placed]


@pytest.mark.parametrize(
    "place", [{}, {"start": 0}, {"start": -1, "end": 1}, {"start": 2, "end": 1}, {"start": 0, "end": 2**40}]
)
def test_a_citation_of_another_form_keeps_its_json(place: dict[str, int]) -> None:
    odd = {**place, "text": 5, "sources": ["x", {"document": "y", "id": 7}]}
    citation = candidate_of(message={"content": "abc", "citations": [odd]}).parts[0].citations[0]

    assert details(citation, "cohere") == odd
    assert not (citation.HasField("start_index") or citation.HasField("end_index"))
    assert (citation.uri, citation.cited_text, citation.source_id) == ("", "", "")


def test_log_probabilities() -> None:
    items = [
        {"text": "Hi", "token_ids": [7], "logprobs": [-0.25]},
        {"text": "!?", "token_ids": [8, 9], "logprobs": [-0.5, -1.0]},
        {"text": "x", "token_ids": [1]},
    ]
    candidate = candidate_of(message={"content": "Hi!?"}, logprobs=items)

    assert [(token.token, token.logprob) for token in candidate.logprobs.content] == [("Hi", -0.25), ("!?", -1.5)]
    assert details(candidate, "cohere") == {"logprobs": items}


def test_what_is_not_known_here_is_carried() -> None:
    block = {"type": "song", "notes": ["a"]}
    response = decoded(message={"content": [block], "mood": "fine"}, speed=2)

    assert kinds(response.candidates[0].parts) == ["opaque"]
    assert json.loads(response.candidates[0].parts[0].opaque.json) == block
    assert details(response.candidates[0], "cohere") == {"message": {"mood": "fine"}}
    assert details(response, "cohere") == {"speed": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"message":null,"finish_reason":"COMPLETE"}',
        b'{"message":{"content":[]}}',
        b'{"message":{"content":[1]},"finish_reason":"COMPLETE"}',
        b'{"message":{"content":5},"finish_reason":"COMPLETE"}',
        b'{"message":{"tool_calls":[1]},"finish_reason":"COMPLETE"}',
        b'{"message":{"tool_calls":[{"function":"f"}]},"finish_reason":"COMPLETE"}',
        b'{"message":{"citations":5},"finish_reason":"COMPLETE"}',
    ],
)
def test_answers_that_break_the_format(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        COHERE.chat.decode(body, "p")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_an_error_in_place_of_an_answer() -> None:
    with pytest.raises(GatewayError) as caught:
        COHERE.chat.decode(b'{"message":"internal error","id":"x"}', "p")
    assert (caught.value.reason, caught.value.message) == (Reason.UPSTREAM_UNAVAILABLE, "internal error")
