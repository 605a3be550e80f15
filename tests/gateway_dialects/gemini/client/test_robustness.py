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
from dragoman.v1.content_pb2 import Media, Message, Opaque, Part, Reasoning, Role, ToolCall, ToolResult
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.gemini.encode_request import encode_count
from gateway_dialects.gemini.render_answer import render_chat
from gateway_dialects.gemini.render_stream import ChunkRenderer
from gateway_dialects.kit.dialect import ServerSentEvent
from tests.gateway_dialects.gemini.client.asking import ENDPOINT
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


BROKEN = st.sampled_from(["", "{", "[]", "3", '{"a":1}', '{"parameters":[]}', '{"x":1}{}', '{"format":{},"required":[[]]}'])
ODD_FIELDS = st.sampled_from(
    [
        '{"functionCall":3,"parts":7,"role":[],"name":{},"mode":[],"responseSchema":1,"thinkingLevel":{}}',
        '{"generationConfig":7,"toolConfig":{"functionCallingConfig":[]},"contents":[]}',
    ]
)
FORMS = st.sampled_from(
    [
        '{"pieces":[[{}]]}',
        '{"pieces":7}',
        '{"pieces":[[{"length":-1},{"length":2,"fields":{"text":7}}]]}',
        '{"pieces":[[],[]],"new_content":true}',
        '{"turn":"old"}',
        '{"turn":"join"}',
        '{"json_schema":1}',
        '{"json_schema":true,"response_key":"a"}',
    ]
)
DETAILS = st.fixed_dictionaries(
    {}, optional={"gemini": BROKEN | ODD_FIELDS, "openai": BROKEN, "gemini.form": FORMS | BROKEN}
)
KINDS = st.one_of(
    st.builds(lambda text: Part(text=text), st.text(max_size=3)),
    st.builds(
        lambda text, provider: Part(reasoning=Reasoning(text=text, encrypted=text, provider=provider)),
        st.text(max_size=3),
        st.sampled_from(["", "gemini", "anthropic"]),
    ),
    st.builds(lambda uri: Part(media=Media(uri=uri)), st.sampled_from(["", "http://[", "data:", "data:,x", "gs://a"])),
    st.builds(lambda text: Part(opaque=Opaque(dialect="gemini", json=text)), BROKEN),
    st.builds(lambda text: Part(tool_call=ToolCall(id="c", name="f", arguments_json=text)), BROKEN),
    st.builds(
        lambda text: Part(tool_result=ToolResult(tool_call_id="c", name="f", parts=[Part(text=text)], is_error=text == "{")),
        BROKEN,
    ),
)
ROLES = st.sampled_from([Role.ROLE_SYSTEM, Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL])

MODES = st.sampled_from(ToolChoiceMode.values())
FORMATS = st.sampled_from(ResponseFormatType.values())


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
        ResponseFormat(type=draw(FORMATS), schema_json=draw(BROKEN), provider_details_json=draw(DETAILS))
    )
    request.reasoning.CopyFrom(ReasoningSettings(effort="low", provider_details_json=draw(DETAILS)))
    request.provider_options_json.update(draw(DETAILS))
    request.extra_body_json = draw(BROKEN | ODD_FIELDS)
    return request


@PROPERTY
@given(requests(), st.sampled_from(["gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview", "gemma-3", "other"]))
def test_a_request_with_broken_details(request: ChatRequest, model: str) -> None:
    with contextlib.suppress(GatewayError):
        encode_count(request, model, ENDPOINT)
    with contextlib.suppress(GatewayError):
        upstream, _ = GEMINI.encode_chat(request, model, ENDPOINT, False)
        assert isinstance(json.loads(upstream.body)["contents"], list)
