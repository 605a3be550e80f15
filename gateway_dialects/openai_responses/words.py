"""The vocabulary of OpenAI's Responses API, for both directions, and the forms that its clients and providers use.

provider_details_json["openai-responses"] holds, beside the fields that the contract does not name:
- of a text or refusal of the assistant: those of its piece of content, and `item`: the fields (id, status, phase) of the
  message item that begins with this part. A part without it continues the item before.
- of any other part of the assistant: those of its item (id, status ...).
- of a message of another role, a tool, a tool choice or a format: those of its JSON object.

Cache hints are not sent: the API caches by itself and has no such field on what it takes.

Source: https://platform.openai.com/docs/api-reference/responses and recorded traffic.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from dragoman.v1 import content_pb2
from dragoman.v1.chat_pb2 import FINISH_REASON_CONTENT_FILTER, FINISH_REASON_LENGTH, ChatRequest, FinishReason
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.json import Detailed, Form, Json, inverse, text_of, unknown_fields
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.openai.words import DIALECT as OPENAI

DIALECT = "openai-responses"

TOOL_FORMS = ToolForms(
    (DIALECT, OPENAI),
    custom=True,
    namespaces=True,
    search=content_pb2.Opaque(dialect=DIALECT, json='{"type":"web_search"}', text="web_search"),
)
"""Chat completions know only functions and custom tools: any other tool of a client of theirs is meant for this API."""

ROLES: Mapping[str, content_pb2.Role.ValueType] = MappingProxyType(
    {
        "user": content_pb2.ROLE_USER,
        "system": content_pb2.ROLE_SYSTEM,
        "developer": content_pb2.ROLE_DEVELOPER,
        "assistant": content_pb2.ROLE_ASSISTANT,
    }
)
INCOMPLETE_REASONS: Mapping[str, FinishReason.ValueType] = MappingProxyType(
    {
        "max_output_tokens": FINISH_REASON_LENGTH,
        "content_filter": FINISH_REASON_CONTENT_FILTER,
        "max_messages": FINISH_REASON_LENGTH,
    }
)
"""incomplete_details.reason. An unknown one means that the answer is cut."""
INCOMPLETE = inverse(INCOMPLETE_REASONS)
UNFINISHED = frozenset({"queued", "in_progress"})
"""The status of a response that is made in the background."""
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
"""Values of include."""

SEARCH = "web_search"
"""How the types of its tools begin that search the web."""
PICTURE = "image_generation_call"
CUSTOM_CALL = "custom_tool_call"
CALLS = frozenset({"function_call", CUSTOM_CALL})
MODEL_ITEMS = frozenset({"compaction", "mcp_list_tools", "mcp_approval_request", "program"})
"""Items that the model makes, and whose types do not end in _call. Any other is the client's."""
CUSTOM_OUTPUT = "custom_tool_call_output"
OUTPUTS = frozenset({"function_call_output", CUSTOM_OUTPUT})
MESSAGE_FIELDS = frozenset({"type", "role", "content"})
OUTPUT_FIELDS = frozenset({"type", "call_id", "output"})
CALL_FIELDS = frozenset({"type", "call_id", "name", "namespace", "arguments", "input"})
MORE_TOOLS = "additional_tools"
TOOL_HOLDERS = frozenset({MORE_TOOLS, "tool_search_output"})
"""Items that hold tools."""
REASONING_FIELDS = frozenset({"type", "id", "summary", "content", "encrypted_content"})
PICTURE_FIELDS = frozenset({"type", "result"})
TEXT_FIELDS = frozenset({"type", "text", "annotations", "logprobs"})
REFUSAL_FIELDS = frozenset({"type", "refusal"})
TEXT_KINDS = frozenset({"text", "refusal"})
CARRIED = "provider_details"
"""Field of a tool call's item: the details that other dialects' providers need of the call in the next turn."""
SIGNATURE = "signature"
"""Field of a tool call's item and of a piece of text: another provider's Part.signature, {provider, value}."""
SUMMARY_GAP = "\n\n"
"""Joins the summaries of one reasoning item, which are one text in the contract."""
REFERENCE_FIELDS = ("conversation", "prompt", "previous_response_id")
"""Fields of a request for content that its provider stores."""
ECHOED: Json = {
    **dict.fromkeys(("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt_cache_key")),
    **dict.fromkeys(("safety_identifier", "service_tier", "user")),
    **dict.fromkeys(("temperature", "top_p"), 1.0),
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "truncation": "disabled",
}
"""The request fields that a Response repeats, and what OpenAI shows of those that the request left out."""
STORED_THERE = (
    f"what it refers to is kept by providers of the {DIALECT} dialect alone, and this target is none: send its content"
)
"""See Dialect.essential_options."""


class RequestForm(Form, frozen=True):
    """Of a request, in provider_options_json."""

    text_input: bool = False
    """input is a string."""
    no_input: bool = False
    """There is no input, only what the provider stores. The contract has an empty message in its place."""
    empty_instructions: bool = False
    served: dict[str, Any] = msgspec.field(default_factory=dict)
    """Fields that the gateway honours at any provider (store, metadata ...): sent to this dialect's providers, and no loss
    at others."""


class MessageForm(Form, frozen=True):
    """Of a message of any role but the assistant's."""

    instructions: bool = False
    """It is the request's field instructions."""
    listed: bool = False
    """Its content, or the tool's output, is a list, although a string would say the same."""
    typed: bool = False
    """The item has its type, message."""
    custom: bool = False
    """The item is a custom_tool_call_output."""
    item: bool = False
    """Its opaque part is an item, not content: a reference, an approval, the output of a built-in tool ..."""


