"""Law 10: every field of ChatRequest, walked from its descriptor, is at every dialect sent, warned of or refused.

A field counts as sent when setting it changes what is sent. It is set in a request that lacks it and is otherwise minimal,
and in one that has all settings, because some mean something only beside others. No list of fields is kept here: values are
made by type and name, and fields that ask nothing of a provider have the option descriptive in the contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message as Proto

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ResponseFormatType, ToolChoiceMode
from dragoman.v1.content_pb2 import MEDIA_KIND_FILE, MEDIA_KIND_IMAGE, CacheHint, Role
from dragoman.v1.options_pb2 import descriptive
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Dialect, Endpoint, UpstreamRequest
from tests.fitted import encode_fitted
from tests.properties.pictures import PDF, PNG

Fate = Literal["sent", "warned", "refused", "lost"]
OWN, NOBODY = "{own}", "nobody"
"""In samples: the dialect that is tested, and one that is not there."""
SAMPLE = '{"sample": 1}'
GATEWAY = frozenset({"model", "fallback_models", "routing", "strict"})
"""What the gateway acts on itself; a dialect never sees it."""
ROLES: Mapping[str, Role.ValueType] = {
    **dict.fromkeys(("reasoning", "tool_call", "refusal", "citations", "signature"), Role.ROLE_ASSISTANT),
    "tool_result": Role.ROLE_TOOL,
}
"""Who sends a part of a kind, where that is not the user. None of these is in a tool result."""
TEXT_ONLY = frozenset({"openai-completions"})
"""Dialects whose providers take one text of a user."""
NEEDS_TOOLS = frozenset({"parallel_tool_calls"})
"""What asks for nothing where there are no tools: the dialects of TEXT_ONLY refuse them."""
VARIANTS = 3
"""What some types need beside a field so that it means something, tried one after another: see fill."""

VALUES: Mapping[str, Sequence[Any]] = {
    # What a value must be like to mean something, by the name of the field.
    **dict.fromkeys(("parameters_json", "schema_json"), ('{"type":"object","properties":{"x":{"type":"string"}}}',)),
    "format_json": ('{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}',),
    "arguments_json": ('{"y": 2}',),
    "uri": ("https://example.com/a.png",),
    "mime_type": ("image/jpeg",),
    "detail": ("low",),
    "effort": ("low", "none"),
    "summary": ("detailed", True),
    "verbosity": ("low",),
    "service_tier": ("flex",),
    "ttl": ("1h",),
    "tool_name": ("f",),
    "tool_call_id": ("call_0",),
    "allowed_tool_names": (["f"],),
    "modalities": (["text", "audio"],),
    "logit_bias": ({"50256": 5.0},),
    "max_tokens": (2048,),
    "max_output_tokens": (2048,),
    "provider": (OWN, NOBODY),
    "dialect": (OWN, NOBODY),
    "data": (PNG + b"more",),
}


@dataclass(frozen=True)
class Field:
    """A field, and the way to it."""

    path: tuple[FieldDescriptor, ...]
    key: str = ""
    """The one key that is set of a map by dialect."""

    def __str__(self) -> str:
        return ".".join(step.name for step in self.path) + (f"[{self.key}]" if self.key else "")

    @property
    def last(self) -> FieldDescriptor:
        return self.path[-1]

    def requests(self, bases: Sequence[ChatRequest], dialect: str) -> Iterator[tuple[ChatRequest, ChatRequest]]:
        """Pairs: without the field, and with it."""
        for base in bases:
            for variant in range(VARIANTS):
                for value in self._values(dialect):
                    lacking, having = ChatRequest(), ChatRequest()
                    for request in (lacking, having):
                        request.CopyFrom(base)
                        self._holder(request, dialect, variant).ClearField(self.last.name)
                    put(self._holder(having, dialect, variant), self.last, value, dialect, variant)
                    if self.last.containing_oneof is not None and len(self.last.containing_oneof.fields) > 1:
                        fill(self._holder(lacking, dialect, variant), dialect, variant)
                    if lacking != having:
                        yield lacking, having

    def _values(self, dialect: str) -> Sequence[Any]:
        return [{self.key.format(own=dialect): SAMPLE}] if self.key else values_of(self.last, dialect)

    def _holder(self, request: ChatRequest, dialect: str, variant: int) -> Any:
        """The message that has the field, made where it is not there."""
        names = [step.name for step in self.path]
        if names[0] == "messages" and len(names) > 1:
            if "tool_result" in names:
                # It is the first and only answer to its call.
                del request.messages[2:-1]
            request.messages[-1].role = next((ROLES[name] for name in names if name in ROLES), Role.ROLE_USER)
        holder: Any = request
        for step in self.path[:-1]:
            if not step.is_repeated:
                made = holder.HasField(step.name)
                holder = getattr(holder, step.name)
                if not made or holder.ByteSize() == 0:
                    holder.SetInParent()
                    fill(holder, dialect, variant)
                continue
            members = getattr(holder, step.name)
            if not members:
                fill(members.add(), dialect, variant)
            holder = members[-1]
        return holder


def fields_of(descriptor: Descriptor, above: tuple[FieldDescriptor, ...] = ()) -> Iterator[Field]:
    for field in descriptor.fields:
        path = (*above, field)
        in_result = any(step.name == "tool_result" for step in above)
        if (not above and field.name in GATEWAY) or (in_result and field.name in ROLES):
            continue
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry and field.name not in VALUES:
            yield from (Field(path, key) for key in (OWN, NOBODY))
            continue
        yield Field(path)
        if inner is not None and not inner.GetOptions().map_entry:
            yield from fields_of(inner, path)


def values_of(field: FieldDescriptor, dialect: str) -> Sequence[Any]:
    """Any of them may be the default, and then changes nothing."""
    if field.name in VALUES:
        return [
            value.format(own=dialect) if isinstance(value, str) and value in (OWN,) else value
            for value in VALUES[field.name]
            if type_fits(field, value)
        ]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return [{dialect: SAMPLE}]
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return [None]
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return [b"bytes"]
        case FieldDescriptor.CPPTYPE_STRING:
            text = SAMPLE if field.name.endswith("json") else "sample"
            return [[text]] if field.is_repeated else [text]
        case FieldDescriptor.CPPTYPE_BOOL:
            return [True, False]
        case FieldDescriptor.CPPTYPE_ENUM if field.enum_type is not None:
            return [value.number for value in field.enum_type.values if value.number]
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return [0.5]
        case _:
            return [3]


def type_fits(field: FieldDescriptor, value: object) -> bool:
    return isinstance(value, bool) == (field.cpp_type == FieldDescriptor.CPPTYPE_BOOL)


def put(holder: Any, field: FieldDescriptor, value: Any, dialect: str, variant: int = 0) -> None:
    if isinstance(value, Mapping):
        getattr(holder, field.name).update(value)
    elif field.message_type is not None:
        inner = getattr(holder, field.name)
        made = inner.add() if field.is_repeated else inner
        made.SetInParent()
        fill(made, dialect, variant)
    elif isinstance(value, list):
        getattr(holder, field.name).extend(value)
    else:
        setattr(holder, field.name, value)


def fill(message: Proto, dialect: str, variant: int = 0) -> None:
    """What a message of this type needs to mean something."""
    made: Any = message
    match message.DESCRIPTOR.name, variant:
        case "Message", _:
            made.role = Role.ROLE_USER
            fill(made.parts.add(), dialect)
        case "Part", _ if made.WhichOneof("kind") is None:
            made.text = "Hi there"
        case "Media", 0:
            made.kind, made.data, made.mime_type = MEDIA_KIND_IMAGE, PNG, "image/png"
        case "Media", 1:
            made.kind, made.data, made.mime_type = MEDIA_KIND_FILE, PDF, "application/pdf"
        case "Media", _:
            made.kind, made.uri, made.mime_type = MEDIA_KIND_IMAGE, "https://example.com/b.png", "image/png"
        case "Reasoning", 0:
            made.text, made.signature, made.provider = "a thought", "c2ln", dialect
        case "Reasoning", 1:
            made.id, made.encrypted, made.provider = "rs_1", "c2ln", dialect
        case "Reasoning", _:
            made.text = "a thought"
        case "ToolCall", _:
            made.id, made.name, made.arguments_json = "call_1", "f", '{"x": 1}'
        case "ToolResult", _:
            made.tool_call_id, made.name = "call_0", "f"
            fill(made.parts.add(), dialect)
        case "Tool", _ if made.WhichOneof("kind") is None:
            fill(made.function, dialect)
        case "FunctionTool", _:
            made.name = "h"
            made.parameters_json = '{"type":"object","properties":{}}'
        case "ToolNamespace", _:
            made.name = "group"
        case "CustomTool", _:
            made.name = "c"
        case "Opaque", _:
            made.dialect, made.json = dialect, '{"type":"sample"}'
        case "ToolChoice", 0:
            made.mode = ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED
        case "ToolChoice", _:
            made.mode, made.tool_name = ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, "g"
        case "ResponseFormat", _:
            made.type, made.name = ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, "form"
            made.schema_json = '{"type":"object","properties":{"a":{"type":"string"}}}'
        case "ReasoningSettings", 0:
            made.effort = "high"
        case "ReasoningSettings", 1:
            made.effort, made.summary = "high", "detailed"
        case "Citation", _:
            made.uri, made.title = "https://example.com", "A page"
        case "Signature", _:
            made.provider, made.value = dialect, "c2ln"
        case _:
            pass


def minimal(dialect: str) -> ChatRequest:
    """A conversation that every kind of message can end."""
    request = ChatRequest(model="m")
    for _ in range(2):
        fill(request.messages.add(), dialect)
    request.messages[1].role = Role.ROLE_ASSISTANT
    call = request.messages[1].parts.add().tool_call
    call.id, call.name, call.arguments_json = "call_0", "f", "{}"
    fill(request.messages.add(), dialect)
    request.messages[2].ClearField("parts")
    request.messages[2].role = Role.ROLE_TOOL
    result = request.messages[2].parts.add().tool_result
    fill(result, dialect)
    fill(request.messages.add(), dialect)
    request.messages[3].role = Role.ROLE_ASSISTANT
    for name in ("f", "g"):
        tool = request.tools.add().function
        fill(tool, dialect)
        tool.name = name
    fill(request.messages.add(), dialect)
    if dialect in TEXT_ONLY:
        del request.messages[1:], request.tools[:]
    return request


def full(dialect: Dialect) -> ChatRequest:
    """With all settings that the dialect does not refuse."""
    request = minimal(dialect.name)
    for field in ChatRequest.DESCRIPTOR.fields:
        if field.name not in GATEWAY and not field.is_repeated and field.name != "extra_body_json":
            more = ChatRequest()
            more.CopyFrom(request)
            put(more, field, values_of(field, dialect.name)[0], dialect.name)
            if encodes(dialect, more):
                request = more
    return request


FIELDS = list(fields_of(ChatRequest.DESCRIPTOR))


def sent(dialect: Dialect, request: ChatRequest) -> tuple[UpstreamRequest, Sequence[tuple[str, str]]]:
    endpoint = Endpoint("p", dialect.name, "https://p.example")
    upstream, warnings = encode_fitted(request, "m", endpoint)
    return upstream, [(warning.field, warning.message) for warning in warnings]


def encodes(dialect: Dialect, request: ChatRequest) -> bool:
    try:
        sent(dialect, request)
    except GatewayError:
        return False
    return True


def fate(dialect: Dialect, lacking: ChatRequest, having: ChatRequest) -> Fate:
    """What becomes of the one field in which the requests differ."""
    try:
        before, known = sent(dialect, lacking)
    except GatewayError as refusal:
        if encodes(dialect, having):
            # The field is required.
            return "sent"
        # Whatever holds the field is refused.
        return "refused" if refusal.reason is Reason.UNSUPPORTED else "lost"
    try:
        after, warnings = sent(dialect, having)
    except GatewayError as refusal:
        assert refusal.reason in (Reason.UNSUPPORTED, Reason.INVALID_REQUEST), refusal
        return "refused"
    if any(one not in known for one in warnings):
        return "warned"
    return "sent" if after != before else "lost"


def lost_fields(dialect: Dialect) -> Iterator[str]:
    """Fields that change nothing in any request. What is in a field that is never sent has that field's fate."""
    bases = (minimal(dialect.name), full(dialect))
    assert encodes(dialect, bases[0])
    unsent: set[tuple[FieldDescriptor, ...]] = set()
    for field in FIELDS:
        if field.last.GetOptions().Extensions[descriptive] or any(
            field.path[:size] in unsent for size in range(1, len(field.path))
        ):
            continue
        if dialect.name in TEXT_ONLY and field.path[0].name in NEEDS_TOOLS:
            continue
        if dialect.automatic_cache and field.last.message_type is CacheHint.DESCRIPTOR:
            unsent.add(field.path)
            continue
        fates = {fate(dialect, *pair) for pair in field.requests(bases, dialect.name)}
        if fates and fates <= {"warned", "refused"}:
            unsent.add(field.path)
        elif fates == {"lost"}:
            unsent.add(field.path)
            yield str(field)


@pytest.mark.parametrize("name", DIALECTS)
def test_no_field_is_lost_without_a_word(name: str) -> None:
    assert list(lost_fields(DIALECTS[name])) == []


def test_the_walk_reaches_what_is_deep() -> None:
    paths = {str(field) for field in FIELDS}
    assert {"temperature", "tools.function.strict", "messages.parts.tool_result.parts.media.detail"} <= paths
    assert not {"model", "strict"} & paths
