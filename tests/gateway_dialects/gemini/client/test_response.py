"""Whole answers, as any client should see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import FinishReason
from dragoman.v1.content_pb2 import Citation, MediaKind, Part, Signature
from gateway_dialects.gemini import CLIENT as GEMINI
from tests.gateway_dialects.gemini.client.answering import answer, candidate, decoded, failure

CALL = {"functionCall": {"name": "f", "args": {"x": 1}}}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "STOP"),
        ("MAX_TOKENS", "LENGTH"),
        ("SAFETY", "CONTENT_FILTER"),
        ("RECITATION", "CONTENT_FILTER"),
        ("LANGUAGE", "CONTENT_FILTER"),
        ("BLOCKLIST", "CONTENT_FILTER"),
        ("PROHIBITED_CONTENT", "CONTENT_FILTER"),
        ("SPII", "CONTENT_FILTER"),
        ("IMAGE_SAFETY", "CONTENT_FILTER"),
        ("MODEL_ARMOR", "CONTENT_FILTER"),
        ("OTHER", "ERROR"),
        ("NO_IMAGE", "ERROR"),
        ("TOO_MANY_TOOL_CALLS", "ERROR"),
        ("WORD_OF_THE_FUTURE", "STOP"),
    ],
)
def test_finish_reasons(word: str, reason: str) -> None:
    (found,) = decoded(answer("x", finish=word)).candidates
    assert FinishReason.Name(found.finish_reason) == f"FINISH_REASON_{reason}"
    assert found.raw_finish_reason == word


def test_stop_beside_calls_means_that_results_are_awaited() -> None:
    assert decoded(answer(CALL)).candidates[0].finish_reason == FinishReason.FINISH_REASON_TOOL_CALLS
    assert decoded(answer(CALL, finish="MAX_TOKENS")).candidates[0].finish_reason == FinishReason.FINISH_REASON_LENGTH
    assert decoded(answer(CALL, finish="SAFETY")).candidates[0].finish_reason == FinishReason.FINISH_REASON_CONTENT_FILTER


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"])
def test_an_answer_that_cannot_be_read_is_worth_another_attempt(word: str) -> None:
    error = failure({"candidates": [{"finishReason": word, "finishMessage": "Malformed function call: f(", "index": 0}]})
    assert error.reason is Reason.UPSTREAM_INVALID_RESPONSE
    assert error.retries_same_target
    assert word in error.message
    assert "f(" in error.message


def test_a_refused_prompt_is_an_empty_filtered_answer() -> None:
    response = decoded({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}})
    (found,) = response.candidates
    assert (found.finish_reason, found.raw_finish_reason) == (FinishReason.FINISH_REASON_CONTENT_FILTER, "SAFETY")
    assert not found.parts
    assert response.usage.input_tokens == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"candidates": []},
        {"candidates": [], "promptFeedback": {"safetyRatings": []}},
        {"candidates": [{"content": {}, "index": 0}]},
        {"candidates": {}},
        {"candidates": ["x"]},
        {"candidates": [{"content": {"parts": {}}}]},
        {"candidates": [{"content": {"parts": ["x"]}}]},
        {"candidates": [{"content": {"parts": [{"text": ""}]}}]},
        [],
        "text",
    ],
)
def test_answers_that_break_the_format(body: Any) -> None:
    assert failure(body).reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_an_error_inside_a_good_status() -> None:
    error = failure({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})
    assert (error.reason, error.message) == (Reason.UPSTREAM_OVERLOADED, "overloaded")


def test_cut_answers_without_words() -> None:
    (found,) = decoded({"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}).candidates
    assert (found.finish_reason, len(found.parts)) == (FinishReason.FINISH_REASON_LENGTH, 0)


def test_words_and_thoughts() -> None:
    thought = {"text": "hm", "thought": True, "thoughtSignature": "dA=="}
    (found,) = decoded(answer(thought, {"text": ""}, "So.")).candidates
    reasoning, text = found.parts
    assert (reasoning.reasoning.text, reasoning.reasoning.summary) == ("hm", True)
    assert (reasoning.reasoning.signature, reasoning.reasoning.provider) == ("dA==", "gemini")
    assert text.text == "So."


def test_calls_without_ids_get_ids_that_last() -> None:
    body = answer(CALL, CALL, {"functionCall": {"name": "g"}}, responseId="r")
    first, second, third = decoded(body).candidates[0].parts
    ids = {part.tool_call.id for part in (first, second, third)}
    assert len(ids) == 3
    assert all(call_id.startswith("call_") and call_id[5:].isalnum() and len(call_id) <= 40 for call_id in ids)
    assert decoded(body).candidates[0].parts[0] == first
    assert decoded({**body, "responseId": "other"}).candidates[0].parts[0].tool_call.id not in ids
    assert (first.tool_call.name, first.tool_call.arguments_json) == ("f", '{"x":1}')
    assert third.tool_call.arguments_json == "{}"


def test_ids_are_kept_where_there_are_some() -> None:
    (part,) = decoded(answer({"functionCall": {"id": "c1", "name": "f"}})).candidates[0].parts
    assert part.tool_call.id == "c1"
    assert not part.provider_details_json
    assert not part.HasField("signature")


def test_signatures() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AAE="}, "thoughtSignature": "aW1n"}
    body = answer({"text": "So.", "thoughtSignature": "bGFzdA=="}, {**CALL, "thoughtSignature": "c2ln"}, CALL, image)
    text, call, other, picture = decoded(body).candidates[0].parts
    assert text.signature == Signature(provider="gemini", value="bGFzdA==")
    assert call.signature == Signature(provider="gemini", value="c2ln")
    assert not other.HasField("signature")
    assert picture.signature.value == "aW1n"


def test_a_signature_behind_a_text_is_that_of_the_text() -> None:
    late = {"text": "", "thoughtSignature": "c2ln"}
    (part,) = decoded(answer("So.", late)).candidates[0].parts
    assert part == Part(text="So.", signature=Signature(provider="gemini", value="c2ln"))
    parts = decoded(answer("So.", late, late)).candidates[0].parts
    assert [found.text for found in parts] == ["So.", ""]


def test_media() -> None:
    blobs = [
        {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "_-8="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "no base64!"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/a"}},
    ]
    image, sound, broken, film = (part.media for part in decoded(answer(*blobs)).candidates[0].parts)
    assert (image.kind, image.data) == (MediaKind.MEDIA_KIND_IMAGE, b"\0\1")
    assert (sound.kind, sound.data) == (MediaKind.MEDIA_KIND_AUDIO, b"\xff\xef")
    assert broken.uri == "data:application/pdf;base64,no base64!"
    assert (film.kind, film.uri) == (MediaKind.MEDIA_KIND_VIDEO, "gs://b/a")


def test_what_only_gemini_understands_is_opaque() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}
    (part,) = decoded(answer(code)).candidates[0].parts
    assert (part.opaque.dialect, json.loads(part.opaque.json)) == ("gemini", code)


def test_the_head() -> None:
    response = decoded(
        answer(
            "x",
            responseId="r1",
            modelVersion="gemini-2.5-flash-001",
            createTime="2026-01-02T03:04:05.5Z",
            usageMetadata={"serviceTier": "flex"},
        )
    )
    assert (response.id, response.model, response.created) == ("r1", "gemini-2.5-flash-001", 1767323045)
    assert response.service_tier == "flex"


@pytest.mark.parametrize("time", ["yesterday", 7, None])
def test_a_time_that_is_none(time: Any) -> None:
    assert decoded(answer("x", createTime=time)).created == 0


def test_candidates_by_their_index() -> None:
    response = decoded({"candidates": [candidate("a", index=1), candidate("b"), candidate("c", index="odd")]})
    assert [found.index for found in response.candidates] == [1, 1, 2]


def test_log_probabilities() -> None:
    result = {
        "chosenCandidates": [{"token": "Hi", "tokenId": 3, "logProbability": -0.5}, {"token": "!"}, "odd"],
        "topCandidates": [{"candidates": [{"token": "Hi", "logProbability": -0.5}, {"token": "Ho", "logProbability": -1}]}],
    }
    (found,) = decoded({"candidates": [candidate("Hi!", logprobsResult=result)]}).candidates
    first, second, odd = found.logprobs.content
    assert (first.token, first.logprob) == ("Hi", -0.5)
    assert [(top.token, top.logprob) for top in first.top] == [("Hi", -0.5), ("Ho", -1)]
    assert (second.token, len(second.top), odd.token) == ("!", 0, "")
    assert json.loads(found.provider_details_json["gemini"]) == {"logprobsResult": result}


def test_sources() -> None:
    chunks: list[Any] = [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"maps": {"uri": "https://b.example", "placeId": "b"}},
        {"retrievedContext": {"text": "Blue.", "fileSearchStore": "fileSearchStores/c"}},
        {"retrievedContext": {"text": "No address."}},
        "odd",
    ]
    grounding = {
        "groundingChunks": chunks,
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 7}, "groundingChunkIndices": [0, 1, 2, 3, 4, 9, "odd"]},
            {"segment": {"endIndex": 9}, "groundingChunkIndices": [0]},
            {"segment": {"endIndex": "odd"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 90, "endIndex": 99}, "groundingChunkIndices": [0]},
        ],
    }
    (found,) = decoded({"candidates": [candidate("é blå", CALL, "du", groundingMetadata=grounding)]}).candidates
    first, _, second = found.parts
    expected = [
        Citation(uri="https://a.example", title="A", start_index=2, end_index=5),
        Citation(uri="https://b.example", start_index=2, end_index=5),
        Citation(cited_text="Blue.", source_id="fileSearchStores/c", start_index=2, end_index=5),
        Citation(uri="https://a.example", title="A", start_index=0, end_index=5),
    ]
    for citation, chunk in zip(expected, [*chunks[:3], chunks[0]], strict=True):
        citation.provider_details_json["gemini"] = json.dumps(chunk, separators=(",", ":"))
    assert list(first.citations) == expected
    assert [(item.uri, item.start_index, item.end_index) for item in second.citations] == [("https://a.example", 0, 2)]
    assert json.loads(found.provider_details_json["gemini"]) == {"groundingMetadata": grounding}


@pytest.mark.parametrize("grounding", [{}, 7, {"groundingSupports": {}}, {"groundingSupports": [7], "groundingChunks": 3}])
def test_sources_of_an_unknown_form_stay_as_they_are(grounding: Any) -> None:
    (found,) = decoded({"candidates": [candidate("a", groundingMetadata=grounding)]}).candidates
    assert not found.parts[0].citations
    assert json.loads(found.provider_details_json["gemini"]) == {"groundingMetadata": grounding}


def test_the_model_list() -> None:
    body = {
        "models": [
            {"name": "models/gemini-2.5-flash", "displayName": "Flash", "inputTokenLimit": 1048576, "outputTokenLimit": 9},
            {"name": "publishers/google/models/x", "inputTokenLimit": "odd"},
            {"name": ""},
            7,
        ]
    }
    flash, other = GEMINI.list_models.decode(json.dumps(body).encode(), "google")
    assert (flash.id, flash.provider, flash.owned_by) == ("google/gemini-2.5-flash", "google", "google")
    assert (flash.display_name, flash.context_length) == ("Flash", 1048576)
    assert json.loads(flash.provider_details_json["gemini"]) == {"inputTokenLimit": 1048576, "outputTokenLimit": 9}
    assert (other.id, other.HasField("context_length")) == ("google/x", False)
