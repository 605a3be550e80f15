"""What Azure adds to answers, errors and model lists."""

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.azure import CLIENT as AZURE
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.reading import read_stream
from tests.recordings import exchanges

FILTERED = {
    "hate": {"filtered": True, "severity": "high"},
    "jailbreak": {"filtered": True, "detected": True},
    "sexual": {"filtered": False, "severity": "safe"},
    "odd": None,
}


def details(text: str) -> Any:
    return json.loads(text)


def fixture(name: str) -> bytes:
    return next(e.stream for e in exchanges() if e.name == f"fixtures-azure/{name}")


def refused(status: int, error: object) -> GatewayError:
    return AZURE.chat.decode_error(status, {"apim-request-id": "r-1"}, json.dumps({"error": error}).encode())


def test_filter_results_are_kept_with_the_answer_that_they_are_about() -> None:
    answer = accumulate(read_stream(AZURE, [fixture("stream_v1")]))

    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert [part.text for part in answer.candidates[0].parts] == ["Hello"]
    assert "prompt_filter_results" in details(answer.provider_details_json["openai"])
    assert "content_filter_results" in details(answer.candidates[0].provider_details_json["openai"])


def test_a_filter_that_judges_later_adds_no_content() -> None:
    answer = accumulate(read_stream(AZURE, [fixture("stream_asynchronous_filter")]))

    assert [part.text for part in answer.candidates[0].parts] == ["Hello"]
    assert details(answer.candidates[0].provider_details_json["openai"])["content_filter_offsets"]["end_offset"] == 300


@pytest.mark.parametrize("code", ["content_filter", "ResponsibleAIPolicyViolation", None])
def test_a_filtered_request_says_what_was_met(code: str | None) -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FILTERED}
    found = refused(400, {"message": "Filtered.", "type": None, "param": "prompt", "code": code, "innererror": inner})

    assert found.reason is Reason.CONTENT_FILTERED
    assert found.message == "Filtered. (met: hate: high, jailbreak)"
    assert found.field == "prompt"
    assert found.metadata["upstream_message"] == "Filtered."
    assert found.metadata["upstream_request_id"] == "r-1"


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "DeploymentNotFound", Reason.MODEL_NOT_FOUND),
        (400, "unknown_model", Reason.MODEL_NOT_FOUND),
        (401, "401", Reason.UPSTREAM_AUTH),
        (403, "PermissionDenied", Reason.UPSTREAM_AUTH),
        (429, "RateLimitReached", Reason.RATE_LIMITED),
        (400, "OperationNotSupported", Reason.UPSTREAM_REJECTED),
        (400, "context_length_exceeded", Reason.CONTEXT_LENGTH_EXCEEDED),
        (500, "InternalServerError", Reason.UPSTREAM_UNAVAILABLE),
    ],
)
def test_what_its_codes_mean(status: int, code: str, reason: Reason) -> None:
    assert refused(status, {"code": code, "message": "m"}).reason is reason


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b'{"error":[1]}', b'{"error":{"innererror":7}}', b"[" * 10_000, b'{"error":{"code":{}}}']
)
def test_a_broken_error_is_an_error_all_the_same(body: bytes) -> None:
    assert AZURE.chat.decode_error(400, {}, body).reason is Reason.UPSTREAM_REJECTED


def test_an_error_inside_a_stream_is_raised() -> None:
    event = b'data: {"error":{"message":"Too many","code":"429","type":"too_many_requests"}}\n\n'
    with pytest.raises(GatewayError, match="Too many"):
        read_stream(AZURE, [event])


def test_its_list_says_when_a_model_was_made_in_a_word_of_its_own() -> None:
    listed = {"data": [{"id": "gpt-4o", "created_at": 1646126127}, {"id": "gpt-5", "created": 5}]}
    models = AZURE.list_models.decode(json.dumps(listed).encode(), "azure")

    assert [(model.id, model.created) for model in models] == [("azure/gpt-4o", 1646126127), ("azure/gpt-5", 5)]
