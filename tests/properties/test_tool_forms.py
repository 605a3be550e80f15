"""Tools of every form, at every target: offered, called, replayed, whole and streamed; hosted ones left out, or refused.

The target answers in its own language, written by the dialect's own server half from what it was offered.
"""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    FINISH_REASON_TOOL_CALLS,
    HOSTED_TOOL_UNSPECIFIED,
    HOSTED_TOOL_WEB_SEARCH,
    Candidate,
    ChatRequest,
    ChatResponse,
    CustomTool,
    FunctionTool,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    ToolNamespace,
)
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, ROLE_USER, Message, Opaque, Part, ToolCall, ToolResult
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
from gateway_core.execution.fitting import Fitted, fit
from gateway_core.routing import resolver as routing
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.tool_restoring import Restored
from tests.fitted import endpoint_at
from tests.properties.targets import EVERY_DIALECT, TARGETS, Target

PATCH = '*** Begin Patch\n+"hi" \\ 😀\n*** End Patch'
GRAMMAR = '{"type":"grammar","grammar":{"syntax":"lark","definition":"start: /.+/s"}}'
PLAIN = Tool(function=FunctionTool(name="shell", parameters_json='{"type":"object","properties":{}}'))
COLLIDING = Tool(function=FunctionTool(name="agents__close", parameters_json='{"type":"object","properties":{}}'))
CUSTOM = Tool(custom=CustomTool(name="apply_patch", description="Edits files", format_json=GRAMMAR))
GROUP = ToolNamespace(name="agents", description="Runs agents")
GROUPED = Tool(function=FunctionTool(name="close", parameters_json='{"type":"object"}'), namespace=GROUP)
LONG = Tool(function=FunctionTool(name="x" * 60, parameters_json='{"type":"object"}'), namespace=GROUP)
GROUPED_CUSTOM = Tool(custom=CustomTool(name="apply_patch"), namespace=GROUP)
ALL = (PLAIN, COLLIDING, CUSTOM, GROUPED, LONG, GROUPED_CUSTOM)
CALLS = [
    ToolCall(id="call_1", name="shell", arguments_json='{"a":1}'),
    ToolCall(id="call_2", name="agents__close", arguments_json="{}"),
    ToolCall(id="call_3", name="apply_patch", input=PATCH),
    ToolCall(id="call_4", name="close", namespace="agents", arguments_json='{"id":2}'),
    ToolCall(id="call_5", name="x" * 60, namespace="agents", arguments_json="{}"),
    ToolCall(id="call_6", name="apply_patch", namespace="agents", input=PATCH),
]
HOSTED = {
    "openai-responses": '{"type":"web_search"}',
    "anthropic": '{"type":"web_search_20250305","name":"web_search"}',
    "gemini": '{"googleSearch":{}}',
    "openai": '{"type":"web_search"}',
}
ANTHROPIC = next(target for target in EVERY_DIALECT if target.dialect.name == "anthropic")
WITHOUT_TOOLS = ("perplexity",)
every_target = pytest.mark.parametrize(
    "target", [one for one in TARGETS if one.vendor.name not in WITHOUT_TOOLS], ids=lambda target: target.name
)
every_dialect = pytest.mark.parametrize("target", EVERY_DIALECT, ids=lambda target: target.dialect.name)


def place(target: Target) -> routing.Target:
    return routing.Target(endpoint_at(target.vendor, "https://up.example.com/v1"), target.model)


def asking(*tools: Tool) -> ChatRequest:
    return ChatRequest(model="m", messages=[Message(role=ROLE_USER, parts=[Part(text="Hi")])], tools=tools)


def replaying() -> ChatRequest:
    """All tools, each called and answered."""
    request = asking(*ALL)
    request.messages.add(role=ROLE_ASSISTANT, parts=[Part(tool_call=call) for call in CALLS])
    for call in CALLS:
        result = ToolResult(tool_call_id=call.id, parts=[Part(text="done")])
        request.messages.add(role=ROLE_TOOL, parts=[Part(tool_result=result)])
    return request


def called(fitted: Fitted) -> list[ToolCall]:
    """The calls of a fitted conversation, which are those that its target would make."""
    return [part.tool_call for message in fitted.request.messages for part in message.parts if part.HasField("tool_call")]


@every_target
def test_every_tool_is_offered_under_a_name_of_its_own(target: Target) -> None:
    fitted = fit(asking(*ALL), place(target))
    offered = target.encode(asking(*ALL))[2].body.decode()

    names = [(tool.namespace.name, tool.function.name or tool.custom.name) for tool in fitted.request.tools]
    assert len(set(names)) == len(ALL)
    assert all(f'"{name}"' in offered for _, name in names)
    assert "start: /.+/s" in offered
    assert "Runs agents" in offered


