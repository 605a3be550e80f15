"""Names of tools that a target refuses: the rule, the new names, and that each dialect gets them everywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool, ToolChoice, ToolChoiceMode
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Part, ToolCall, ToolResult
from dragoman.v1.stream_pb2 import PartStarted, StreamEvent, StreamResponse
from gateway_dialects.kit.tool_names import NameRule, name_rule, names_in, renaming_for, with_names
from gateway_dialects.kit.tool_restoring import Restored, at_target
from tests.properties.targets import TARGETS, Target

WIDESPREAD = name_rule()
LONG = "mcp__a_server_of_the_operator_with_a_long_name__" + "x" * 30
FOREIGN = (LONG, "crm.find:contact", "my tool", "größe", "天気", "3d_render", "get-weather", "a" * 129)
RULES = (WIDESPREAD, name_rule(128), name_rule(64, "_-.:", "_"), name_rule(128, "_", "_"), name_rule(first=""))


def conversation(*names: str) -> ChatRequest:
    """Every place of a name, for each of them."""
    request = ChatRequest(model="m", messages=[Message(role=ROLE_USER, parts=[Part(text="Hi")])])
    for index, name in enumerate(names):
        request.tools.append(Tool(function=FunctionTool(name=name, parameters_json='{"type":"object","properties":{}}')))
        call = ToolCall(id=f"call_{index}", name=name, arguments_json="{}")
        result = ToolResult(tool_call_id=call.id, name=name, parts=[Part(text="done")])
        request.messages.append(Message(role=ROLE_ASSISTANT, parts=[Part(tool_call=call)]))
        request.messages.append(Message(role=ROLE_TOOL, parts=[Part(tool_result=result)]))
    request.tool_choice.CopyFrom(ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name=names[0]))
    return request


def target_name(name: str, rule: NameRule = WIDESPREAD) -> str:
    return renaming_for(conversation(name), rule).get(name, name)


@pytest.mark.parametrize(
    ("name", "rule", "sent"),
    [
        ("bash", WIDESPREAD, "bash"),
        ("crm.find:contact", WIDESPREAD, "crm_find_contact"),
        ("crm.find:contact", name_rule(64, "_-.:", "_"), "crm.find:contact"),
        ("my tool", WIDESPREAD, "my_tool"),
        ("größe", WIDESPREAD, "gro_e"),
        ("3d_render", WIDESPREAD, "3d_render"),
        ("3d_render", name_rule(first="_"), "_3d_render"),
        ("_render", name_rule(first=""), "t__render"),
        ("get-weather", name_rule(128, "_", "_"), "get_weather"),
    ],
)
def test_a_name_stays_as_near_as_the_rule_allows(name: str, rule: NameRule, sent: str) -> None:
    assert target_name(name, rule) == sent


def test_a_long_name_begins_as_the_clients() -> None:
    sent = target_name(LONG)

    assert len(sent) == 64
    assert sent[:55] == LONG[:55]
    assert sent != target_name(LONG + "y")


def test_names_that_would_be_alike_are_told_apart_whatever_their_order() -> None:
    names = ("a.b", "a:b", "a_b", "天気", "天候")
    renaming = renaming_for(conversation(*names), WIDESPREAD)

    assert "a_b" not in renaming
    assert len({"a_b", *renaming.values()}) == len(names)
    assert renaming == renaming_for(conversation(*reversed(names)), WIDESPREAD)


@given(some.lists(some.text(min_size=1, max_size=150), min_size=1, max_size=6, unique=True), some.sampled_from(RULES))
def test_every_name_is_taken_and_comes_back(names: list[str], rule: NameRule) -> None:
    request = conversation(*names)
    renaming = renaming_for(request, rule)
    sent = with_names(request, renaming)

    assert all(rule.takes(name) for name in names_in(sent) if name)
    assert len({tool.function.name for tool in sent.tools}) == len(names)
    calls = [part for message in sent.messages for part in message.parts if part.HasField("tool_call")]
    Restored(at_target({}, renaming)).parts(calls)
    assert [part.tool_call.name for part in calls] == names
    assert request == conversation(*names)


def test_a_stream_is_restored_where_a_call_starts() -> None:
    renaming = renaming_for(conversation(LONG), WIDESPREAD)
    started = PartStarted(part=Part(tool_call=ToolCall(id="c", name=renaming[LONG])))
    batch = StreamResponse(
        events=[StreamEvent(part_started=started), StreamEvent(part_started=PartStarted(part=Part(text="")))]
    )

    Restored(at_target({}, renaming)).batch(batch)

    assert batch.events[0].part_started.part.tool_call.name == LONG


def test_nothing_is_made_where_every_name_is_taken() -> None:
    assert not renaming_for(conversation("bash", "read-file"), WIDESPREAD)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_dialect_sends_a_refused_name(target: Target) -> None:
    rule = target.vendor.quirks.tool_names or target.dialect.tool_names
    request = conversation(*FOREIGN)
    sent = with_names(request, renaming_for(request, rule))

    text = target.encode(sent)[2].body.decode()

    for name in FOREIGN:
        assert rule.takes(name) or not re.search(rf'"{re.escape(name)}"', text)
    assert all(f'"{tool.function.name}"' in text for tool in sent.tools)
