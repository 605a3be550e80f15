"""The assistant's turns: what it thought, planned, said, cited and called.

Source: https://docs.cohere.com/docs/tool-use and recorded requests. What a model says before it calls tools is its
tool_plan; models that reason think in content blocks instead.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.cohere.client.citations import moved
from gateway_dialects.cohere.client.details import DIALECT, details_of, object_of
from gateway_dialects.cohere.client.families import reasons
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of

READ_FROM_CHAT = frozenset({"annotations", "citations"})
"""Message fields of clients of OpenAI's form that are understood here, or that only repeat what an answer said."""


@dataclasses.dataclass(slots=True)
class Turn:
    """One message of the assistant, as far as its parts were read."""

    form: str | None
    """How Cohere's own client wrote the content; None: the turn came from elsewhere."""
    calls_tools: bool
    thinks: bool
    """Whether thoughts go back as content blocks; otherwise, before calls, as the plan."""
    content: list[Json] = dataclasses.field(default_factory=list)
    plan: list[str] = dataclasses.field(default_factory=list)
    calls: list[Json] = dataclasses.field(default_factory=list)
    citations: list[Any] = dataclasses.field(default_factory=list)

    def add(self, part: Part, field: str, remarks: Remarks) -> None:
        match part.WhichOneof("kind"):
            case "text":
                self._say({"type": "text", "text": part.text}, part)
            case "refusal":
                self._say({"type": "text", "text": part.refusal}, part)
            case "reasoning":
                self._think(part, field, remarks)
            case "tool_call":
                self.calls.append(encode_tool_call(part, field))
            case "opaque" if part.opaque.dialect == DIALECT:
                self.content.append(object_of(part.opaque.json, field))
            case "opaque":
                raise unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
            case "media":
                raise unsupported(field, "this provider takes no media in the assistant's messages")
            case "tool_result":
                raise invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
            case _:
                raise invalid(field, f"{field} has no kind: set text, media, tool_call ...")

    def _say(self, block: Json, part: Part) -> None:
        if block["text"].strip() or self.form is not None:
            details = fields_of(details_of(part)) if part.provider_details_json else {}
            citations = details.pop("citations", [])
            self.citations += [moved(citation, len(self.content)) for citation in citations]
            self.content.append({**block, **details})

    def _think(self, part: Part, field: str, remarks: Remarks) -> None:
        reasoning, details = part.reasoning, details_of(part)
        if details.get("$field") == "tool_plan":
            self.plan.append(reasoning.text)
            self.citations += details.get("citations", [])
        elif reasoning.signature or reasoning.encrypted:
            remarks.leave_out(field, "it is reasoning that another provider signed")
        elif self.thinks:
            fields = fields_of(details)
            self.citations += [moved(citation, len(self.content)) for citation in fields.pop("citations", [])]
            self.content.append({"type": "thinking", "thinking": reasoning.text, **fields})
        elif self.calls_tools:
            self.plan.append(reasoning.text)
        else:
            remarks.leave_out(field, "this model takes no reasoning back")

    def encode(self) -> Json:
        """Empty when nothing is left to say."""
        if self.calls and not self.plan and self.form is None:
            self.plan = [block["text"] for block in self.content if block["type"] == "text"]
            self.content = [block for block in self.content if block["type"] != "text"]
            self.citations = []
        encoded: Json = {}
        if self.form == "list" or self.content:
            encoded["content"] = self._content()
        elif self.form == "string":
            encoded["content"] = ""
        if self.plan:
            encoded["tool_plan"] = "\n\n".join(self.plan)
        if self.calls:
            encoded["tool_calls"] = self.calls
        if self.citations:
            encoded["citations"] = self.citations
        return encoded

    def _content(self) -> Any:
        is_text = len(self.content) == 1 and self.content[0].keys() == {"type", "text"}
        return self.content[0]["text"] if is_text and self.form != "list" else self.content


def encode_assistant(message: Message, field: str, model: str, remarks: Remarks) -> Json:
    """Empty when nothing is left to say."""
    details = details_of(message) if message.provider_details_json else {}
    form = details.get("$content")
    calls_tools = any(part.WhichOneof("kind") == "tool_call" for part in message.parts)
    turn = Turn(form, calls_tools, thinks=form is not None or reasons(model))
    for index, part in enumerate(message.parts):
        turn.add(part, f"{field}.parts[{index}]", remarks)
    if not turn.citations:
        turn.citations = chat_citations(message, turn.content)
    encoded = {**turn.encode(), **fields_of(details)}
    return {"role": "assistant", **encoded} if encoded else {}


def chat_citations(message: Message, content: list[Json]) -> list[Any]:
    """Citations that a client of OpenAI's form gives back as it got them. Its text is one block."""
    if CHAT_FORM not in message.provider_details_json:
        return []
    given = details_of(message, CHAT_FORM).get("citations")
    place = next((index for index, block in enumerate(content) if block["type"] == "text"), None)
    if place is None or not isinstance(given, list):
        return []
    return [moved(citation, place) for citation in given if isinstance(citation, dict) and "sources" in citation]


def encode_tool_call(part: Part, field: str) -> Json:
    call = part.tool_call
    if not call.id:
        raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
    arguments = call.arguments_json or "{}"
    if call.HasField("input"):
        arguments = encode_json({"input": call.input}).decode()
    extra = fields_of(details_of(part)) if part.provider_details_json else {}
    inner = extra.pop("function", {})
    return {"id": call.id, "type": "function", **extra, "function": {"name": call.name, "arguments": arguments, **inner}}


def warn_of_chat_fields(message: Message, field: str, remarks: Remarks) -> None:
    for name in fields_of(details_of(message, CHAT_FORM)):
        if name not in READ_FROM_CHAT:
            remarks.leave_out(f"{field}.{name}", "this provider does not know it")
