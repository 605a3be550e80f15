"""Content of one dialect at every other: it never ends a conversation, and its loss is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Opaque, Part, ToolCall, ToolResult
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports, Upstream, encode_chat
from gateway_core.execution.fitting import fit
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target as RoutedTarget
from gateway_core.transport.demo import DemoTransport
from gateway_dialects.anthropic.for_others import READINGS
from tests.fitted import endpoint_at
from tests.properties.foreign import ESSENTIAL, SAYING, SILENT, Json
from tests.properties.targets import TARGETS, Target
from tests.properties.told import strings_in
from tests.properties.turns import CHECKS

PLACES = ("user", "assistant", "result")
CALL = Part(tool_call=ToolCall(id="c1", name="f", arguments_json="{}"))


def named(target: Target) -> str:
    return target.name


def conversation(part: Part, place: str, *, alone: bool) -> tuple[ChatRequest, str]:
    """A conversation that holds the part in a place, and the part's field. alone: whether nothing stands beside it."""
    beside = [] if alone else [Part(text="beside it")]
    asked = Message(role=ROLE_USER, parts=[Part(text="a question")])
    answer = Message(role=ROLE_ASSISTANT, parts=[*beside, CALL] if place != "assistant" else [*beside, part])
    result = Part(
        tool_result=ToolResult(tool_call_id="c1", name="f", parts=[*beside, part] if place == "result" else beside)
    )
    more = Message(role=ROLE_USER, parts=[*beside, part] if place == "user" else [Part(text="more")])
    messages = [asked, answer, Message(role=ROLE_TOOL, parts=[result]), more]
    if place == "assistant":
        del messages[2]
    field = {
        "assistant": f"messages[1].parts[{len(beside)}]",
        "result": f"messages[2].parts[0].tool_result.parts[{len(beside)}]",
        "user": f"messages[3].parts[{len(beside)}]",
    }
    return ChatRequest(messages=messages, tools=[Tool(function=FunctionTool(name="f"))]), field[place]


def opaque(dialect: str, block: Mapping[str, Any]) -> Part:
    return Part(opaque=Opaque(dialect=dialect, json=json.dumps(block)))


def check(target: Target, dialect: str, block: Mapping[str, Any], place: str, *, alone: bool) -> dict[str, Any]:
    """The body, whose turns are as the provider wants them. What was changed or left out is told."""
    request, field = conversation(opaque(dialect, block), place, alone=alone)
    body, warnings, _ = target.encode(request)
    if target.dialect.name != "openai-responses" or "call_id" in json.dumps(body):
        CHECKS[target.dialect.name](body)
    told = [warning.field for warning in warnings]
    assert (field in told) == (dialect not in own(target)), (told, field)
    return body


def own(target: Target) -> set[str]:
    return {target.dialect.name, *target.dialect.reads}


@pytest.mark.parametrize("alone", [False, True], ids=["beside text", "alone"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_what_others_can_read_is_sent_as_text(target: Target, place: str, alone: bool) -> None:
    for dialect, blocks in SAYING.items():
        for block in blocks:
            if dialect not in own(target):
                body = check(target, dialect, block, place, alone=alone)
                assert any("inner words" in text for text in strings_in(body)), block


@pytest.mark.parametrize("alone", [False, True], ids=["beside text", "alone"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_what_nobody_else_can_read_is_left_out(target: Target, place: str, alone: bool) -> None:
    for dialect, blocks in SILENT.items():
        for block in blocks:
            if dialect not in own(target):
                body = check(target, dialect, block, place, alone=alone)
                is_told = any("left out" in text for text in strings_in(body))
                assert is_told == (place != "assistant"), "only a model's own words have no gap shown"


@pytest.mark.parametrize("name", sorted({target.dialect.name for target in TARGETS}))
def test_strict_requests_are_refused(name: str) -> None:
    target = next(target for target in TARGETS if target.dialect.name == name)
    foreign = "gemini" if name == "anthropic" else "anthropic"
    request, field = conversation(opaque(foreign, SAYING[foreign][0]), "user", alone=False)
    request.strict = True
    routed = RoutedTarget(endpoint_at(target.vendor, "https://up.example.com/v1"), target.model)
    upstream = Upstream(routed, Transports.only(DemoTransport()), Deadline())
    with pytest.raises(GatewayError) as refused:
        encode_chat(DIALECTS[name].chat, fit(request, routed), upstream)
    assert refused.value.reason is Reason.UNSUPPORTED
    assert refused.value.field == field


def test_every_block_that_the_anthropic_dialect_reads_is_tried() -> None:
    tried = {block["type"] for blocks in (SAYING, SILENT) for block in blocks["anthropic"]}
    assert READINGS.keys() <= tried


@pytest.mark.parametrize("dialect, block", ESSENTIAL.items())
@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_what_the_question_would_not_be_the_same_without_is_refused(target: Target, dialect: str, block: Json) -> None:
    request, field = conversation(opaque(dialect, block), "user", alone=False)
    if dialect in own(target):
        assert target.encode(request)
        return
    with pytest.raises(GatewayError) as refused:
        target.encode(request)
    assert (refused.value.reason, refused.value.field) == (Reason.UNSUPPORTED, field)
