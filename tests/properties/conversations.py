"""Conversations in the contract's terms, as hypothesis makes them up. Every text, call, result and seal is marked, so that
it can be found in whatever is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from dragoman.v1.chat_pb2 import (
    ChatRequest,
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import Media, MediaKind, Message, Opaque, Part, Reasoning, Role, ToolCall, ToolResult
from gateway_core.providers.registry import DIALECTS
from tests.properties.pictures import PDF, PNG, WAV

SIGNERS = ("anthropic", "openai-responses", "mistral", "gemini", "cohere", "")
NASTY = (
    '"',
    "\\",
    "\n",
    "é",
    "日本",
    "\u2028",
    "🦜",
    "{",
    "}",
    "<think>",
    "data: [DONE]",
    "\t",
    "null",
    "$ref",
    "&",
    "\x7f",
    "a",
    " ",
)
PNG_URL, PDF_URL = "https://example.com/p%20q.png?a=1&b=2", "https://example.com/d.pdf"
TREE = '{"type":"object","properties":{"child":{"$ref":"#/$defs/node"}},"$defs":{"node":{"type":"object",'
TREE += '"properties":{"child":{"$ref":"#/$defs/node"}}}},"required":["child"]}'
SCHEMAS = (
    "",
    '{"type":"object"}',
    '{"type":"object","properties":{"city":{"type":["string","null"],"enum":["a",null]}},"additionalProperties":false}',
    '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"n":{"const":1},"z":{"anyOf":[{}]}}}',
    TREE,
)

texts = st.lists(st.sampled_from(NASTY), max_size=6).map("".join)
call_ids = st.sampled_from(("call_1", "toolu_01", "functions.f:0", "a b", "é", "x" * 120, "123456789", "fc_1/2", "-"))
arguments = st.sampled_from(("{}", '{"a":1.0,"b":[null,"\\u00e9"]}', '{"$ref":"x","q":"\\"}"}', ' { "n" : 123456789012 } '))
broken_arguments = st.sampled_from(('{"a":', "", "[1]", "nope", '{"a":1}{'))
image_parts = st.sampled_from(
    (
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=PNG, mime_type="image/png")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri=PNG_URL, mime_type="image/png", detail="low")),
    )
)
file_parts = st.sampled_from(
    (
        Part(media=Media(kind=MediaKind.MEDIA_KIND_FILE, data=PDF, mime_type="application/pdf", filename="a b.pdf")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_FILE, uri=PDF_URL, mime_type="application/pdf")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO, data=WAV, mime_type="audio/wav")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO, uri="https://example.com/s.wav", mime_type="audio/wav")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_VIDEO, data=b"\0\0\0\x18ftypmp42", mime_type="video/mp4")),
        Part(media=Media(kind=MediaKind.MEDIA_KIND_FILE, file_id="file-123")),
    )
)
opaque_parts = st.sampled_from(sorted(DIALECTS)).map(
    lambda dialect: Part(opaque=Opaque(dialect=dialect, json='{"type":"probe","probe":"' + dialect + '"}'))
)
text_parts = texts.map(lambda text: Part(text=text))


@st.composite
def reasoning_parts(draw: st.DrawFn) -> Part:
    """Thought through by any provider, signed, encrypted or neither."""
    signer = draw(st.sampled_from(SIGNERS))
    sealed = draw(st.sampled_from(("no", "signature", "encrypted"))) if signer else "no"
    reasoning = Reasoning(text=draw(texts), provider=signer, summary=draw(st.booleans()))
    if sealed != "no":
        setattr(reasoning, sealed, "seal")
    return Part(reasoning=reasoning)


@st.composite
def results(draw: st.DrawFn, call_id: str, *, rich: bool) -> Part:
    shown = [Part(text=draw(st.one_of(texts, st.just("{"), st.just('{"a":1}')))) for _ in range(draw(st.integers(0, 2)))]
    if rich and draw(st.booleans()):
        shown.append(draw(image_parts))
    return Part(tool_result=ToolResult(tool_call_id=call_id, parts=shown, is_error=draw(st.booleans())))


@st.composite
def tool_turns(draw: st.DrawFn, ids: Iterator[str], *, rich: bool) -> list[Message]:
    """The assistant's calls, and what the tools answer, in one message or in several."""
    found = [next(ids) for _ in range(draw(st.integers(1, 3)))]
    calls = [
        Part(tool_call=ToolCall(id=call_id, name="f", arguments_json=draw(broken_arguments if rich else arguments)))
        for call_id in found
    ]
    before = draw(st.lists(st.one_of(reasoning_parts(), text_parts) if rich else text_parts, max_size=1))
    said = Message(role=Role.ROLE_ASSISTANT, parts=[*before, *calls])
    answers = [draw(results(call_id, rich=rich)) for call_id in found]
    if draw(st.booleans()):
        return [said, Message(role=Role.ROLE_TOOL, parts=answers)]
    return [said, *(Message(role=Role.ROLE_TOOL, parts=[answer]) for answer in answers)]


