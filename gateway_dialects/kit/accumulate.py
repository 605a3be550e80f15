"""Folds a stream's events into the whole answer: what Chat would have returned."""

from collections.abc import Iterable, MutableMapping
from typing import Any, assert_never

import msgspec

from dragoman.v1.chat_pb2 import Candidate, ChatResponse
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, StreamEvent, StreamResponse


class Accumulator:
    """Feed it every batch in order; the answer is whole once finished has come."""

    def __init__(self) -> None:
        self.response = ChatResponse()
        self.finished = False
        self._candidates: dict[int, Candidate] = {}

    def feed(self, batch: StreamResponse) -> None:
        for event in batch.events:
            self._apply(event)

    def _apply(self, event: StreamEvent) -> None:
        match event.WhichOneof("event"):
            case "started":
                started = event.started
                merge_head(self.response, started)
                self.response.id, self.response.model = started.id, started.model
                self.response.created = started.created
                self.response.warnings.extend(started.warnings)
            case "part_started":
                begun = event.part_started
                self._candidate(begun.candidate_index).parts.append(begun.part)
            case "part_delta":
                add_delta(self._candidate(event.part_delta.candidate_index), event.part_delta)
            case "part_finished":
                ended = event.part_finished
                part = self._candidate(ended.candidate_index).parts[ended.part_index]
                if ended.HasField("signature"):
                    part.signature.CopyFrom(ended.signature)
                merge_details(part.provider_details_json, ended.provider_details_json)
            case "finished":
                self._finish(event.finished)
            case None:
                return
            case unknown:
                assert_never(unknown)

    def _candidate(self, index: int) -> Candidate:
        if index not in self._candidates:
            self._candidates[index] = Candidate(index=index)
        return self._candidates[index]

    def _finish(self, finished: Finished) -> None:
        self.finished = True
        merge_head(self.response, finished)
        if finished.HasField("usage"):
            self.response.usage.CopyFrom(finished.usage)
        for ending in finished.candidates:
            candidate = self._candidate(ending.index)
            candidate.finish_reason, candidate.raw_finish_reason = ending.finish_reason, ending.raw_finish_reason
            merge_details(candidate.provider_details_json, ending.provider_details_json)
        self.response.candidates.extend(self._candidates[index] for index in sorted(self._candidates))


def accumulate(batches: Iterable[StreamResponse]) -> ChatResponse:
    """The whole answer of a complete stream."""
    accumulator = Accumulator()
    for batch in batches:
        accumulator.feed(batch)
    return accumulator.response


def merge_head(response: ChatResponse, event: Any) -> None:
    """What started and finished both may hold; the later one wins."""
    for name in ("system_fingerprint", "service_tier"):
        if event.HasField(name):
            setattr(response, name, getattr(event, name))
    if event.HasField("route"):
        response.route.CopyFrom(event.route)
    merge_details(response.provider_details_json, event.provider_details_json)


def merge_details(into: MutableMapping[str, str], late: MutableMapping[str, str]) -> None:
    for dialect, text in late.items():
        known = into.get(dialect)
        into[dialect] = text if known is None else merge_json(known, text)


def merge_json(known_json: str, late_json: str) -> str:
    """Objects are merged with later ones, to the second level; anything else is replaced."""
    known, late = msgspec.json.decode(known_json), msgspec.json.decode(late_json)
    if not isinstance(known, dict) or not isinstance(late, dict):
        return late_json
    for name, value in late.items():
        inner = known.get(name)
        known[name] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
    return msgspec.json.encode(known).decode()


def add_delta(candidate: Candidate, delta: PartDelta) -> None:
    part = candidate.parts[delta.part_index]
    append(part, delta)
    part.citations.extend(delta.citations)
    if delta.HasField("logprobs"):
        candidate.logprobs.MergeFrom(delta.logprobs)


def append(part: Part, delta: PartDelta) -> None:
    """Adds what a delta holds to its part, without its citations."""
    match delta.WhichOneof("delta"):
        case "text":
            part.text += delta.text
        case "reasoning":
            part.reasoning.text += delta.reasoning
        case "arguments_json":
            part.tool_call.arguments_json += delta.arguments_json
        case "input":
            part.tool_call.input += delta.input
        case "refusal":
            part.refusal += delta.refusal
        case "data":
            part.media.data += delta.data
        case "transcript":
            part.media.transcript += delta.transcript
        case "signature":
            part.reasoning.signature += delta.signature
        case "encrypted":
            part.reasoning.encrypted += delta.encrypted
        case None:
            pass
        case unknown:
            assert_never(unknown)
