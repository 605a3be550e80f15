"""Whole answers of other providers, as Gemini's clients read them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Media, MediaKind, Opaque, Part, Reasoning, Signature, ToolCall
from dragoman.v1.models_pb2 import ListModelsResponse, Model
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini.render_answer import render_chat, render_count, render_error, render_model, render_models

STOP = FinishReason.FINISH_REASON_STOP


def body_of(*parts: Part, reason: FinishReason.ValueType = STOP, raw: str = "stop", **fields: Any) -> dict[str, Any]:
    candidate = Candidate(parts=parts, finish_reason=reason, raw_finish_reason=raw)
    rendered: dict[str, Any] = json.loads(render_chat(ChatResponse(candidates=[candidate], **fields), "fallback"))
    return rendered


def parts_of(*parts: Part) -> Any:
    return body_of(*parts)["candidates"][0]["content"]["parts"]


def test_an_answer() -> None:
    usage = Usage(input_tokens=20, output_tokens=12, total_tokens=32, cache_read_tokens=8, reasoning_tokens=7)
    usage.input_audio_tokens = 5
    found = body_of(Part(text="Hi"), usage=usage, model="gpt-x", id="chatcmpl-1", service_tier="default")
    assert found == {
        "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 20,
            "candidatesTokenCount": 5,
            "totalTokenCount": 32,
            "cachedContentTokenCount": 8,
            "thoughtsTokenCount": 7,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
            "serviceTier": "standard",
        },
        "modelVersion": "gpt-x",
        "responseId": "chatcmpl-1",
    }


def test_what_the_provider_did_not_tell() -> None:
    found = body_of(Part(text="Hi"), route=RouteTrace(provider="p", model="m"))
    assert (found["responseId"], found["modelVersion"], "usageMetadata" in found) == ("fallback", "m", False)


def test_an_empty_answer_has_a_part_all_the_same() -> None:
    assert parts_of() == [{"text": ""}]


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("STOP", "end_turn", "STOP"),
        ("STOP", "COMPLETE", "STOP"),
        ("TOOL_CALLS", "tool_calls", "STOP"),
        ("LENGTH", "length", "MAX_TOKENS"),
        ("CONTENT_FILTER", "refusal", "SAFETY"),
        ("CONTENT_FILTER", "RECITATION", "RECITATION"),
        ("ERROR", "", "OTHER"),
        ("LENGTH", "STOP", "MAX_TOKENS"),
    ],
)
def test_finish_reasons(reason: str, raw: str, word: str) -> None:
    found = body_of(Part(text="x"), reason=FinishReason.Value(f"FINISH_REASON_{reason}"), raw=raw)
    assert found["candidates"][0]["finishReason"] == word


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (ToolCall(id="c", name="f", arguments_json='{"n":1.0}'), {"id": "c", "name": "f", "args": {"n": 1.0}}),
        (ToolCall(id="c", name="f"), {"id": "c", "name": "f", "args": {}}),
        (ToolCall(id="c", name="f", arguments_json='{"half'), {"id": "c", "name": "f", "args": {"_raw": '{"half'}}),
        (ToolCall(id="c", name="f", arguments_json="[1]"), {"id": "c", "name": "f", "args": {"_raw": "[1]"}}),
        (ToolCall(id="c", name="f", input="free"), {"id": "c", "name": "f", "args": {"input": "free"}}),
    ],
)
def test_calls(call: ToolCall, expected: dict[str, Any]) -> None:
    assert parts_of(Part(tool_call=call)) == [{"functionCall": expected}]


def test_words_and_media() -> None:
    assert parts_of(
        Part(refusal="No."),
        Part(reasoning=Reasoning(text="hm")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, mime_type="image/png", data=b"\0\1")),
        Part(media=Media(mime_type="image/png", uri="data:image/png;base64,AAE=")),
        Part(media=Media(mime_type="image/png", uri="https://example.com/a.png")),
        Part(media=Media(mime_type="audio/mp3", data=b"\0\1", transcript="la")),
    ) == [
        {"text": "No."},
        {"text": "hm", "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
        {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AAE="}, "partMetadata": {"dragoman": {"transcript": "la"}}},
    ]


def test_what_this_dialect_has_no_words_for() -> None:
    part = Part(opaque=Opaque(dialect="anthropic", json='{"type":"web_search_tool_result"}'))
    carried = {"dialect": "anthropic", "content": {"type": "web_search_tool_result"}}
    assert parts_of(part) == [{"text": "", "partMetadata": {"dragoman": carried}}]


def test_a_seal_of_another_provider_is_wrapped() -> None:
    part = Part(reasoning=Reasoning(text="hm", signature="anthropics", provider="anthropic"))
    (rendered,) = parts_of(part)
    assert (rendered["text"], rendered["thought"]) == ("hm", True)
    assert base64.b64decode(rendered["thoughtSignature"]).startswith(b"dragoman.1.")


def test_signatures() -> None:
    own = Signature(provider="gemini", value="c2ln")
    thought = Part(reasoning=Reasoning(text="hm", signature="dA==", provider="gemini"))
    call = Part(tool_call=ToolCall(name="f"), signature=own)
    assert parts_of(thought, Part(text="a", signature=own), call, Part(text="b", signature=Signature(provider="x"))) == [
        {"text": "hm", "thought": True, "thoughtSignature": "dA=="},
        {"text": "a", "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"},
        {"text": "b"},
    ]


A, B = (
    {"web": {"uri": "https://a.example", "title": "A"}},
    {"web": {"uri": "https://b.example", "title": "https://b.example"}},
)
FILE = {"retrievedContext": {"title": "c.pdf", "text": "Blue.", "documentName": "file-c"}}


def test_citations_of_another_provider_become_grounding() -> None:
    first = Part(text="é blå ")
    first.citations.add(uri="https://a.example", title="A", start_index=2, end_index=5)
    first.citations.add(uri="https://b.example", start_index=2, end_index=5)
    first.citations.add(uri="https://a.example", title="A", start_index=0, end_index=1)
    second = Part(text="Blue.")
    second.citations.add(source_id="file-c", title="c.pdf", cited_text="Blue.")
    found = body_of(first, Part(tool_call=ToolCall(name="f")), second)
    assert found["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [A, B, FILE],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 7, "text": "blå"}, "groundingChunkIndices": [0, 1]},
            {"segment": {"endIndex": 2, "text": "é"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 8, "endIndex": 13, "text": "Blue."}, "groundingChunkIndices": [2]},
        ],
    }


def test_grounding_of_gemini_s_own_answers_stays_as_it_was() -> None:
    part = Part(text="So.")
    part.citations.add(uri="https://a.example", title="A", start_index=0, end_index=3)
    candidate = Candidate(parts=[part], finish_reason=STOP)
    candidate.provider_details_json["gemini"] = '{"groundingMetadata":{"webSearchQueries":["q"]}}'
    found = json.loads(render_chat(ChatResponse(candidates=[candidate]), "fallback"))
    assert found["candidates"][0]["groundingMetadata"] == {"webSearchQueries": ["q"]}


def test_log_probabilities() -> None:
    top = [TokenLogprob(token="a", logprob=-0.5), TokenLogprob(token="b", logprob=-1)]
    candidate = Candidate(parts=[Part(text="a")], finish_reason=STOP)
    candidate.logprobs.CopyFrom(Logprobs(content=[TokenLogprob(token="a", logprob=-0.5, top=top)]))
    found = json.loads(render_chat(ChatResponse(candidates=[candidate]), "fallback"))
    assert found["candidates"][0]["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1}]}],
    }


def test_the_model_list() -> None:
    flash = Model(id="google/gemini-2.5-flash", provider="google", context_length=1048576)
    flash.provider_details_json["gemini"] = '{"outputTokenLimit":9,"supportedGenerationMethods":["generateContent"]}'
    other = Model(id="openai/gpt-x", provider="openai", display_name="GPT")
    cards = [
        {
            "supportedGenerationMethods": ["generateContent"],
            "outputTokenLimit": 9,
            "name": "models/google/gemini-2.5-flash",
            "displayName": "google/gemini-2.5-flash",
            "inputTokenLimit": 1048576,
        },
        {
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "name": "models/openai/gpt-x",
            "displayName": "GPT",
        },
    ]
    assert json.loads(render_models(ListModelsResponse(models=[flash, other]))) == {"models": cards}
    page = ListModelsResponse(models=[other], next_page_token="next")
    assert json.loads(render_models(page)) == {"models": cards[1:], "nextPageToken": "next"}
    assert json.loads(render_model(other)) == cards[1]
    other.max_output_tokens = 7
    assert json.loads(render_model(other))["outputTokenLimit"] == 7


def test_a_token_count() -> None:
    expected = {"totalTokens": 12, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}]}
    assert json.loads(render_count(12)) == expected


def test_an_error_of_the_client() -> None:
    assert json.loads(render_error(invalid("contents", "'contents' is empty."))) == {
        "error": {
            "code": 400,
            "message": "'contents' is empty.",
            "status": "INVALID_ARGUMENT",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_REQUEST", "domain": "dragoman.v1"},
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "contents", "description": "'contents' is empty."}],
                },
            ],
        }
    }


def test_an_error_of_a_provider() -> None:
    metadata = {"provider": "openai", "upstream_status": "429"}
    failure = GatewayError(Reason.RATE_LIMITED, "slow down", metadata=metadata, retry_after_s=1.5)
    error = json.loads(render_error(failure))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMITED",
            "domain": "dragoman.v1",
            "metadata": metadata,
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
    ]


@pytest.mark.parametrize(
    ("status", "metadata", "word"),
    [
        (401, {}, "UNAUTHENTICATED"),
        (403, {}, "PERMISSION_DENIED"),
        (404, {}, "NOT_FOUND"),
        (418, {}, "INVALID_ARGUMENT"),
        (500, {}, "INTERNAL"),
        (502, {"upstream_type": "UNAUTHENTICATED"}, "UNAVAILABLE"),
        (503, {}, "UNAVAILABLE"),
        (504, {}, "DEADLINE_EXCEEDED"),
        (400, {"upstream_type": "FAILED_PRECONDITION"}, "FAILED_PRECONDITION"),
        (400, {"upstream_type": "invalid_request_error"}, "INVALID_ARGUMENT"),
    ],
)
def test_status_words(status: int, metadata: dict[str, str], word: str) -> None:
    error = json.loads(render_error(GatewayError(Reason.INTERNAL, "m", metadata=metadata, status=status)))["error"]
    assert (error["code"], error["status"]) == (status, word)
