"""Made-up conversations as clients of every face write them, sent to every dialect."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from dragoman.v1.chat_pb2 import ChatRequest
from tests.properties.conversations import requests
from tests.properties.faces import FACES, Face
from tests.properties.pairing import CALLS, RESULTS
from tests.properties.targets import EVERY_DIALECT, Target
from tests.properties.test_requests import SYSTEM_PLACES, check_arguments, quick
from tests.properties.told import MARKER, marker_of, order_of, read, strings_in, texts_of


def written(face: Face, request: ChatRequest) -> bytes:
    """The conversation in the face's form: what the dialect of the same name would be sent."""
    own = next(target for target in EVERY_DIALECT if target.dialect.name == face.name)
    return own.encode(request)[2].body


def check_arrival(request: ChatRequest, parsed: ChatRequest, target: Target) -> None:
    told = read(request)
    body, _, _ = target.encode(parsed)
    strings = list(strings_in({name: value for name, value in body.items() if name not in SYSTEM_PLACES}))
    # Cohere's clients know no words beside calls but a plan, which is a thought.
    thought = {marker_of(part.reasoning.text) for part in read(parsed).thoughts}
    spoken = [marker for text in told.spoken if (marker := marker_of(text)) not in thought]
    assert order_of(spoken, strings) == spoken
    system = [marker_of(text) for text in told.system]
    assert sorted(order_of(system, list(strings_in(body)))) == sorted(system)
    calls, results = list(CALLS[target.dialect.name](body)), list(RESULTS[target.dialect.name](body))
    assert [name for _, name, _ in calls] == [call.name for call in told.calls]
    for call, (_, _, arguments) in zip(told.calls, calls, strict=True):
        check_arguments(call.arguments_json, arguments)
    position = {call.id: index for index, call in enumerate(told.calls)}
    for result, (sent_id, text) in zip(told.results, results, strict=True):
        assert sent_id == calls[position[result.tool_call_id]][0]
        assert MARKER.findall(text) == [marker_of(part) for part in texts_of(result)]


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
@settings(quick, max_examples=40)
@given(request=requests(rich=False))
def test_what_clients_of_every_face_say_reaches_every_dialect(face: Face, request: ChatRequest) -> None:
    parsed = face.parse(json.dumps({"model": "m", **json.loads(written(face, request))}).encode())
    for target in EVERY_DIALECT:
        check_arrival(request, parsed, target)
