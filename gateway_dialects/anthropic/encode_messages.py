"""Messages of requests: system apart, turns that alternate, tool results right after their calls.

Source: https://platform.claude.com/docs (messages, tool use). The provider refuses tool calls without results, results
without calls, ids outside [a-zA-Z0-9_-] and ids that come twice; conversations that began elsewhere have all of these.
"""

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_DEVELOPER, ROLE_SYSTEM, ROLE_TOOL, ROLE_USER, Message, Part
from gateway_dialects.anthropic.encode_content import (
    RequestDiagnostics,
    content_of,
    encode_block,
    encode_tool_result,
    encode_tool_use,
)
from gateway_dialects.anthropic.words import DIALECT, MessageForm
from gateway_dialects.kit.cache_hints import cache_control
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, details_of, form_of
from gateway_dialects.kit.tool_results import results_in

WIRE_ID = re.compile(r"[a-zA-Z0-9_-]+")
BEGINNING = "(begin)"
"""Text of the user's turn that is added where the assistant's is first; blank text is refused."""
ARRANGED = MessageForm()


@dataclasses.dataclass(slots=True)
class Turn:
    """One message of the outgoing body."""

    role: str
    results: list[Json] = dataclasses.field(default_factory=list)
    """Tool results, which precede everything else in their turn."""
    blocks: list[Json] = dataclasses.field(default_factory=list)
    extra: Json = dataclasses.field(default_factory=dict)

    def encode(self) -> Json:
        content = [*self.results, *self.blocks] if self.results else self.blocks
        return {"role": self.role, "content": content_of(content), **self.extra}


