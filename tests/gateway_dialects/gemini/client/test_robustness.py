"""Whatever a provider sends, nothing but GatewayError comes out of the decoders; whatever a gRPC caller sends, out of the
encoder."""

from __future__ import annotations

import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import (
    ChatRequest,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Message, Opaque, Part, Reasoning, Role, ToolCall, ToolResult
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.gemini.server.chunks import ChunkRenderer
from gateway_dialects.gemini.server.render import render_chat
from gateway_dialects.kit.dialect import Endpoint, ServerSentEvent
from tests.gateway_dialects.gemini.client.shapes import ANSWER, BODIES
from tests.gateway_dialects.kit.enduring import check_error, check_model_list, check_nesting

PROPERTY = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
DEEP = b'{"candidates":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "x-request-id", "x-goog-request-id"]),
    st.sampled_from(["", "1", "nan", "inf", "1e400", "soon"]) | st.text(st.characters(max_codepoint=255), max_size=40),
)


@PROPERTY
@given(BODIES)
def test_a_whole_answer(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        answer = GEMINI.chat.decode(body, "p")
        answer.SerializeToString()
        assert json.loads(render_chat(answer, "fallback"))["responseId"]


@PROPERTY
@given(st.lists(BODIES, max_size=4))
def test_a_stream(bodies: list[bytes]) -> None:
    decoder, batch = GEMINI.stream.decoder(), StreamResponse()
    with contextlib.suppress(GatewayError):
        for body in bodies:
            decoder.feed(ServerSentEvent(body or b"x"), batch)
        decoder.finish(batch)
    batch.SerializeToString()


@PROPERTY
@given(st.lists(ANSWER, min_size=1, max_size=3))
def test_a_stream_of_strange_chunks_is_whole_or_an_error(chunks: list[object]) -> None:
    decoder, batch = GEMINI.stream.decoder(), StreamResponse()
    try:
        for chunk in chunks:
            decoder.feed(ServerSentEvent(json.dumps(chunk).encode()), batch)
        decoder.finish(batch)
    except GatewayError:
        return
    assert batch.events[0].WhichOneof("event") == "started"
    assert [event.WhichOneof("event") for event in batch.events].count("finished") == 1
    assert batch.events[-1].WhichOneof("event") == "finished"
    assert json.loads(ChunkRenderer(fallback_id="fallback", sse=False).render(batch))


@PROPERTY
@given(st.integers(100, 599), HEADERS, BODIES)
def test_an_error(status: int, headers: dict[str, str], body: bytes) -> None:
    check_error(GEMINI, status, headers, body)


@PROPERTY
@given(BODIES)
def test_a_model_list(body: bytes) -> None:
    check_model_list(GEMINI, body)


def test_an_answer_that_is_nested_without_end() -> None:
    check_nesting(GEMINI, DEEP)


BROKEN = st.sampled_from(
    ["", "{", "[]", "3", '{"a":1}', '{"parameters":[]}', '{"$pieces":[[{}]]}', '{"$pieces":7}', '{"x":1}{}']
)
NESTED_TOO_DEEP = '{"functionCall":3,"$content":"new","$pieces":[[{"$length":"x"}]],"$key":[],"$role":7}'
DETAILS = st.dictionaries(st.sampled_from(["gemini", "openai"]), BROKEN | st.just(NESTED_TOO_DEEP), max_size=2)
KINDS = st.one_of(
    st.builds(lambda text: Part(text=text), st.text(max_size=3)),
    st.builds(lambda text: Part(reasoning=Reasoning(text=text, encrypted=text)), st.text(max_size=3)),
    st.builds(lambda text: Part(opaque=Opaque(dialect="gemini", json=text)), BROKEN),
    st.builds(lambda text: Part(tool_call=ToolCall(id="c", name="f", arguments_json=text)), BROKEN),
    st.builds(
        lambda text: Part(tool_result=ToolResult(tool_call_id="c", name="f", parts=[Part(text=text)], is_error=text == "{")),
        BROKEN,
    ),
)
ROLES = st.sampled_from([Role.ROLE_SYSTEM, Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL])

MODES = st.sampled_from(ToolChoiceMode.values())
FORMS = st.sampled_from(ResponseFormatType.values())


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    request = ChatRequest(model="m")
    for _ in range(draw(st.integers(1, 3))):
        message = Message(role=draw(ROLES), parts=draw(st.lists(KINDS, max_size=3)), provider_details_json=draw(DETAILS))
        for part in message.parts:
            part.provider_details_json.update(draw(DETAILS))
        request.messages.append(message)
    tool = Tool(provider_details_json=draw(DETAILS))
    tool.function.name, tool.function.parameters_json = "f", draw(BROKEN)
    request.tools.append(tool)
    request.tool_choice.CopyFrom(ToolChoice(mode=draw(MODES), provider_details_json=draw(DETAILS)))
    request.response_format.CopyFrom(
        ResponseFormat(type=draw(FORMS), schema_json=draw(BROKEN), provider_details_json=draw(DETAILS))
    )
    request.reasoning.CopyFrom(ReasoningSettings(effort="low", provider_details_json=draw(DETAILS)))
    request.provider_options_json.update(draw(DETAILS))
    return request


@PROPERTY
@given(requests(), st.sampled_from(["gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview", "gemma-3", "other"]))
def test_a_request_with_broken_details(request: ChatRequest, model: str) -> None:
    with contextlib.suppress(GatewayError):
        upstream, _ = GEMINI.encode_chat(request, model, Endpoint("p", "gemini", "http://u"), False)
        assert isinstance(json.loads(upstream.body)["contents"], list)
