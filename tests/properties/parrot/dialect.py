"""Parrot: {"hear": [...]} is answered with {"say": "..."}, or with events of that form, the last one {"end": true}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, ChatRequest, ChatResponse
from dragoman.v1.content_pb2 import Part
from dragoman.v1.models_pb2 import Model
from dragoman.v1.routing_pb2 import Warning
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, PartDelta, PartStarted, Started, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.dialect import (
    Dialect,
    Endpoint,
    ServerSentEvent,
    UpstreamRequest,
    UsageReport,
    chat_operation,
    list_operation,
    stream_operation,
)
from gateway_dialects.kit.json import decode_body, decode_object, encode_json


def headers(endpoint: Endpoint) -> Mapping[str, str]:
    return {"content-type": "application/json", "x-parrot-key": endpoint.keys[0].reveal()}


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    heard = []
    for index, message in enumerate(request.messages):
        for place, part in enumerate(message.parts):
            if part.WhichOneof("kind") != "text":
                raise unsupported(f"messages[{index}].parts[{place}]", "parrots hear words only")
            heard.append(part.text)
    body = encode_json({"bird": model, "hear": heard, "stream": stream})
    return UpstreamRequest("POST", f"{endpoint.url}/squawk", headers(endpoint), body), []


def decode_chat(body: bytes) -> ChatResponse:
    answer = ChatResponse()
    answer.candidates.add(finish_reason=FINISH_REASON_STOP).parts.add().text = decode_body(body)["say"]
    return answer


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    return GatewayError(Reason.UPSTREAM_UNAVAILABLE, f"the parrot bites: {status}")


class ParrotStreamDecoder:
    """Every event holds a word; the last one says that it is the last."""

    def __init__(self) -> None:
        self._begun = False
        self.complete = self.done = False

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        found = decode_object(event.data)
        if not self._begun:
            self._begun = True
            batch.events.append(StreamEvent(started=Started()))
            batch.events.append(StreamEvent(part_started=PartStarted(part=Part(text=""))))
        if found.get("end"):
            self.complete = True
        else:
            batch.events.append(StreamEvent(part_delta=PartDelta(text=found["say"])))

    def finish(self, batch: StreamResponse) -> None:
        if not self.complete:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the parrot flew away")
        finished = Finished(candidates=[CandidateFinish(finish_reason=FINISH_REASON_STOP)])
        batch.events.append(StreamEvent(finished=finished))
        self.done = True


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    return UpstreamRequest("GET", f"{endpoint.url}/birds", headers(endpoint))


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    return [Model(id=f"{provider}/{bird}", provider=provider) for bird in decode_body(body)["birds"]]


def find_usage(answer: dict[str, Any]) -> UsageReport | None:
    return None


def read_usage(raw: dict[str, Any]) -> Usage:
    return Usage()


PARROT = Dialect(
    name="parrot",
    chat=chat_operation(encode_chat, decode_chat, decode_error),
    stream=stream_operation(encode_chat, ParrotStreamDecoder, decode_error),
    list_models=list_operation(encode_list_models, decode_list_models, decode_error),
    headers=headers,
    find_usage=find_usage,
    read_usage=read_usage,
)
