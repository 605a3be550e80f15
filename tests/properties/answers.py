"""Answers in the contract's terms, as hypothesis makes them up, whole and as streams."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import strategies as st

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part, Reasoning, ToolCall
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
from dragoman.v1.usage_pb2 import Usage
from tests.properties.conversations import SIGNERS, arguments, call_ids, texts

ENDS = (FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_LENGTH, FinishReason.FINISH_REASON_CONTENT_FILTER)
said = texts.map(lambda text: f"so {text}!")


@st.composite
def thoughts(draw: st.DrawFn) -> Part:
    signer = draw(st.sampled_from(SIGNERS))
    reasoning = Reasoning(text=draw(said), provider=signer)
    if signer and draw(st.booleans()):
        reasoning.signature = "c2VhbA=="
    return Part(reasoning=reasoning)


@st.composite
def candidates(draw: st.DrawFn, index: int) -> Candidate:
    """Thoughts, then words, then calls: in the order in which every provider gives them."""
    parts: list[Part] = draw(st.lists(thoughts(), max_size=1))
    parts += [Part(text=text) for text in draw(st.lists(said, max_size=1))]
    for call_id in draw(st.lists(call_ids, max_size=2, unique=True)):
        parts.append(Part(tool_call=ToolCall(id=call_id, name="look_up", arguments_json=draw(arguments))))
    if not parts or parts[-1].HasField("reasoning"):
        parts.append(Part(text="Well."))
    finish = FinishReason.FINISH_REASON_TOOL_CALLS if parts[-1].HasField("tool_call") else draw(st.sampled_from(ENDS))
    return Candidate(index=index, parts=parts, finish_reason=finish)


counts = st.integers(0, 10**6)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Totals that hold their subsets."""
    cached, fresh, thought, spoken = draw(counts), draw(counts), draw(counts), draw(counts)
    usage = Usage(input_tokens=cached + fresh, output_tokens=thought + spoken)
    usage.total_tokens = usage.input_tokens + usage.output_tokens
    if draw(st.booleans()):
        usage.cache_read_tokens, usage.reasoning_tokens = cached, thought
    return usage


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    count = draw(st.integers(1, 2))
    answer = ChatResponse(id=draw(st.sampled_from(("", "x-1"))), model="m", created=1_750_000_001)
    answer.candidates.extend(draw(candidates(index)) for index in range(count))
    answer.usage.CopyFrom(draw(usages()))
    return answer


def streamed(answer: ChatResponse, size: int) -> Iterator[StreamResponse]:
    """The answer as a stream that grows by so many characters at a time."""
    yield batch(StreamEvent(started=Started(id=answer.id, model=answer.model, created=answer.created)))
    finished = Finished(usage=answer.usage)
    for candidate in answer.candidates:
        for index, part in enumerate(candidate.parts):
            yield from grow(part, candidate.index, index, size)
        finished.candidates.append(CandidateFinish(index=candidate.index, finish_reason=candidate.finish_reason))
    yield batch(StreamEvent(finished=finished))


def batch(*events: StreamEvent) -> StreamResponse:
    return StreamResponse(events=events)


def grow(part: Part, candidate: int, index: int, size: int) -> Iterator[StreamResponse]:
    begun = Part.FromString(part.SerializeToString())
    match part.WhichOneof("kind"):
        case "text":
            begun.text = ""
            deltas = [PartDelta(text=piece) for piece in pieces(part.text, size)]
        case "reasoning":
            begun.reasoning.text = begun.reasoning.signature = ""
            deltas = [PartDelta(reasoning=piece) for piece in pieces(part.reasoning.text, size)]
            if part.reasoning.signature:
                deltas.append(PartDelta(signature=part.reasoning.signature))
        case _:
            begun.tool_call.arguments_json = ""
            deltas = [PartDelta(arguments_json=piece) for piece in pieces(part.tool_call.arguments_json, size)]
    yield batch(StreamEvent(part_started=PartStarted(candidate_index=candidate, part_index=index, part=begun)))
    for delta in deltas:
        delta.candidate_index, delta.part_index = candidate, index
        yield batch(StreamEvent(part_delta=delta))
    yield batch(StreamEvent(part_finished=PartFinished(candidate_index=candidate, part_index=index)))


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in itertools.takewhile(lambda at: at < len(text), itertools.count(0, size))]