class Conversation:
    """Takes messages in order. Raises GatewayError INVALID_REQUEST naming the tool_call_id that has no counterpart."""

    def __init__(self, diagnostics: RequestDiagnostics) -> None:
        self.system: list[Json] = []
        self.turns: list[Turn] = []
        self._diagnostics = diagnostics
        self._waiting: dict[str, tuple[str, str]] = {}
        """Ids of the last assistant turn's calls that have no result yet: their id in the outgoing body, and their field."""
        self._answered: set[str] = set()
        self._wire_ids: set[str] = set()
        self._wire_counts: dict[str, int] = {}
        """The last number that made an id of its own, by what it was made of."""

    def add(self, message: Message, field: str) -> None:
        if message.name and message.role != ROLE_TOOL:
            self._diagnostics.drop(f"{field}.name", "this provider takes no names of participants")
        form, extra = ARRANGED, Json()
        if message.provider_details_json:
            form, extra = form_of(message, DIALECT, MessageForm), details_of(message, DIALECT)
            self._diagnostics.drop_foreign_details(message, field, DIALECT)
        if message.role == ROLE_USER:
            self._add_blocks("user", self._blocks(message, field), form, extra)
        elif message.role == ROLE_ASSISTANT:
            self._add_assistant(message, field, form, extra)
        elif message.role == ROLE_TOOL:
            self._add_results(message, field, form, extra)
        elif message.role in (ROLE_SYSTEM, ROLE_DEVELOPER):
            self._add_system(message, field, form, extra)
        else:
            raise invalid(f"{field}.role", f"{field}.role is not set; use one of ROLE_SYSTEM, ROLE_USER ...")

    def finish(self) -> None:
        if self.turns and self.turns[-1].role != "assistant":
            self._check_answered()
        if not self.turns:
            self._send_system_as_user()
        if self.turns[0].role == "assistant":
            self._diagnostics.warn("messages", f"this provider's conversations begin with the user: {BEGINNING!r} was added")
            self.turns.insert(0, Turn("user", blocks=[{"type": "text", "text": BEGINNING}]))
        last = self.turns[-1]
        if last.role == "assistant" and last.blocks and last.blocks[-1].get("type") == "text":
            text = last.blocks[-1].get("text")
            if isinstance(text, str):
                # A prefill that ends in white space is refused.
                last.blocks[-1]["text"] = text.rstrip()

    def _send_system_as_user(self) -> None:
        if not self.system:
            raise invalid("messages", "messages holds no content: send at least one message that says something")
        self._diagnostics.warn("messages", "there is no user message: the system messages were sent as the user's words")
        self.turns.append(Turn("user", blocks=self.system))
        self.system = []

    def _blocks(self, message: Message, field: str) -> list[Json]:
        encode = self._assistant_block if message.role == ROLE_ASSISTANT else self._user_block
        found = [encode(part, f"{field}.parts[{index}]") for index, part in enumerate(message.parts)]
        blocks = [block for block in found if block is not None]
        if blocks and message.HasField("cache_hint"):
            blocks[-1].setdefault("cache_control", cache_control(message.cache_hint))
        return blocks

    def _user_block(self, part: Part, field: str) -> Json | None:
        return encode_block(part, field, self._diagnostics)

    def _assistant_block(self, part: Part, field: str) -> Json | None:
        match part.WhichOneof("kind"):
            case "tool_call":
                wire_id = self._new_wire_id(part.tool_call.id, field)
                return encode_tool_use(part, wire_id, field, self._diagnostics)
            case "media":
                raise unsupported(field, "this provider takes no media in the assistant's messages")
            case _:
                return encode_block(part, field, self._diagnostics)

    def _add_system(self, message: Message, field: str, form: MessageForm, extra: Json) -> None:
        """Leading system messages are sent apart, block by block; later ones stay in place, as the user's text."""
        blocks = self._blocks(message, field)
        if form.in_place:
            self._add_blocks("system", blocks, form, extra)
        elif self.turns:
            self._diagnostics.warn(
                field, f"{field}: a system message in mid-conversation was sent as text of the user's turn"
            )
            self._add_blocks("user", blocks, form, extra)
        else:
            if any(block.get("type") != "text" for block in blocks):
                raise unsupported(field, "this provider takes only text in system messages")
            self.system.extend(blocks)

    def _add_assistant(self, message: Message, field: str, form: MessageForm, extra: Json) -> None:
        if self.turns and self.turns[-1].role != "assistant":
            self._check_answered()
            self._answered.clear()
        self._add_blocks("assistant", self._blocks(message, field), form, extra)

    def _new_wire_id(self, call_id: str, field: str) -> str:
        """The call's id in the outgoing body, the same in every later request, so that prompt caches hit."""
        if not call_id:
            raise invalid(f"{field}.tool_call.id", f"{field}: the tool call has no id")
        if call_id in self._waiting:
            raise invalid(f"{field}.tool_call.id", f"{field}: two tool calls of one turn have the tool_call_id {call_id!r}")
        wanted = wire = wire_id(call_id)
        count = self._wire_counts.get(wanted, 1)
        while wire in self._wire_ids:
            # Some providers number the calls of every turn anew.
            count += 1
            wire = f"{wanted}_{count}"
        self._wire_counts[wanted] = count
        self._wire_ids.add(wire)
        self._waiting[call_id] = (wire, field)
        return wire

    def _add_results(self, message: Message, field: str, form: MessageForm, extra: Json) -> None:
        blocks = [
            encode_tool_result(part, self._claim(part.tool_result.tool_call_id, field), place, self._diagnostics)
            for place, part in results_in(message, field)
        ]
        if blocks:
            if message.HasField("cache_hint"):
                blocks[-1].setdefault("cache_control", cache_control(message.cache_hint))
            self._turn("user", form, extra).results.extend(blocks)

    def _claim(self, call_id: str, field: str) -> str:
        """The id in the outgoing body of the call that a result answers."""
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

    def _add_blocks(self, role: str, blocks: Sequence[Json], form: MessageForm, extra: Json) -> None:
        if blocks:
            self._turn(role, form, extra).blocks.extend(blocks)

    def _turn(self, role: str, form: MessageForm, extra: Json) -> Turn:
        """The last turn if it has this role, else a new one."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role != role or form.new_turn:
            last = Turn(role)
            self.turns.append(last)
        last.extra.update((name, value) for name, value in extra.items() if name not in ("role", "content"))
        return last


def encode_conversation(messages: Iterable[Message], diagnostics: RequestDiagnostics) -> Conversation:
    conversation = Conversation(diagnostics)
    for index, message in enumerate(messages):
        conversation.add(message, f"messages[{index}]")
    conversation.finish()
    return conversation


def orphan(field: str, message: str, call_id: str) -> GatewayError:
    failure = invalid(field, message)
    failure.metadata = {"tool_call_id": call_id}
    return failure


def wire_id(call_id: str) -> str:
    """An id that Anthropic takes: the same for the same id, and another for another."""
    if WIRE_ID.fullmatch(call_id):
        return call_id
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', call_id)}_{hashlib.sha256(call_id.encode()).hexdigest()[:8]}"
