"""Media that no provider could take, and pictures where the operator wants none: refused by name, and nobody is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_IMAGE, Media
from dragoman.v1.stream_pb2 import StreamRequest
from dragoman.v1.tokens_pb2 import CountTokensRequest
from gateway_core.settings.models import MediaSettings
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Behind, Served, detail, failure_of, question, read_all

Ask = Callable[[Served, ChatRequest], Awaitable[object]]


def stream(house: Served, request: ChatRequest) -> Awaitable[object]:
    return read_all(house.stub.Stream(StreamRequest(chat=request)))


def count(house: Served, request: ChatRequest) -> Awaitable[object]:
    return house.stub.CountTokens(CountTokensRequest(chat=request))


ASKS: dict[str, Ask] = {"chat": lambda house, request: house.stub.Chat(request), "stream": stream, "count": count}
PICTURE = Media(kind=MEDIA_KIND_IMAGE, uri="https://a.example/cat.png")
BROKEN = Media(kind=MEDIA_KIND_IMAGE, uri="data:image/png;base64,iVB")


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
@pytest.mark.parametrize(
    ("media", "vision", "said"),
    [(PICTURE, False, "ENABLE_VISION=false"), (BROKEN, True, "does not hold valid base64")],
    ids=["no vision", "broken base64"],
)
def test_it_is_refused_before_anybody_is_asked(contract: Contract, ask: Ask, media: Media, vision: bool, said: str) -> None:
    async def check(house: Served) -> None:
        request = question("at-openai/gpt")
        request.messages[0].parts.add().media.CopyFrom(media)
        error = await failure_of(ask(house, request))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert said in (error.details() or "")
        [violation] = detail(error, BadRequest).field_violations
        assert violation.field == "messages[0].parts[1]"
        assert detail(error, ErrorInfo).reason == "INVALID_REQUEST"
        assert house.upstream.requests == []

    contract(check, Behind(media=MediaSettings(vision=vision)))
