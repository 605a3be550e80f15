"""Every face with every dialect behind it: what clients ask arrives, and what providers answer arrives."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.reading import one_batch, read_stream
from tests.properties.answers import answers, streamed
from tests.properties.faces import FACES, FOLDERS, Face
from tests.properties.targets import EVERY_DIALECT, OTHERS, Target
from tests.properties.test_requests import check_refusal, quick
from tests.properties.told import read, strings_in
from tests.recordings import FIXTURES, Exchange, read_all

OWN = [found for found in read_all() if found.name.startswith("fixtures-")]
LEGACY = {"fixtures-openai/legacy_functions"}
"""Answers that only clients of OpenAI's face can ask for, and get whole."""
FAILING = ("error", "failed", "timeout", "unfinished")


def dialect_of(exchange: Exchange) -> str:
    return FOLDERS[exchange.vendor.removeprefix("fixtures-")]


def is_whole(exchange: Exchange) -> bool:
    return exchange.response["status"] == 200 and not any(word in exchange.name for word in FAILING)


REQUESTS = [
    (face, found)
    for face in FACES
    for found in OWN
    if found.vendor == f"fixtures-{face.fixtures}" and isinstance(found.request.get("body"), dict)
]
ANSWERS = [found for found in OWN if is_whole(found) and isinstance(found.body, dict) and found.name not in LEGACY]
STREAMS = [found for found in OWN if is_whole(found) and "stream" in found.response]


def face_named(face: Face) -> str:
    return face.name


def exchange_named(exchange: Exchange) -> str:
    return exchange.name.removeprefix("fixtures-")


@pytest.mark.parametrize("target", [*EVERY_DIALECT, *OTHERS], ids=lambda target: target.name)
@pytest.mark.parametrize(("face", "exchange"), REQUESTS, ids=lambda value: value.name)
def test_what_clients_ask_arrives(face: Face, exchange: Exchange, target: Target) -> None:
    request = face.parse(json.dumps(exchange.request["body"]).encode())
    try:
        body, warnings, _ = target.encode(request)
    except GatewayError as error:
        check_refusal(request, error)
        return
    sent, told = " ".join(strings_in(body)), read(request)
    for text in (*told.spoken, *told.system):
        # How a client of the dialect divided its words is given back to the dialect, which the laws prove.
        assert target.dialect.name == face.name or text.strip() in sent
    assert all(warning.field and warning.message for warning in warnings)


def words(candidate: Candidate, *, spoken: bool = False) -> list[str]:
    """Everything that a reader sees, in no order: some faces keep refusals apart from text. spoken: with the words of sound,
    which faces without sound show as text."""
    said = [part.text + part.refusal + (part.media.transcript if spoken else "") for part in candidate.parts]
    return sorted("".join(said))


def texts(candidate: Candidate) -> str:
    return "".join(part.text for part in candidate.parts)


def calls(candidate: Candidate) -> list[tuple[str, object]]:
    return [(part.tool_call.name, arguments_of(part)) for part in candidate.parts if part.HasField("tool_call")]


def arguments_of(part: Part) -> object:
    call = part.tool_call
    if call.HasField("input"):
        # What a face without free-form tools makes of it.
        return {"input": call.input}
    try:
        return json.loads(call.arguments_json)
    except json.JSONDecodeError:
        return call.arguments_json


def check_same(face: Face, given_answer: ChatResponse, read_answer: ChatResponse) -> None:
    """What a client of the face reads is what the provider said."""
    wanted = list(given_answer.candidates) if face.several else list(given_answer.candidates)[:1]
    assert len(read_answer.candidates) == len(wanted)
    for ours, theirs in zip(read_answer.candidates, wanted, strict=True):
        assert words(ours) in (words(theirs), words(theirs, spoken=True))
        assert texts(theirs) == texts(ours) or any(part.refusal or part.HasField("media") for part in theirs.parts)
        assert calls(ours) == calls(theirs)
        check_finish(face, ours, theirs)
    if given_answer.HasField("usage"):
        assert read_answer.usage.input_tokens == given_answer.usage.input_tokens
        assert read_answer.usage.output_tokens == given_answer.usage.output_tokens


def fails_in(face: Face, answer: ChatResponse) -> bool:
    """Cohere has no word for a filtered answer but ERROR, and a provider that says so has failed."""
    filtered = (FinishReason.FINISH_REASON_CONTENT_FILTER, FinishReason.FINISH_REASON_ERROR)
    return face.name == "cohere" and answer.candidates[0].finish_reason in filtered


def check_finish(face: Face, ours: Candidate, theirs: Candidate) -> None:
    refused = any(part.refusal for part in theirs.parts)
    if refused and ours.finish_reason == FinishReason.FINISH_REASON_CONTENT_FILTER:
        return
    if theirs.finish_reason != FinishReason.FINISH_REASON_ERROR:
        assert ours.finish_reason == theirs.finish_reason, f"{theirs.raw_finish_reason!r} became {ours.raw_finish_reason!r}"


def check_whole(face: Face, answer: ChatResponse) -> None:
    before = answer.SerializeToString(deterministic=True)
    rendered = face.render(answer)
    if not fails_in(face, answer):
        check_same(face, answer, face.dialect.chat.decode(rendered, "p"))
    assert json.loads(rendered)
    assert answer.SerializeToString(deterministic=True) == before


def check_stream(face: Face, batches: Sequence[StreamResponse]) -> None:
    """However the events travel, the client reads the answer that they fold to."""
    expected = accumulate(batches)
    written = face.write(batches)
    if fails_in(face, expected):
        return
    check_same(face, expected, accumulate(read_stream(face.dialect, [written])))
    at_once = face.write([one_batch(batches)])
    check_same(face, expected, accumulate(read_stream(face.dialect, [at_once])))


@pytest.mark.parametrize("face", FACES, ids=face_named)
@pytest.mark.parametrize("exchange", ANSWERS, ids=exchange_named)
def test_what_providers_answer_arrives(face: Face, exchange: Exchange) -> None:
    dialect = DIALECTS[dialect_of(exchange)]
    check_whole(face, dialect.chat.decode(json.dumps(exchange.body).encode(), "p"))


@pytest.mark.parametrize("face", FACES, ids=face_named)
@pytest.mark.parametrize("exchange", STREAMS, ids=exchange_named)
def test_what_providers_stream_arrives(face: Face, exchange: Exchange) -> None:
    dialect = DIALECTS[dialect_of(exchange)]
    check_stream(face, read_stream(dialect, [exchange.stream]))


@pytest.mark.parametrize("face", FACES, ids=face_named)
@quick
@given(answer=answers())
def test_any_answer_arrives(face: Face, answer: ChatResponse) -> None:
    check_whole(face, answer)


@pytest.mark.parametrize("face", FACES, ids=face_named)
@settings(quick, max_examples=25)
@given(answer=answers())
def test_any_stream_arrives(face: Face, answer: ChatResponse) -> None:
    check_stream(face, list(streamed(answer, 3)))


def test_every_dialect_has_fixtures() -> None:
    assert {dialect_of(exchange) for exchange in ANSWERS} == set(DIALECTS)
    assert {dialect_of(exchange) for exchange in STREAMS} == set(DIALECTS)
    assert {face.fixtures for face, _ in REQUESTS} | {"azure", "openai_completions"} == {
        folder.name for folder in FIXTURES.iterdir()
    }