@st.composite
def plain_turns(draw: st.DrawFn, *, rich: bool) -> list[Message]:
    shown = st.one_of(text_parts, image_parts, file_parts) if rich else text_parts
    user = Message(role=Role.ROLE_USER, parts=[Part(text="Hi"), *draw(st.lists(shown, max_size=2))])
    kinds: list[st.SearchStrategy[Part]] = [text_parts, reasoning_parts(), texts.map(lambda text: Part(refusal=text))]
    if rich:
        kinds.append(opaque_parts)
    said = Message(role=Role.ROLE_ASSISTANT, parts=[*draw(st.lists(reasoning_parts(), max_size=1)), draw(st.one_of(*kinds))])
    return [user, said]


def distinct(first: Sequence[str]) -> Iterator[str]:
    """Ids that pair within one conversation."""
    return itertools.chain(first, (f"call_{number}" for number in itertools.count(100)))


@st.composite
def conversations(draw: st.DrawFn, *, rich: bool) -> list[Message]:
    """rich: with what some dialects must refuse or leave out. Without it every dialect must send it all."""
    ids = distinct(draw(st.lists(call_ids, max_size=4, unique=True)))
    roles = draw(st.lists(st.sampled_from((Role.ROLE_SYSTEM, Role.ROLE_DEVELOPER)), max_size=2))
    messages = [Message(role=role, parts=[Part(text=draw(texts))]) for role in roles]
    for kind in draw(st.lists(st.sampled_from(("plain", "tools", "system")), max_size=3)):
        if kind == "plain":
            messages += draw(plain_turns(rich=rich))
        elif kind == "tools":
            messages += [Message(role=Role.ROLE_USER, parts=[Part(text=draw(texts))]), *draw(tool_turns(ids, rich=rich))]
        elif rich:
            messages.append(Message(role=Role.ROLE_SYSTEM, parts=[Part(text=draw(texts))]))
    if not messages or messages[-1].role != Role.ROLE_TOOL or draw(st.booleans()):
        messages.append(Message(role=Role.ROLE_USER, parts=[Part(text=draw(texts))]))
    return mark(messages)


def mark(messages: Sequence[Message]) -> list[Message]:
    """Put a number of its own into everything that is said."""
    numbers = itertools.count()
    for message in messages:
        for name in DIALECTS:
            message.provider_details_json[f"{name}.form"] = '{"probe":"hidden note"}'
        mark_parts(message.parts, numbers)
    return list(messages)


def mark_parts(parts: Sequence[Part], numbers: Iterator[int]) -> None:
    for part in parts:
        marker = f"m{next(numbers)}m"
        match part.WhichOneof("kind"):
            case "text":
                part.text = json.dumps({"m": marker}) if part.text == '{"a":1}' else f"{marker} {part.text}".rstrip()
            case "refusal":
                part.refusal = f"{marker} {part.refusal}".rstrip()
            case "reasoning":
                part.reasoning.text = f"{marker} {part.reasoning.text}"
                for field in ("signature", "encrypted"):
                    if getattr(part.reasoning, field):
                        setattr(part.reasoning, field, f"seal{marker}")
            case "tool_call":
                part.tool_call.name = f"f_{marker}"
            case "tool_result":
                mark_parts(part.tool_result.parts, numbers)
            case _:
                pass


tools: st.SearchStrategy[list[Tool]] = st.lists(st.sampled_from(SCHEMAS), max_size=3).map(
    lambda schemas: [
        Tool(function=FunctionTool(name=f"tool_{index}", description="does", parameters_json=schema))
        for index, schema in enumerate(schemas)
    ]
)
BY_OBJECT = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT
BY_SCHEMA = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA
formats = st.sampled_from(
    (
        ResponseFormat(),
        ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT),
        ResponseFormat(
            type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, name="n", schema_json=SCHEMAS[2], strict=True
        ),
        ResponseFormat(type=ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, name="n", schema_json=TREE),
    )
)
choices = st.sampled_from(
    (
        ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO),
        ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_NONE),
        ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED),
        ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="tool_0"),
        ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_AUTO, allowed_tool_names=["tool_0"]),
    )
)
efforts = st.sampled_from(("", "none", "minimal", "low", "medium", "high", "xhigh", "max", "own-word"))


@st.composite
def requests(draw: st.DrawFn, *, rich: bool) -> ChatRequest:
    request = ChatRequest(model="m", messages=draw(conversations(rich=rich)))
    offered: list[Tool] = draw(tools)
    request.tools.extend(offered)
    request.stop.extend(draw(st.lists(st.sampled_from(("END", "\n")), max_size=2, unique=True)))
    if draw(st.booleans()):
        request.temperature = draw(st.sampled_from((0.0, 0.7, 1.0, 2.0)))
    if draw(st.booleans()):
        request.max_output_tokens = draw(st.sampled_from((1, 700, 10**7)))
    chooses: bool = draw(st.booleans())
    if offered and chooses:
        request.tool_choice.CopyFrom(draw(choices))
    if rich:
        request.response_format.CopyFrom(draw(formats))
        request.reasoning.CopyFrom(ReasoningSettings(effort=draw(efforts)))
        name = draw(st.sampled_from(sorted(DIALECTS)))
        request.provider_options_json[name] = '{"probe_option":"own"}'
        request.provider_options_json[f"{name}.form"] = '{"probe":"hidden note"}'
    return request
