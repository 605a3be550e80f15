"""Runs the probes: what becomes of a feature at a dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.content_pb2 import Media
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.reading import read_stream
from tests.properties.columns import Column
from tests.properties.pictures import PDF, PNG
from tests.properties.probes import Feature
from tests.recordings import FIXTURES

Word = Literal["native", "emulated", "fetched", "automatic", "warned", "refused"]


@dataclass(frozen=True)
class Verdict:
    """One cell."""

    word: Word
    note: str = ""
    """The error, the warning, or how it is done."""


def judge(feature: Feature, column: Column, model: str) -> Verdict:
    """Fails where the feature is lost without a word."""
    request, fetched = arrived(feature.request, column, model)
    try:
        upstream, warnings = column.encode(request, model)
    except GatewayError as error:
        assert error.reason is Reason.UNSUPPORTED, error.message
        return Verdict("refused", error.message)
    base, base_warnings = column.encode(feature.base, model)
    known = {warning.message for warning in base_warnings}
    body = json.loads(upstream.body)
    if told := [warning.message for warning in warnings if warning.message not in known]:
        return Verdict("warned", "; ".join(told))
    if feature.title.startswith("prompt cache") and upstream.body == base.body:
        return Verdict("automatic", "the provider caches by itself; the mark is dropped")
    assert upstream.body != base.body or feature.request == feature.base or feature.answers, f"{feature.title} is lost"
    if has_place(body, feature.places.get(column.title, "")):
        return Verdict("fetched", "the gateway fetches it and sends the bytes") if fetched else Verdict("native")
    return Verdict("emulated", feature.how[column.title])


def arrived(request: ChatRequest, column: Column, model: str) -> tuple[ChatRequest, bool]:
    """The request as it is encoded: with bytes in place of a URL where the gateway fetches for this target."""
    copy, fetched = ChatRequest(), False
    copy.CopyFrom(request)
    for part in copy.messages[0].parts:
        if part.media.uri and column.dialect.needs_bytes(part.media, model, column.endpoint):
            fill(part.media)
            fetched = True
    return copy, fetched


def fill(media: Media) -> None:
    media.data = PDF if media.mime_type == "application/pdf" else PNG


def has_place(body: Any, places: str) -> bool:
    return any(any(True for _ in found(body, place.split("."))) for place in places.split("|") if place)


def found(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list):
        for item in value:
            yield from found(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from found(value[path[0]], path[1:])


def answer_of(column: Column, folder: str, name: str) -> ChatResponse:
    """What the dialect reads in one of its fixtures, whole or streamed."""
    response = json.loads((FIXTURES / folder / f"{name}.json").read_text())["response"]
    if "stream" in response:
        return accumulate(read_stream(column.dialect, [response["stream"].encode()]))
    return column.dialect.chat.decode(json.dumps(response["body"]).encode(), "p")