@every_target
def test_calls_come_back_as_the_clients_whole(target: Target) -> None:
    fitted = fit(replaying(), place(target))
    parts = [Part(tool_call=call) for call in called(fitted)]
    Restored(fitted.originals).parts(parts)

    assert [part.tool_call for part in parts] == CALLS


@every_target
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_calls_come_back_as_the_clients_streamed(target: Target, size: int) -> None:
    fitted = fit(replaying(), place(target))
    restored, batches = Restored(fitted.originals), []
    for events in streamed(called(fitted), size):
        batch = StreamResponse(events=events)
        restored.batch(batch)
        batches.append(batch)

    answer = accumulate(batches)
    assert [part.tool_call for part in answer.candidates[0].parts] == CALLS


def streamed(calls: list[ToolCall], size: int) -> list[list[StreamEvent]]:
    """An answer with the calls, their arguments in pieces; each list is a batch."""
    batches = [[StreamEvent(started=Started(id="r"))]]
    for index, call in enumerate(calls):
        begun = ToolCall(id=call.id, name=call.name, namespace=call.namespace)
        is_custom, text = call.HasField("input"), call.input or call.arguments_json
        if is_custom:
            begun.input = ""
        batch = [StreamEvent(part_started=PartStarted(part_index=index, part=Part(tool_call=begun)))]
        for start in range(0, len(text), size):
            piece = text[start : start + size]
            delta = (
                PartDelta(part_index=index, input=piece) if is_custom else PartDelta(part_index=index, arguments_json=piece)
            )
            batch.append(StreamEvent(part_delta=delta))
        batches.append([*batch, StreamEvent(part_finished=PartFinished(part_index=index))])
    ending = CandidateFinish(finish_reason=FINISH_REASON_TOOL_CALLS)
    return [*batches, [StreamEvent(finished=Finished(candidates=[ending]))]]


def test_an_input_without_its_end_is_whole_at_the_end_of_the_stream() -> None:
    fitted = fit(replaying(), place(ANTHROPIC))
    name = next(call.name for call in called(fitted) if call.id == "call_3")
    begun = Part(tool_call=ToolCall(id="c", name=name))
    batch = StreamResponse(
        events=[
            StreamEvent(started=Started(id="r")),
            StreamEvent(part_started=PartStarted(part=begun)),
            StreamEvent(part_delta=PartDelta(arguments_json='{"patch":"a"}')),
            StreamEvent(finished=Finished(candidates=[CandidateFinish(finish_reason=FINISH_REASON_TOOL_CALLS)])),
        ]
    )
    Restored(fitted.originals).batch(batch)

    assert accumulate([batch]).candidates[0].parts[0].tool_call.input == "a"


@every_target
def test_the_history_is_replayed_under_the_names_that_are_offered(target: Target) -> None:
    request = replaying()
    fitted = fit(request, place(target))

    offered = {(tool.namespace.name, tool.function.name or tool.custom.name) for tool in fitted.request.tools}
    assert {(call.namespace, call.name) for call in called(fitted)} == offered
    assert fit(asking(*ALL), place(target)).request.tools == fitted.request.tools
    assert request == replaying()
    assert "*** Begin Patch" in target.encode(request)[2].body.decode()


@every_dialect
def test_what_is_changed_is_refused_where_the_client_is_strict(target: Target) -> None:
    """See encode_chat of the core: a strict request with a warning is refused."""
    warned = {warning.field for warning in target.encode(asking(PLAIN, GROUPED, CUSTOM))[1]}
    forms = target.dialect.tool_forms

    assert ("tools[1].namespace" in warned) is not forms.namespaces
    assert ("tools[2].custom.format" in warned) is not (forms.custom or target.vendor.quirks.custom_tools)


@every_dialect
@pytest.mark.parametrize(
    ("choice", "call"),
    [("shell", CALLS[0]), ("apply_patch", CALLS[2]), ("close", CALLS[3])],
    ids=["function", "custom", "grouped"],
)
def test_a_choice_names_the_tool_as_it_is_offered(target: Target, choice: str, call: ToolCall) -> None:
    request = asking(PLAIN, CUSTOM, GROUPED)
    request.tool_choice.CopyFrom(ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name=choice))
    fitted = fit(request, place(target))

    parts = [Part(tool_call=ToolCall(name=fitted.request.tool_choice.tool_name))]
    Restored(fitted.originals).parts(parts)
    assert parts[0].tool_call.name == call.name
    names = {tool.function.name or tool.custom.name for tool in fitted.request.tools}
    assert fitted.request.tool_choice.tool_name in names


