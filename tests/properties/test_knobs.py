"""No setting is lost silently: each one changes what a target is sent, or is warned of, or refused."""

from __future__ import annotations

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Media, MediaKind, Message, Part, Role
from tests.properties.conversations import SCHEMAS, TREE
from tests.properties.fields import exists
from tests.properties.pictures import PNG
from tests.properties.targets import TARGETS, Target

USER = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])
TOOL = Tool(function=FunctionTool(name="f", parameters_json='{"type":"object"}'))
BY_SCHEMA = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA
PICTURE = Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=PNG, mime_type="image/png")


def with_tool(**fields: object) -> ChatRequest:
    return ChatRequest(tools=[TOOL], **fields)  # type: ignore[arg-type]


KNOBS: dict[str, ChatRequest] = {
    "temperature": ChatRequest(temperature=0.3),
    "top_p": ChatRequest(top_p=0.3),
    "top_k": ChatRequest(top_k=3),
    "frequency_penalty": ChatRequest(frequency_penalty=0.5),
    "presence_penalty": ChatRequest(presence_penalty=0.5),
    "seed": ChatRequest(seed=7),
    "stop": ChatRequest(stop=["END"]),
    "max_output_tokens": ChatRequest(max_output_tokens=77),
    "max_tokens": ChatRequest(max_tokens=77),
    "logit_bias": ChatRequest(logit_bias={"50256": -100}),
    "logprobs": ChatRequest(logprobs=True),
    "top_logprobs": ChatRequest(logprobs=True, top_logprobs=3),
    "modalities": ChatRequest(modalities=["text", "audio"]),
    "verbosity": ChatRequest(verbosity="low"),
    "service_tier": ChatRequest(service_tier="flex"),
    "user": ChatRequest(user="someone"),
    "reasoning.effort": ChatRequest(reasoning=ReasoningSettings(effort="high")),
    "reasoning.max_tokens": ChatRequest(reasoning=ReasoningSettings(max_tokens=3000)),
    "reasoning.enabled": ChatRequest(reasoning=ReasoningSettings(enabled=True)),
    "reasoning.summary": ChatRequest(reasoning=ReasoningSettings(effort="high", summary="detailed")),
    "tools": with_tool(),
    "tool_choice.none": with_tool(tool_choice=ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE)),
    "tool_choice.required": with_tool(tool_choice=ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED)),
    "tool_choice.tool": with_tool(tool_choice=ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f")),
    "parallel_tool_calls": with_tool(parallel_tool_calls=False),
    "strict": ChatRequest(tools=[Tool(function=FunctionTool(name="f", parameters_json=SCHEMAS[2], strict=True))]),
    "custom_tool": ChatRequest(tools=[Tool(custom=CustomTool(name="f"))]),
    "recursive_schema": ChatRequest(tools=[Tool(function=FunctionTool(name="f", parameters_json=TREE))]),
    "json_object": ChatRequest(response_format=ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT)),
    "json_schema": ChatRequest(response_format=ResponseFormat(type=BY_SCHEMA, name="n", schema_json=SCHEMAS[2])),
    "name": ChatRequest(messages=[Message(role=Role.ROLE_USER, name="ann", parts=[Part(text="Hi")])]),
    "detail": ChatRequest(messages=[Message(role=Role.ROLE_USER, parts=[Part(media=PICTURE)])]),
}
BASES = {
    "top_logprobs": ChatRequest(logprobs=True),
    "reasoning.summary": ChatRequest(reasoning=ReasoningSettings(effort="high")),
    "strict": ChatRequest(tools=[Tool(function=FunctionTool(name="f", parameters_json=SCHEMAS[2]))]),
    **dict.fromkeys(("tool_choice.none", "tool_choice.required", "tool_choice.tool", "parallel_tool_calls"), with_tool()),
}
"""What stands without the setting: an otherwise empty request, but for those that say more of another."""
OF_TOOLS = ("tool_choice.none", "tool_choice.required", "tool_choice.tool", "parallel_tool_calls", "strict")
WITHIN = dict.fromkeys(OF_TOOLS, "tools")
"""Settings that go where what they are about goes."""


def whole(request: ChatRequest) -> ChatRequest:
    found = ChatRequest()
    found.CopyFrom(request)
    if not found.messages:
        found.messages.append(USER)
    return found


@pytest.mark.parametrize("name", KNOBS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_setting_is_lost_silently(target: Target, name: str) -> None:
    request = whole(KNOBS[name])
    plain, told_before, _ = target.encode(whole(BASES.get(name, ChatRequest())))
    try:
        body, warnings, upstream = target.encode(request)
    except GatewayError as error:
        assert error.reason is Reason.UNSUPPORTED
        assert exists(request, error.field)
        return
    told = [warning.field for warning in warnings]
    assert all(exists(request, field) for field in told), told
    assert b'"$' not in upstream.body.replace(b'"$ref"', b"").replace(b'"$defs"', b"").replace(b'"$schema"', b"")
    changed = body != plain or told != [warning.field for warning in told_before]
    covered = {name.partition(".")[0], WITHIN.get(name, name)} & {field.partition(".")[0] for field in told}
    assert changed or covered, f"{name} is neither sent nor told: {body}"
