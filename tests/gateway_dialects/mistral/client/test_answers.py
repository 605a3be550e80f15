"""What Mistral's answers, streams, refusals and model lists mean, whole or broken."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Endpoint, ServerSentEvent
from gateway_dialects.mistral import CLIENT as MISTRAL
from gateway_dialects.openai.render_response import render_chat as render_openai
from gateway_dialects.openai.render_stream import ChunkRenderer
from tests.gateway_dialects.openai.client.shapes import BODIES, CHOICE, VALUES
from tests.laws.reading import read_stream
from tests.recordings import exchanges

ITEM = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "thinking", "reference", 7])},
        optional={
            "text": VALUES,
            "thinking": st.one_of(VALUES, st.lists(st.one_of(VALUES, st.fixed_dictionaries({"text": VALUES})), max_size=3)),
            "signature": VALUES,
            "closed": VALUES,
        },
    ),
)
CONTENT = st.lists(ITEM, max_size=4)


def fixture(name: str) -> Any:
    return next(e for e in exchanges() if e.name == f"fixtures-mistral/{name}")


def refused(status: int, body: object) -> GatewayError:
    return MISTRAL.chat.decode_error(status, {"mistral-correlation-id": "c-1"}, json.dumps(body).encode())


def test_thinking_taken_up_again_keeps_its_place() -> None:
    answer = accumulate(read_stream(MISTRAL, [fixture("stream_thinking_interleaved").stream]))
    parts = answer.candidates[0].parts

    assert [part.WhichOneof("kind") for part in parts] == ["reasoning", "text", "reasoning", "opaque", "text"]
    assert [part.text or part.reasoning.text for part in parts] == ["First thought", "One said", "Again", "", "Two."]
    assert json.loads(parts[3].opaque.json)["thinking"] == [{"type": "reference", "reference_ids": [0, "a"]}]


def test_whose_reasoning_it_is() -> None:
    whole = MISTRAL.chat.decode(json.dumps(fixture("thinking_history").body).encode(), "p")
    folded = accumulate(read_stream(MISTRAL, [fixture("stream_thinking").stream]))
    spelled = {"id": "1", "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": "stop"}]}
    other = accumulate(read_stream(MISTRAL, [f"data: {json.dumps(spelled)}\n\n".encode()]))

    for answer in (whole, folded, other):
        assert answer.candidates[0].parts[0].reasoning.provider == "mistral"


def test_what_is_known_of_thinking_tokens_begins_no_text() -> None:
    token = {"token": "hm", "logprob": -0.5}
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    choice = {"index": 0, "delta": {"content": [thinking]}, "logprobs": {"content": [token]}, "finish_reason": "stop"}
    answer = accumulate(read_stream(MISTRAL, [f"data: {json.dumps({'id': '1', 'choices': [choice]})}\n\n".encode()]))

    assert [part.reasoning.text for part in answer.candidates[0].parts] == ["hm"]
    assert [one.token for one in answer.candidates[0].logprobs.content] == ["hm"]


def test_a_late_field_of_thinking_does_not_take_the_place_of_a_reference() -> None:
    reference = {"type": "reference", "reference_ids": [1]}
    pieces = (
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "thinking", "thinking": [reference], "closed": True},
    )
    choices = [{"index": 0, "delta": {"content": [piece]}, "finish_reason": None} for piece in pieces]
    chunks = [{"id": "1", "choices": [choice]} for choice in [*choices, {"index": 0, "delta": {}, "finish_reason": "stop"}]]
    batches = read_stream(MISTRAL, [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks])
    thinking, opaque = accumulate(batches).candidates[0].parts

    assert json.loads(opaque.opaque.json)["thinking"] == [reference]
    assert json.loads(thinking.provider_details_json["openai"]) == {"closed": True}
    writer = ChunkRenderer(include_usage=True, fallback_id="x", now=1)
    assert b"reference_ids" in b"".join(writer.render(batch) for batch in batches)


def test_padding_is_not_carried() -> None:
    events = [event for batch in read_stream(MISTRAL, [fixture("stream_text").stream]) for event in batch.events]

    assert not any(event.finished.provider_details_json or event.started.provider_details_json for event in events)


def test_every_token_counts() -> None:
    usage = MISTRAL.chat.decode(json.dumps(fixture("audio_usage").body).encode(), "p").usage

    assert (usage.input_tokens, usage.output_tokens, usage.input_audio_tokens, usage.total_tokens) == (384, 201, 375, 585)


def test_clients_of_openais_form_get_text_and_reasoning() -> None:
    answer = MISTRAL.chat.decode(json.dumps(fixture("thinking_history").body).encode(), "p")
    message = json.loads(render_openai(answer, "fallback", 1))["choices"][0]["message"]

    assert message["content"] == "It is noon ."
    assert message["reasoning_content"] == "The user asks"
    assert message["opaque"][0]["content"]["type"] == "reference"


def test_a_context_that_is_full_is_a_cut() -> None:
    answer = MISTRAL.chat.decode(json.dumps(fixture("model_length").body).encode(), "p")

    assert json.loads(render_openai(answer, "fallback", 1))["choices"][0]["finish_reason"] == "length"
    assert answer.candidates[0].raw_finish_reason == "model_length"


EXTRA = {"type": "extra_forbidden", "loc": ["body", "messages", 0, "user", "name"], "msg": "Extra inputs are not permitted"}
MISSING = {"type": "missing", "loc": ["body", "tools", 1, "function", "name"], "msg": "Field required"}


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [EXTRA]},
        {"object": "error", "message": {"detail": [EXTRA]}, "type": "invalid_request_error", "param": None, "code": None},
        {"object": "Error", "detail": [EXTRA], "message": [EXTRA], "type": "invalid_request_error", "code": 3001},
    ],
)
def test_a_refused_field_is_named_as_the_client_wrote_it(body: dict[str, Any]) -> None:
    found = refused(422, body)

    assert (found.reason, found.field) == (Reason.UPSTREAM_REJECTED, "messages[0].name")
    assert found.message == "Extra inputs are not permitted"
    assert found.metadata["upstream_type"] == "extra_forbidden"
    assert found.metadata["upstream_request_id"] == "c-1"


def test_all_refused_fields_are_told() -> None:
    found = refused(422, {"detail": [EXTRA, MISSING, "odd"]})

    assert found.message == "messages[0].name: Extra inputs are not permitted; tools[1].function.name: Field required"
    assert found.field == "messages[0].name"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {"detail": "Invalid API Key"}, Reason.UPSTREAM_AUTH),
        (429, {"object": "error", "message": "Requests rate limit exceeded", "code": "1300"}, Reason.RATE_LIMITED),
        (429, {"message": "Service tier capacity exceeded", "type": "service_tier_capacity_exceeded"}, Reason.RATE_LIMITED),
        (400, {"message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, Reason.MODEL_NOT_FOUND),
        (
            400,
            {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
            Reason.CONTEXT_LENGTH_EXCEEDED,
        ),
        (
            400,
            {"message": "Unexpected role 'user' after role 'tool'", "type": "invalid_request_message_order", "code": "3230"},
            Reason.UPSTREAM_REJECTED,
        ),
        (422, {"detail": []}, Reason.UPSTREAM_REJECTED),
        (422, {"message": {"detail": {"msg": 1}}}, Reason.UPSTREAM_REJECTED),
        (422, {"detail": [{"msg": "m", "loc": [None, {}, 1]}]}, Reason.UPSTREAM_REJECTED),
        (503, "upstream connect error", Reason.UPSTREAM_OVERLOADED),
    ],
)
def test_refusals(status: int, body: object, reason: Reason) -> None:
    assert refused(status, body).reason is reason


def test_the_list_of_models() -> None:
    listed = {"object": "list", "data": [{"id": "mistral-large-2512", "created": 5, "max_context_length": 262144}]}
    [model] = MISTRAL.list_models.decode(json.dumps(listed).encode(), "mistral")
    upstream = MISTRAL.list_models.encode(None, "", Endpoint("mistral", "mistral", "https://api.mistral.ai/v1")).request

    assert (model.id, model.created, model.context_length) == ("mistral/mistral-large-2512", 5, 262144)
    assert (upstream.method, upstream.url) == ("GET", "https://api.mistral.ai/v1/models")


@given(st.one_of(BODIES, CONTENT.map(lambda content: json.dumps({"choices": [{"message": {"content": content}}]}).encode())))
@settings(max_examples=200)
def test_no_answer_raises_anything_else(body: bytes) -> None:
    try:
        MISTRAL.chat.decode(body, "p").SerializeToString()
    except GatewayError as failure:
        assert failure.message


@given(st.lists(st.one_of(CHOICE, CONTENT.map(lambda content: {"delta": {"content": content}})), max_size=4))
@settings(max_examples=200)
def test_no_stream_raises_anything_else(choices: list[object]) -> None:
    decoder, batch = MISTRAL.stream.decoder(), StreamResponse()
    try:
        for choice in choices:
            decoder.feed(ServerSentEvent(json.dumps({"id": "1", "choices": [choice]}).encode()), batch)
        decoder.finish(batch)
    except GatewayError as failure:
        assert failure.message
    batch.SerializeToString()
