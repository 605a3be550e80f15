"""Where media stands in a request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER, Media, Message, Opaque, Part, Reasoning, ToolCall, ToolResult
from gateway_core.media.attachments import holds_media
from gateway_core.media.places import media_of, parts_of

MEDIA = st.builds(lambda uri: Part(media=Media(uri=uri)), st.sampled_from(["a", "b"]))
OTHERS = st.sampled_from(
    [
        Part(text="Hi"),
        Part(text=""),
        Part(),
        Part(refusal="no"),
        Part(reasoning=Reasoning(text="so")),
        Part(tool_call=ToolCall(id="c")),
        Part(opaque=Opaque(dialect="openai", json="{}")),
    ]
)
RESULTS = st.lists(st.one_of(OTHERS, MEDIA), max_size=3).map(lambda parts: Part(tool_result=ToolResult(parts=parts)))
REQUESTS = st.lists(st.lists(st.one_of(OTHERS, OTHERS, MEDIA, RESULTS), max_size=3), max_size=4).map(
    lambda messages: ChatRequest(messages=[Message(role=ROLE_USER, parts=parts) for parts in messages])
)


def test_each_place_is_named_as_its_writer_would_find_it() -> None:
    result = Part(tool_result=ToolResult(parts=[Part(text="here"), Part(media=Media(uri="b"))]))
    first = Message(parts=[Part(text="Hi"), Part(media=Media(uri="a"))])
    request = ChatRequest(messages=[first, Message(parts=[Part(text="Hi")]), Message(parts=[result])])
    assert [(place.field, place.media.uri) for place in media_of(request)] == [
        ("messages[0].parts[1]", "a"),
        ("messages[2].parts[0].tool_result.parts[1]", "b"),
    ]


def test_places_are_the_request_s_own() -> None:
    request = ChatRequest(messages=[Message(parts=[Part(media=Media(uri="a"))])])
    media_of(request)[0].media.uri = "b"
    assert request.messages[0].parts[0].media.uri == "b"


@given(REQUESTS)
def test_a_request_holds_media_where_there_is_some(request: ChatRequest) -> None:
    assert holds_media(request) is (len(media_of(request)) > 0)
    assert all(part.WhichOneof("kind") != "tool_result" for _, part in parts_of(request))
    assert len({field for field, _ in parts_of(request)}) == len(list(parts_of(request)))