@every_dialect
def test_a_group_stands_for_its_tools_in_a_choice(target: Target) -> None:
    request = asking(PLAIN, GROUPED, LONG)
    request.tool_choice.mode = ToolChoiceMode.TOOL_CHOICE_MODE_AUTO
    request.tool_choice.allowed_tool_names.append("agents")
    fitted = fit(request, place(target))

    allowed = set(fitted.request.tool_choice.allowed_tool_names)
    offered = {tool.function.name for tool in fitted.request.tools}
    assert allowed == ({"agents"} if target.dialect.tool_forms.namespaces else offered - {"shell"})


def test_a_choice_that_stands_for_two_tools_is_refused() -> None:
    request = asking(GROUPED, Tool(function=GROUPED.function, namespace=ToolNamespace(name="others")))
    request.tool_choice.CopyFrom(ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="close"))

    with pytest.raises(GatewayError) as caught:
        fit(request, place(ANTHROPIC))
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "tool_choice")
    assert "agents__close, others__close" in caught.value.message


def hosted(dialect: str, *, searches: bool = True) -> Tool:
    kind = HOSTED_TOOL_WEB_SEARCH if searches else HOSTED_TOOL_UNSPECIFIED
    return Tool(opaque=Opaque(dialect=dialect, json=HOSTED[dialect], text="web_search"), hosted=kind)


@every_dialect
@pytest.mark.parametrize("dialect", HOSTED)
def test_a_hosted_tool_beside_others_is_left_out_with_a_warning(target: Target, dialect: str) -> None:
    body, warnings, _ = target.encode(asking(hosted(dialect), PLAIN))

    is_known = dialect in target.dialect.tool_forms.dialects
    assert ("tools[0]" in {warning.field for warning in warnings}) is not is_known
    assert ("earch" in json.dumps(body)) is is_known
    assert "shell" in json.dumps(body)


@every_dialect
@pytest.mark.parametrize("dialect", HOSTED)
def test_a_hosted_tool_that_must_be_called_is_refused(target: Target, dialect: str) -> None:
    request = asking(hosted(dialect, searches=False), PLAIN)
    request.tool_choice.CopyFrom(ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="web_search"))
    if dialect in target.dialect.tool_forms.dialects:
        assert not fit(request, place(target)).warnings
        return
    with pytest.raises(GatewayError) as caught:
        fit(request, place(target))
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "tool_choice")


@every_dialect
@pytest.mark.parametrize("dialect", HOSTED)
def test_a_search_alone_is_the_targets_own_or_refused(target: Target, dialect: str) -> None:
    forms, request = target.dialect.tool_forms, asking(hosted(dialect))
    if dialect in forms.dialects:
        assert target.encode(request)[1] == []
    elif forms.search is None:
        with pytest.raises(GatewayError, match=r"tools\[0\]|web_search") as caught:
            target.encode(request)
        assert caught.value.reason is Reason.UNSUPPORTED
    else:
        body, warnings, _ = target.encode(request)
        assert body["tools"] == [json.loads(forms.search.json)]
        assert [warning.field for warning in warnings] == ["tools[0]"]


@every_dialect
def test_another_hosted_tool_alone_is_refused_unless_none_may_be_called(target: Target) -> None:
    request = asking(Tool(opaque=Opaque(dialect="nobody", json="{}", text="painting")))
    with pytest.raises(GatewayError, match="painting") as caught:
        target.encode(request)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "tools[0]")

    request.tool_choice.mode = ToolChoiceMode.TOOL_CHOICE_MODE_NONE
    body, warnings, _ = target.encode(request)
    assert "tools" not in body
    assert warnings


@every_dialect
def test_an_error_names_the_clients_place(target: Target) -> None:
    request = asking(hosted("gemini" if target.dialect.name != "gemini" else "openai"), PLAIN, PLAIN)
    request.tools[2].function.parameters_json = "{"
    with pytest.raises(GatewayError) as caught:
        target.encode(request)
    assert caught.value.field.startswith("tools[2]")


def test_restoring_leaves_other_calls_alone() -> None:
    answer = ChatResponse(candidates=[Candidate(parts=[Part(tool_call=CALLS[0]), Part(text="x")])])
    Restored(fit(asking(CUSTOM), place(ANTHROPIC)).originals).parts(answer.candidates[0].parts)

    assert answer.candidates[0].parts[0].tool_call == CALLS[0]
