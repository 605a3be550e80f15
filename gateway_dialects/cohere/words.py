"""The vocabulary of Cohere's chat API (v2), of both directions, and the one reading and writing of its citations.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/rag-citations, .../reasoning, .../tool-use and
recorded traffic.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from dragoman.reasons import Reason
from dragoman.v1 import chat_pb2
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_TOOL, ROLE_USER, Citation, Part, ToolCall
from gateway_dialects.kit import json
from gateway_dialects.kit.context_length import Words
from gateway_dialects.kit.fields import Fields, boolean, integer, number, string
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.kit.tool_names import name_rule

DIALECT = "cohere"
TOOL_FORMS = ToolForms((DIALECT,))
TOOL_NAMES = name_rule(128, "_", "_")
"""The rule of https://docs.cohere.com/v1/reference/chat: a-z, A-Z, 0-9 and _, and no digit first; no length is given."""

ROLES = {"system": ROLE_SYSTEM, "user": ROLE_USER, "assistant": ROLE_ASSISTANT, "tool": ROLE_TOOL}
FINISH_REASONS = {
    "COMPLETE": chat_pb2.FINISH_REASON_STOP,
    "STOP_SEQUENCE": chat_pb2.FINISH_REASON_STOP,
    "MAX_TOKENS": chat_pb2.FINISH_REASON_LENGTH,
    "TOOL_CALL": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "ERROR": chat_pb2.FINISH_REASON_ERROR,
}
"""An unknown one counts as stop and stays readable in raw_finish_reason."""
FINISH_WORDS = {**json.inverse(FINISH_REASONS), chat_pb2.FINISH_REASON_CONTENT_FILTER: "ERROR"}
"""Of an answer that was filtered clients must know that it is not whole; there is no other word for it."""
FAILED_FINISHES = {
    "ERROR": Reason.UPSTREAM_UNAVAILABLE,
    "ERROR_LIMIT": Reason.CONTEXT_LENGTH_EXCEEDED,
    "ERROR_TOXIC": Reason.CONTENT_FILTERED,
    "TIMEOUT": Reason.UPSTREAM_TIMEOUT,
}
"""Finish reasons of an answer that failed, whatever came before."""
ERROR_TYPES = {
    "TOO_MANY_TOKENS": Reason.CONTEXT_LENGTH_EXCEEDED,
    # The model called a tool in a way that nobody can read: another try may do better.
    "INVALID_TOOL_GENERATION": Reason.UPSTREAM_INVALID_RESPONSE,
    "HALLUCINATED_ALL_TOOL_CALLS": Reason.UPSTREAM_INVALID_RESPONSE,
}
TOOL_CHOICES = {"NONE": chat_pb2.TOOL_CHOICE_MODE_NONE, "REQUIRED": chat_pb2.TOOL_CHOICE_MODE_REQUIRED}
"""Without one, the model decides."""

PLAIN_FIELDS: Fields = {
    "model": ("model", string),
    "max_tokens": ("max_tokens", integer),
    "temperature": ("temperature", number),
    "p": ("top_p", number),
    "k": ("top_k", integer),
    "seed": ("seed", integer),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "logprobs": ("logprobs", boolean),
}
"""Request fields that are one value: the contract's name, and what reads a client's."""
EXTRA_FIELDS = frozenset(
    {"citation_options", "documents", "k", "p", "priority", "raw_prompting", "safety_mode", "strict_tools", "thinking"}
)
"""Request fields that clients of other APIs send as extra fields of their body."""
BUDGETS = {"minimal": 512, "low": 1024, "medium": 4096}
"""Thinking tokens for an effort. Higher efforts have no bound."""
UNBOUNDED_EFFORTS = frozenset({"high", "xhigh", "max"})
SIGNED_FIELDS = ("provider", "signature", "encrypted", "id", "summary")
"""Fields of a thinking block with another provider's signed reasoning: those of Reasoning."""

SIGNED_DETAILS = "details"
"""And the one with what other dialects do not name of it: JSON texts by dialect, as in provider_details_json."""


class MessageForm(json.Form, frozen=True):
    """How a client of Cohere wrote the content of a message, where it could have been written otherwise."""

    content: Literal["", "list", "string"] = ""
    """list: of blocks. string: noted only of an assistant's empty content and beside tool calls."""


class PartForm(json.Form, frozen=True):
    plan: bool = False
    """Whether the reasoning is the tool_plan, and not a thinking block."""
    block: Json = msgspec.field(default_factory=dict)
    """The document block that the text was made of."""


class ResponseFormatForm(json.Form, frozen=True):
    native: bool = False
    """Whether a client of Cohere wrote it: then Cohere judges what it can be combined with."""
    schema_field: str = "json_schema"
    """schema is the older name."""


class CitationForm(json.Form, frozen=True):
    source: int = 0
    """Which of the sources of one Cohere citation it is. The first holds the citation's JSON."""


NO_MESSAGE_FORM, PLAN_FORM = MessageForm(), PartForm(plan=True)


