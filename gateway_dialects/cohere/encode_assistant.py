"""Messages of the assistant: reasoning, plan, text, citations and tool calls.

Source: https://docs.cohere.com/docs/tool-use and recorded requests. What a model says before it calls tools is its
tool_plan; models that reason think in content blocks instead.
"""

from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.cohere import words
from gateway_dialects.kit.diagnostics import Diagnostics, unusable_part
from gateway_dialects.kit.json import Json, details_of, form_of, object_of, text_of


class AssistantEncoder:
    """One message of the assistant, as far as its parts were read."""

    def __init__(self, message: Message, field: str, reasons: bool, diagnostics: Diagnostics) -> None:
        self._field, self._diagnostics = field, diagnostics
        self._form = form_of(message, words.DIALECT, words.MessageForm).content
        """How Cohere's own client wrote the content. Empty: it did not, or as anybody would."""
        self._calls_tools = any(part.WhichOneof("kind") == "tool_call" for part in message.parts)
        self._thinks = bool(self._form) or reasons
        """Whether thoughts go back as content blocks; otherwise, before calls, as the plan."""
        self._content: list[Json] = []
        self._plan: list[str] = []
        self._calls: list[Json] = []
        self._citations: list[Any] = []

    def add(self, part: Part, field: str) -> None:
        match part.WhichOneof("kind"):
            case "text" | "refusal":
                self._add_text(part)
            case "reasoning":
                self._add_reasoning(part, field)
            case "tool_call":
                self._calls.append(encode_tool_call(part, field))
            case "opaque" if part.opaque.dialect == words.DIALECT:
                self._content.append(object_of(part.opaque.json, field))
            case "media":
                self._diagnostics.drop(field, "this provider takes no media in the assistant's messages")
                return
            case _:
                raise unusable_part(part, field)
        drop_unsent(part, field, self._diagnostics)

    def _add_text(self, part: Part) -> None:
        text = part.text or part.refusal
        if text.strip() or self._form:
            self._add_block({"type": "text", "text": text}, part)

    def _add_block(self, block: Json, part: Part) -> None:
        self._citations += words.write_citations(part.citations, part, len(self._content))
        self._content.append(words.with_details(block, part))

    def _add_reasoning(self, part: Part, field: str) -> None:
        reasoning = part.reasoning
        if words.is_plan(part):
            self._plan.append(reasoning.text)
            self._citations += words.write_citations(part.citations, part, None)
        elif reasoning.signature or reasoning.encrypted:
            self._diagnostics.drop(field, "it is reasoning that another provider signed")
        elif self._thinks:
            self._add_block({"type": "thinking", "thinking": reasoning.text}, part)
        elif self._calls_tools:
            self._plan.append(reasoning.text)
        else:
            self._diagnostics.drop(field, "this model takes no reasoning back")

    def encode(self) -> Json:
        """Empty when nothing is left to say."""
        if self._calls and not self._plan and not self._form:
            self._make_text_the_plan()
        encoded: Json = {}
        if self._form == "list" or self._content:
            encoded["content"] = self._encode_content()
        elif self._form == "string":
            encoded["content"] = ""
        if self._plan:
            encoded["tool_plan"] = "\n\n".join(self._plan)
        if self._calls:
            encoded["tool_calls"] = self._calls
        if self._citations:
            encoded["citations"] = self._citations
        return encoded

    def _make_text_the_plan(self) -> None:
        self._plan = [text_of(block.get("text")) for block in self._content if block.get("type") == "text"]
        self._content = [block for block in self._content if block.get("type") != "text"]
        if self._citations:
            self._citations = []
            self._diagnostics.drop(f"{self._field}.citations", "text before tool calls is sent as their plan")

    def _encode_content(self) -> Any:
        is_text = len(self._content) == 1 and self._content[0].keys() == {"type", "text"}
        return self._content[0]["text"] if is_text and self._form != "list" else self._content


def encode_assistant(message: Message, field: str, reasons: bool, diagnostics: Diagnostics) -> Json:
    """Empty when nothing is left to say."""
    encoder = AssistantEncoder(message, field, reasons, diagnostics)
    for index, part in enumerate(message.parts):
        encoder.add(part, f"{field}.parts[{index}]")
    encoded = {**encoder.encode(), **details_of(message, words.DIALECT)}
    return {"role": "assistant", **encoded} if encoded else {}


def drop_unsent(part: Part, field: str, diagnostics: Diagnostics) -> None:
    """Reports what no part takes with it."""
    if part.provider_details_json:
        diagnostics.drop_foreign_details(part, field, words.DIALECT)
    if part.HasField("signature"):
        diagnostics.drop(f"{field}.signature", "this provider signs nothing")


def encode_tool_call(part: Part, field: str) -> Json:
    if not part.tool_call.id:
        raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
    return words.write_tool_call(part, words.arguments_of(part.tool_call) or "{}")