class PartForm(Form, frozen=True):
    """Of a part of the assistant. The first four: of the item that begins with it."""

    plain: bool = False
    """The content is a string."""
    untyped: bool = False
    """The item has no type."""
    empty: bool = False
    """The content is an empty list; the part is an empty text."""
    logprobs: int = 0
    """How many of the candidate's log-probabilities are those of this text."""
    piece: bool = False
    """An opaque part is a piece of a message's content, not an item."""
    lengths: tuple[int, ...] = ()
    """Of each summary, or piece of reasoning text, in characters, where there are several."""


class ToolForm(Form, frozen=True):
    """Of a tool."""

    strict_unset: bool = False
    """The client relies on this API's default, which is strict. Other dialects' clients mean that it is not."""
    item: int = -1
    """The place among the input's items of the one of type additional_tools that holds it; -1: it is in tools."""
    loaded: bool = False
    """It is in the output of a search for tools, which is sent as an item."""
    holder: dict[str, Any] = msgspec.field(default_factory=dict)
    """Of the first tool of an item additional_tools: the item's other fields."""
    group: dict[str, Any] = msgspec.field(default_factory=dict)
    """Of the first tool of a namespace: the namespace's fields that the contract does not name."""


def hosted_name(fields: Json) -> str:
    """What a tool choice calls a tool that the provider runs."""
    kind = text_of(fields.get("type"))
    named = text_of(fields.get("server_label")) or text_of(fields.get("name"))
    return named or (SEARCH if kind.startswith(SEARCH) else kind)


def replaced(form: ToolForm, **fields: Any) -> ToolForm:
    """The form with other fields."""
    return msgspec.structs.replace(form, **fields)


def details_of(holder: Detailed) -> Json:
    return wire.details_of(holder, DIALECT) if holder.provider_details_json else {}


def set_details(target: Any, details: Json) -> None:
    wire.set_details(target, details, DIALECT)


def form_of(holder: Detailed, form: type[wire.FormT]) -> wire.FormT:
    return wire.form_of(holder, DIALECT, form)


def set_form(target: Any, form: Form) -> None:
    wire.set_form(target, DIALECT, form)


def item_fields(part: content_pb2.Part) -> Json | None:
    """The fields of the message item that begins with a part, as this dialect's provider or client has it. None: it begins
    none."""
    found = details_of(part).get("item")
    return found if isinstance(found, dict) else None


def request_form(request: ChatRequest) -> RequestForm:
    """Raises GatewayError INVALID_REQUEST for what is none."""
    return wire.options_form_of(request.provider_options_json, DIALECT, RequestForm)


def set_request_form(request: ChatRequest, form: RequestForm) -> None:
    wire.set_options_form(request.provider_options_json, DIALECT, form)


def is_piece(part: content_pb2.Part) -> bool:
    """Whether it is content of a message item of the assistant."""
    kind = part.WhichOneof("kind")
    return kind in TEXT_KINDS or (kind == "opaque" and form_of(part, PartForm).piece)


def piece_fields(part: content_pb2.Part) -> Json:
    """The details of a piece of content, without those of its item."""
    details = details_of(part)
    details.pop("item", None)
    return details


def pieces(text: str, lengths: Sequence[int]) -> list[str]:
    """The summaries that a text was joined of; the text itself where their lengths do not fit it."""
    if not text:
        return []
    found, start = [], 0
    for length in lengths:
        found.append(text[start : start + length])
        start += length + len(SUMMARY_GAP)
    return found if found and SUMMARY_GAP.join(found) == text else [text]


def lengths_of(texts: Sequence[str]) -> tuple[int, ...]:
    """PartForm.lengths."""
    return tuple(map(len, texts)) if len(texts) > 1 else ()


def set_picture(part: content_pb2.Part, item: Json) -> bool:
    """Make the part the picture that an image_generation_call drew. False: it has none."""
    if not (result := text_of(item.get("result"))):
        return False
    part.media.kind, part.media.mime_type = (
        content_pb2.MEDIA_KIND_IMAGE,
        f"image/{text_of(item.get('output_format')) or 'png'}",
    )
    part.media.uri = f"data:{part.media.mime_type};base64,{result}"
    set_details(part, unknown_fields(item, PICTURE_FIELDS))
    return True


def citation_of(annotation: Json) -> content_pb2.Citation:
    """An annotation of an output_text: url_citation, file_citation, container_file_citation, file_path."""
    citation = content_pb2.Citation(
        uri=text_of(annotation.get("url")),
        title=text_of(annotation.get("title")) or text_of(annotation.get("filename")),
        source_id=text_of(annotation.get("file_id")),
    )
    start, end = annotation.get("start_index"), annotation.get("end_index")
    if type(start) is int and type(end) is int and 0 <= start <= end < 2**31 and end:
        citation.start_index, citation.end_index = start, end
    set_details(citation, annotation)
    return citation


def annotation_of(citation: content_pb2.Citation) -> Json:
    """As the dialect writes it: another provider's citation of an address is a url_citation, any other a file_citation."""
    if DIALECT in citation.provider_details_json:
        return details_of(citation)
    if citation.uri:
        places = {"start_index": citation.start_index, "end_index": citation.end_index}
        return {"type": "url_citation", **places, "title": citation.title, "url": citation.uri}
    names = {"file_id": citation.source_id, "filename": citation.title}
    return {"type": "file_citation", "index": citation.start_index, **names}
