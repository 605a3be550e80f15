"""Requests that no gateway can serve: INVALID_ARGUMENT that names the field, whatever the target, and nobody is asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from dragoman.v1.chat_pb2 import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Media, Message, Opaque, Part, Role, ToolCall, ToolResult
from dragoman.v1.stream_pb2 import StreamRequest
from gateway_core.providers.registry import DIALECTS
from tests.gateway_core.rpc.contract.conftest import Contract
from tests.gateway_core.rpc.serving import Served, detail, failure_of, question, read_all

Spoil = Callable[[ChatRequest], object]

SPOILED: dict[str, tuple[str, Spoil]] = {
    "no model": ("model", lambda request: request.ClearField("model")),
    "a model's name without end": ("model", lambda request: setattr(request, "model", "m" * 1000)),
    "no messages": ("messages", lambda request: request.ClearField("messages")),
    "no role": ("messages[1].role", lambda request: request.messages.add(parts=[Part(text="Hi")])),
    "no answers": ("n", lambda request: setattr(request, "candidate_count", 0)),
    "a million answers": ("n", lambda request: setattr(request, "candidate_count", 1_000_000)),
    "a provider that there is not": ("provider.order[0]", lambda request: request.routing.order.append("nobody")),
    "less than free": ("provider.max_price.request", lambda request: setattr(request.routing.max_price, "request", -1)),
    "an unknown model to fall back on": ("models[0]", lambda request: request.fallback_models.append("nobody/x")),
    "fewer than no tokens": ("max_tokens", lambda request: setattr(request, "max_tokens", -1)),
    "less than no tokens": ("max_completion_tokens", lambda request: setattr(request, "max_output_tokens", -1)),
}


@pytest.mark.parametrize(("field", "spoil"), SPOILED.values(), ids=SPOILED.keys())
def test_what_no_provider_could_serve(contract: Contract, field: str, spoil: Spoil) -> None:
    async def check(house: Served) -> None:
        request = question("at-openai/gpt")
        spoil(request)
        await refused(house, request, field)

    contract(check)


def test_an_empty_stream_request(contract: Contract) -> None:
    async def check(house: Served) -> None:
        error = await failure_of(read_all(house.stub.Stream(StreamRequest())))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert detail(error, ErrorInfo).metadata["field"] == "model"

    contract(check)


DEEP = "[" * 10_000 + "]" * 10_000
NO_JSON = [
    "{",
    "{} {}",
    "nul",
    '{"a": 1',
    "\x00",
    "{'a': 1}",
    DEEP[:-1],
    '"\ud800"'.encode("utf-8", "replace").decode() + ",",
]
NO_OBJECT = ["[]", "7", '"text"', "null", DEEP]


def with_options(request: ChatRequest, dialect: str, text: str) -> None:
    request.provider_options_json[dialect] = text


def with_message_details(request: ChatRequest, dialect: str, text: str) -> None:
    request.messages[0].provider_details_json[dialect] = text


def with_part_details(request: ChatRequest, dialect: str, text: str) -> None:
    request.messages[0].parts[0].provider_details_json[dialect] = text


def with_tool_details(request: ChatRequest, dialect: str, text: str) -> None:
    tool = request.tools.add(function=FunctionTool(name="f"))
    tool.provider_details_json[dialect] = text


def with_choice_details(request: ChatRequest, dialect: str, text: str) -> None:
    request.tools.append(Tool(function=FunctionTool(name="f")))
    request.tool_choice.CopyFrom(ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO))
    request.tool_choice.provider_details_json[dialect] = text


def with_format_details(request: ChatRequest, dialect: str, text: str) -> None:
    request.response_format.type = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT
    request.response_format.provider_details_json[dialect] = text


def with_reasoning_details(request: ChatRequest, dialect: str, text: str) -> None:
    request.reasoning.effort = "low"
    request.reasoning.provider_details_json[dialect] = text


def with_tool_schema(request: ChatRequest, dialect: str, text: str) -> None:
    request.tools.append(Tool(function=FunctionTool(name="f", parameters_json=text)))


def with_format_schema(request: ChatRequest, dialect: str, text: str) -> None:
    kind = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA
    request.response_format.CopyFrom(ResponseFormat(type=kind, name="n", schema_json=text))


def with_opaque_part(request: ChatRequest, dialect: str, text: str) -> None:
    request.messages[0].parts.append(Part(opaque=Opaque(dialect=dialect, json=text)))


def with_opaque_tool(request: ChatRequest, dialect: str, text: str) -> None:
    request.tools.append(Tool(opaque=Opaque(dialect=dialect, json=text)))


def with_custom_tool(request: ChatRequest, dialect: str, text: str) -> None:
    request.tools.append(Tool(custom=CustomTool(name="f", format_json=text)))


Place = Callable[[ChatRequest, str, str], None]
OBJECTS: dict[str, Place] = {
    "provider_options_json.openai": with_options,
    "messages[0].provider_details_json.openai": with_message_details,
    "messages[0].parts[0].provider_details_json.openai": with_part_details,
    "tools[0].provider_details_json.openai": with_tool_details,
    "tool_choice.provider_details_json.openai": with_choice_details,
    "response_format.provider_details_json.openai": with_format_details,
    "reasoning.provider_details_json.openai": with_reasoning_details,
}
VALUES: dict[str, Place] = {
    "tools[0].function.parameters": with_tool_schema,
    "response_format.json_schema.schema": with_format_schema,
    "tools[0].custom.format": with_custom_tool,
    "messages[0].parts[1].opaque.json": with_opaque_part,
    "tools[0].opaque.json": with_opaque_tool,
}


@pytest.mark.parametrize(("field", "place"), (OBJECTS | VALUES).items())
def test_text_that_is_no_json(contract: Contract, field: str, place: Place) -> None:
    async def check(house: Served) -> None:
        for text in NO_JSON + NO_OBJECT if place in OBJECTS.values() else NO_JSON:
            request = question("at-openai/m")
            place(request, "openai", text)
            await refused(house, request, field)

    contract(check)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_dialect_stumbles_over_text_that_is_no_json(contract: Contract, dialect: str) -> None:
    """Each names the field, or does not look there at all."""

    async def check(house: Served) -> None:
        for place, owner in itertools.product((OBJECTS | VALUES).values(), (dialect, "another")):
            for text in NO_JSON + NO_OBJECT:
                request = question(f"at-{dialect}/m")
                place(request, owner, text)
                asked = len(house.upstream.requests)
                error = await failure_of(house.stub.Chat(request))
                if len(house.upstream.requests) == asked:
                    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, (error, place, text)
                    assert detail(error, ErrorInfo).metadata["field"], (error, place, text)

    contract(check)


EMPTY: dict[str, Spoil] = {
    "an empty part": lambda request: request.messages[0].parts.add(),
    "media without a source": lambda request: request.messages[0].parts.append(Part(media=Media(mime_type="image/png"))),
    "an empty tool": lambda request: request.tools.add(),
    "a role of tomorrow": lambda request: request.messages.add(role=Role.ValueType(77), parts=[Part(text="Hi")]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("spoil", EMPTY.values(), ids=EMPTY.keys())
def test_what_says_nothing(contract: Contract, dialect: str, spoil: Spoil) -> None:
    async def check(house: Served) -> None:
        request = question(f"at-{dialect}/m")
        spoil(request)
        await refused(house, request)

    contract(check)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parts_within_parts(contract: Contract, dialect: str) -> None:
    """As deep as protobuf carries them: no crash, whatever the dialect makes of them."""
    part = Part(text="Hi")
    for _ in range(30):
        part = Part(tool_result=ToolResult(tool_call_id="c", parts=[part]))
    call = Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"))

    async def check(house: Served) -> None:
        request = question(f"at-{dialect}/m")
        request.messages.append(Message(role=Role.ROLE_ASSISTANT, parts=[call]))
        request.messages.append(Message(role=Role.ROLE_TOOL, parts=[part]))
        await refused(house, request)

    contract(check)


async def refused(house: Served, request: ChatRequest, field: str = "") -> None:
    """Chat and Stream refuse it, naming this field, or any."""
    stream = house.stub.Stream(StreamRequest(chat=request))
    for error in (await failure_of(house.stub.Chat(request)), await failure_of(read_all(stream))):
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
        info = detail(error, ErrorInfo)
        assert info.reason in ("INVALID_REQUEST", "UNSUPPORTED")
        (violation,) = detail(error, BadRequest).field_violations
        assert violation.field == info.metadata["field"] != ""
        assert field in ("", violation.field)
    assert house.upstream.requests == []