def is_plan(part: Part) -> bool:
    return part.WhichOneof("kind") == "reasoning" and json.form_of(part, DIALECT, PartForm).plan


def with_details(written: Json, holder: json.Detailed) -> Json:
    """Adds the fields of this dialect that the contract does not name."""
    return json.merged(written, json.details_of(holder, DIALECT)) if holder.provider_details_json else written


def arguments_of(call: ToolCall) -> str:
    return json.json_text({"input": call.input}) if call.HasField("input") else json.without_halves(call.arguments_json)


def write_tool_call(part: Part, arguments: str) -> Json:
    call = part.tool_call
    function = {"name": call.name, "arguments": arguments}
    return with_details({"id": call.id, "type": "function", "function": function}, part)


class CitedParts:
    """The parts of a message that its citations may name, by their places among all parts."""

    __slots__ = ("blocks", "first_text", "plan")

    def __init__(self) -> None:
        self.plan: int | None = None
        self.blocks: dict[int, int] = {}
        """By the index of the content block; text and thinking only."""
        self.first_text: int | None = None

    def add_block(self, block: int, place: int, kind: str | None) -> None:
        """kind: of the part."""
        if kind in ("text", "reasoning"):
            self.blocks[block] = place
        if kind == "text" and self.first_text is None:
            self.first_text = place

    def place_of(self, citation: Any) -> int | None:
        """The part that a citation names by the index of its block; without one, the first text. None: there is none."""
        if not isinstance(citation, dict):
            return None
        if citation.get("type") == "PLAN":
            return self.plan
        block = citation.get("content_index")
        return self.blocks.get(block) if type(block) is int else self.first_text


def place_citations(parts: Sequence[Part], blocks: range, citations: Sequence[Any]) -> list[Any]:
    """Put each citation onto the part that it cites, and return those that cite none. blocks: the places of the content
    blocks; the plan comes before them."""
    cited = CitedParts()
    if blocks.start:
        cited.plan = 0
    for block, place in enumerate(blocks):
        cited.add_block(block, place, parts[place].WhichOneof("kind"))
    unplaced = []
    for citation in citations:
        if (found := cited.place_of(citation)) is None:
            unplaced.append(citation)
        else:
            parts[found].citations.extend(read_citation(citation))
    return unplaced


def read_citation(citation: Json) -> list[Citation]:
    """One for each source, and at least one. Whatever of it has another form than is documented stays in its JSON."""
    sources = [source for source in json.list_at(citation, "sources") if isinstance(source, dict)] or [{}]
    start, end = citation.get("start"), citation.get("end")
    found = []
    for place, source in enumerate(sources):
        content = source.get("document") or source.get("tool_output")
        content = content if isinstance(content, dict) else {}
        one = Citation(
            uri=json.text_of(content.get("url")),
            title=json.text_of(content.get("title")),
            cited_text=json.text_of(citation.get("text")),
            source_id=json.text_of(source.get("id")),
        )
        if type(start) is int and type(end) is int and 0 <= start <= end < 2**31:
            one.start_index, one.end_index = start, end
        if place:
            json.set_form(one, DIALECT, CitationForm(source=place))
        else:
            one.provider_details_json[DIALECT] = json.json_text(citation)
        found.append(one)
    return found


def is_own(citation: Citation) -> bool:
    """Whether this dialect's provider or client wrote it."""
    return DIALECT in citation.provider_details_json or f"{DIALECT}.form" in citation.provider_details_json


def write_citations(citations: Iterable[Citation], part: Part, block: int | None) -> list[Json]:
    """part: whose citations they are. block: the index of the content block that it has become; None: it is the plan."""
    written = []
    for citation in citations:
        if DIALECT in citation.provider_details_json:
            own = json.details_of(citation, DIALECT)
            is_moved = block is not None and type(own.get("content_index")) is int
            written.append({**own, "content_index": block} if is_moved else own)
        elif not json.form_of(citation, DIALECT, CitationForm).source:
            written.append(write_citation(citation, part, block))
    return written


def write_citation(citation: Citation, part: Part, block: int | None) -> Json:
    """Another provider's. Some clients want the text and the title of each document."""
    text = part.text or part.reasoning.text or part.refusal
    start = citation.start_index if citation.HasField("start_index") else 0
    end = citation.end_index if citation.HasField("end_index") else len(text)
    document = {"title": citation.title, "text": citation.cited_text}
    if citation.uri:
        document["url"] = citation.uri
    source = {"type": "document", "id": citation.source_id or citation.uri, "document": document}
    written: Json = {"start": start, "end": end, "text": text[start:end], "sources": [source]}
    if block is None:
        return {**written, "type": "PLAN"}
    kind = "THINKING_CONTENT" if part.WhichOneof("kind") == "reasoning" else "TEXT_CONTENT"
    return {**written, "type": kind, "content_index": block}


CONTEXT_WORDS = Words(
    own=("too many tokens",),
    counted="too many tokens: total number of tokens in the prompt cannot exceed {most} - received {used}.",
    plain="too many tokens: {message}",
)
