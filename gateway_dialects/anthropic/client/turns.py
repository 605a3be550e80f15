"""The conversation as this dialect wants it: system apart, turns that alternate, tool results right after their calls.

Source: https://platform.claude.com/docs (messages, tool use). The provider refuses tool calls without results, results
without calls, ids outside [a-zA-Z0-9_-] and ids that come twice; conversations that began elsewhere have all of these.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.content_pb2 import (
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
)
from gateway_dialects.anthropic.client.blocks import (
    THINKING_TYPES,
    content_of,
    encode_block,
    encode_tool_result,
    encode_tool_use,
    opaque_block,
)
from gateway_dialects.anthropic.client.details import DIALECT, chat_cache_control, details_of
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.kit.legacy import CHAT_FORM, fields_of

WIRE_ID = re.compile(r"[a-zA-Z0-9_-]+")
READ_FROM_CHAT = frozenset({"cache_control", "thinking_blocks", "opaque", "annotations", "function"})
"""Message fields of clients of OpenAI's form that are understood here, or that only repeat what an answer said."""

BEGINNING = "(begin)"
"""The user's words where the assistant speaks first: blank ones are refused."""


@dataclasses.dataclass(slots=True)
class Turn:
    """One message of the outgoing body."""

    role: str
    form: str | None = None
    """How the client wrote the content: list, or unset."""
    results: list[Json] = dataclasses.field(default_factory=list)
    """Tool results: they stand before everything else in their turn."""
    blocks: list[Json] = dataclasses.field(default_factory=list)
    extra: Json = dataclasses.field(default_factory=dict)

    def encode(self) -> Json:
        content = [*self.results, *self.blocks] if self.results else self.blocks
        return {"role": self.role, "content": content_of(content, self.form), **self.extra}


