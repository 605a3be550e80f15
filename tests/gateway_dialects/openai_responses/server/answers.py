"""Answers in the contract's terms, as other providers give them, and what clients see of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import (
    CandidateFinish,
    Finished,
    PartDelta,
    PartFinished,
    PartStarted,
    Started,
    StreamEvent,
    StreamResponse,
)
from gateway_dialects.kit.json import encode_json
from gateway_dialects.openai_responses.render_response import response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.laws.languages.openai_responses import check_order, events_of

STOP = FinishReason.FINISH_REASON_STOP
Event = PartStarted | PartDelta | PartFinished


def answer(*parts: Part, finish: FinishReason.ValueType = STOP, **fields: Any) -> ChatResponse:
    return ChatResponse(model="m", candidates=[Candidate(parts=parts, finish_reason=finish)], **fields)


def rendered(response: ChatResponse, echo: Mapping[str, Any] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode_json(response_object(response, dict(echo or {}), "resp_1", 7)))
    return body


def output_of(*parts: Part) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = rendered(answer(*parts))["output"]
    return items


def batch(*events: Event) -> StreamResponse:
    return StreamResponse(events=[event_of(event) for event in events])


def event_of(event: Event) -> StreamEvent:
    match event:
        case PartStarted():
            return StreamEvent(part_started=event)
        case PartDelta():
            return StreamEvent(part_delta=event)
        case _:
            return StreamEvent(part_finished=event)


def stream_of(*events: Event, started: Started | None = None, ending: CandidateFinish | None = None) -> bytes:
    """The bytes of a whole stream."""
    renderer = ChunkRenderer(echo={}, fallback_id="resp_1", now=7)
    finished = Finished(candidates=[ending or CandidateFinish(finish_reason=STOP)])
    begin = StreamResponse(events=[StreamEvent(started=started or Started(model="m"))])
    end = StreamResponse(events=[StreamEvent(finished=finished)])
    stream = b"".join(renderer.render(one) for one in (begin, batch(*events), end))
    check_order(stream)
    assert events_of(stream)[-1]["response"] == json.loads(json.dumps(renderer.response))
    return stream


def live(*events: Event, ending: CandidateFinish | None = None) -> list[dict[str, Any]]:
    """The events between the announcement of the response and its end, without their numbers."""
    found = events_of(stream_of(*events, ending=ending))[2:-1]
    return [{name: value for name, value in event.items() if name != "sequence_number"} for event in found]


def types(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def whole_text(*events: Event) -> list[dict[str, Any]]:
    """The output of the response that a stream ends with."""
    items: list[dict[str, Any]] = events_of(stream_of(*events))[-1]["response"]["output"]
    return items