class Conversation:
    """Takes messages in order. Raises GatewayError INVALID_REQUEST naming the tool_call_id that has no counterpart."""

    def __init__(self, remarks: Remarks) -> None:
        self.system: list[Json] = []
        self.turns: list[Turn] = []
        self.system_form: str | None = None
        self._remarks = remarks
        self._waiting: dict[str, tuple[str, str]] = {}
        """Ids of the last assistant turn's calls that have no result yet: what they are on the wire, and their field."""
        self._answered: set[str] = set()
        self._wire_ids: set[str] = set()

    def add(self, message: Message, field: str) -> None:
        details = details_of(message) if message.provider_details_json else {}
        if message.name and message.role != ROLE_TOOL:
            self._remarks.leave_out(f"{field}.name", "this provider takes no names of participants")
        if CHAT_FORM in message.provider_details_json:
            self._warn_of_chat_fields(message, field)
        if message.role == ROLE_USER:
            self._add_blocks("user", self._blocks(message, field), details)
        elif message.role == ROLE_ASSISTANT:
            self._add_assistant(message, field, details)
        elif message.role == ROLE_TOOL:
            self._add_results(message, field, details)
        elif message.role in (ROLE_SYSTEM, ROLE_DEVELOPER):
            self._add_system(message, field, details)
        else:
            raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")

    def finish(self) -> None:
        if self.turns and self.turns[-1].role != "assistant":
            self._check_answered()
        if not self.turns:
            self._speak_system()
        if self.turns[0].role == "assistant":
            self._remarks.warn("messages", f"this provider's conversations begin with the user: {BEGINNING!r} was added")
            self.turns.insert(0, Turn("user", blocks=[{"type": "text", "text": BEGINNING}]))
        last = self.turns[-1]
        if last.role == "assistant" and last.blocks and last.blocks[-1].get("type") == "text":
            # A prefill that ends in white space is refused.
            last.blocks[-1]["text"] = last.blocks[-1]["text"].rstrip()

    def _speak_system(self) -> None:
        if not self.system:
            raise invalid("messages", "messages holds no content: send at least one message that says something")
        self._remarks.warn("messages", "there is no user message: the system messages were sent as the user's words")
        self.turns.append(Turn("user", blocks=self.system))
        self.system = []

    def _warn_of_chat_fields(self, message: Message, field: str) -> None:
        for name in fields_of(details_of(message, CHAT_FORM)):
            if name not in READ_FROM_CHAT:
                self._remarks.leave_out(f"{field}.{name}", "this provider does not know it")

    def _blocks(self, message: Message, field: str) -> list[Json]:
        blocks = []
        for index, part in enumerate(message.parts):
            block = encode_block(part, f"{field}.parts[{index}]", self._remarks)
            if block is not None:
                blocks.append(block)
        return with_cache_control(blocks, message)

    def _add_system(self, message: Message, field: str, details: Json) -> None:
        """What stands first goes apart, block by block. Later ones keep their place, as text of the user's turn."""
        blocks = self._blocks(message, field)
        if details.get("$role") == "system":
            self._add_blocks("system", blocks, details)
        elif self.turns:
            self._remarks.warn(field, f"{field}: a system message in mid-conversation was sent as text of the user's turn")
            self._add_blocks("user", blocks, details)
        else:
            if any(block["type"] != "text" for block in blocks):
                raise unsupported(field, "this provider takes only text in system messages")
            self.system_form = None if self.system else details.get("$content")
            self.system.extend(blocks)

    def _add_assistant(self, message: Message, field: str, details: Json) -> None:
        if self.turns and self.turns[-1].role != "assistant":
            self._check_answered()
            self._answered.clear()
        carried, opaques = carried_blocks(message, field, self._remarks)
        blocks: list[Json] = []
        for index, part in enumerate(message.parts):
            where = f"{field}.parts[{index}]"
            if carried and part.WhichOneof("kind") == "reasoning":
                continue
            if (block := self._assistant_block(part, where)) is not None:
                blocks.append(block)
        if carried or opaques:
            blocks = [*carried, *blocks]
            first = next((i for i, block in enumerate(blocks) if block["type"] not in THINKING_TYPES), len(blocks))
            blocks[first:first] = opaques
        self._add_blocks("assistant", with_cache_control(blocks, message), details)

    def _assistant_block(self, part: Part, field: str) -> Json | None:
        match part.WhichOneof("kind"):
            case "tool_call":
                return encode_tool_use(part, self._new_wire_id(part.tool_call.id, field), field, self._remarks)
            case "media":
                raise unsupported(field, "this provider takes no media in the assistant's messages")
            case _:
                return encode_block(part, field, self._remarks)

    def _new_wire_id(self, call_id: str, field: str) -> str:
        """What the call is named on the wire, the same in every later request, so that prompt caches hit."""
        if not call_id:
            raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
        if call_id in self._waiting:
            raise invalid(f"{field}.tool_call.id", f"{field}: two tool calls of one turn have the tool_call_id {call_id!r}")
        wanted = wire = wire_id(call_id)
        count = 2
        while wire in self._wire_ids:
            # Some providers number the calls of every turn anew.
            wire = f"{wanted}_{count}"
            count += 1
        self._wire_ids.add(wire)
        self._waiting[call_id] = (wire, field)
        return wire

    def _add_results(self, message: Message, field: str, details: Json) -> None:
        for index, part in enumerate(message.parts):
            where = f"{field}.parts[{index}]"
            if part.WhichOneof("kind") != "tool_result":
                raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts")
            wire = self._claim(part.tool_result.tool_call_id, field)
            block = encode_tool_result(part, wire, where, self._remarks)
            if "cache_control" not in block and (found := chat_cache_control(message)):
                block["cache_control"] = found
            self._turn("user", details).results.append(block)

    def _claim(self, call_id: str, field: str) -> str:
        """The wire id of the call that a result answers."""
        if call_id not in self._waiting:
            again = call_id in self._answered
            why = "was answered already" if again else "belongs to no tool call of the assistant turn before"
            raise orphan(f"{field}.tool_call_id", f"{field}: the tool_call_id {call_id!r} {why}", call_id)
        self._answered.add(call_id)
        return self._waiting.pop(call_id)[0]

    def _check_answered(self) -> None:
        if self._waiting:
            call_id, (_, field) = next(iter(self._waiting.items()))
            message = f"{field}: the tool call with the tool_call_id {call_id!r} has no result directly after its turn"
            raise orphan(f"{field}.tool_call.id", message, call_id)

    def _add_blocks(self, role: str, blocks: Sequence[Json], details: Json) -> None:
        if not blocks:
            return
        turn = self._turn(role, details)
        turn.blocks.extend(blocks)

    def _turn(self, role: str, details: Json) -> Turn:
        """The last turn, if this role has it; otherwise a new one. "$turn" keeps apart what this dialect's own client sent
        apart."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role != role or details.get("$turn") == "new":
            last = Turn(role)
            self.turns.append(last)
        if details:
            last.form = details.get("$content", last.form)
            last.extra.update(fields_of(details))
        return last


def encode_conversation(messages: Iterable[Message], remarks: Remarks) -> Conversation:
    conversation = Conversation(remarks)
    for index, message in enumerate(messages):
        conversation.add(message, f"messages[{index}]")
    conversation.finish()
    return conversation


def orphan(field: str, message: str, call_id: str) -> GatewayError:
    failure = invalid(field, message)
    failure.metadata = {"tool_call_id": call_id}
    return failure


def with_cache_control(blocks: list[Json], message: Message) -> list[Json]:
    """A cache_control on the message (LiteLLM's form) means its last block."""
    if blocks and message.provider_details_json and (found := chat_cache_control(message)):
        blocks[-1].setdefault("cache_control", found)
    return blocks


def carried_blocks(message: Message, field: str, remarks: Remarks) -> tuple[list[Json], list[Json]]:
    """Thinking blocks and server tools' blocks that a client of OpenAI's form gives back on an assistant message."""
    if CHAT_FORM not in message.provider_details_json:
        return [], []
    chat = details_of(message, CHAT_FORM)
    thinking, opaque = chat.get("thinking_blocks"), chat.get("opaque")
    given = thinking if isinstance(thinking, list) else []
    carried = [block for block in given if is_sealed(block)]
    if len(carried) < len(given):
        remarks.leave_out(f"{field}.thinking_blocks", "this provider takes back only reasoning that it signed itself")
    items = [item for item in (opaque if isinstance(opaque, list) else []) if isinstance(item, dict)]
    own = [item.get("content") for item in items if item.get("dialect") == DIALECT]
    if len(own) < len(items):
        remarks.leave_out(f"{field}.opaque", "this provider does not understand content of another dialect")
    texts = [content if isinstance(content, str) else encode_json(content).decode() for content in own]
    return carried, [opaque_block(text, f"{field}.opaque") for text in texts]


def is_sealed(block: object) -> bool:
    if not (isinstance(block, dict) and block.get("type") in THINKING_TYPES):
        return False
    return bool(block.get("signature") or block.get("data"))


def wire_id(call_id: str) -> str:
    """An id that Anthropic takes: the same for the same id, and another for another."""
    if WIRE_ID.fullmatch(call_id):
        return call_id
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', call_id)}_{hashlib.sha256(call_id.encode()).hexdigest()[:8]}"
