"""The conversation of a client's request in the contract's terms.

A model's turn becomes one message, however many Contents and pieces of text its client has it in: clients that stream keep
every chunk of an answer as a Content of its own, and other providers would take that for many answers, or for paragraphs. A
ContentForm or PartForm records the client's own division, where it is not the one that the encoder would make.

Source: https://ai.google.dev/api/caching#Content and recorded requests.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_TOOL, ROLE_USER, Message, Part
from gateway_dialects.gemini.parse_parts import fields_in, listed, parse_part, parse_result
from gateway_dialects.gemini.words import DIALECT, SIGNATURE, ContentForm, PartForm, Piece, part_form, standard_base64
from gateway_dialects.kit.carried_state import PREFIX, CarriedState, is_native, read_state, restore_call, restore_reasoning
from gateway_dialects.kit.fields import missing, string
from gateway_dialects.kit.json import Json, details_of, set_details, set_form, unknown_fields

CONTENT_FIELDS = frozenset({"role", "parts"})
USER_ROLES = frozenset({"", "user", "function", "tool"})
"""An absent role is the user's; older clients give tool results under a role of their own."""


@dataclass(slots=True)
class Call:
    """A functionCall that waits for its result."""

    id: str
    name: str
    has_own_id: bool
    """False: Google, or the client, gave it none."""


@dataclass(slots=True)
class Conversation:
    """A request's messages, while its contents are read."""

    request: ChatRequest
    speaker: str = ""
    """Of the last Content: model, user, or results where that begins with one."""
    answer: ModelTurn | None = None
    calls: list[Call] = field(default_factory=list)
    """Of the model's last turn, without those that have their results."""
    call_count: int = 0


def parse_system(request: ChatRequest, value: Any) -> None:
    """systemInstruction, a Content whose role says nothing."""
    fields = {"parts": value} if isinstance(value, str) else fields_in(value, "systemInstruction")
    parts = listed(fields.get("parts", []), "systemInstruction.parts")
    string(fields.get("role", ""), "systemInstruction.role")
    if not parts:
        return
    message = request.messages.add(role=ROLE_SYSTEM)
    for index, item in enumerate(parts):
        message.parts.append(parse_part(item, f"systemInstruction.parts[{index}]"))
    set_details(message, unknown_fields(fields, CONTENT_FIELDS), DIALECT)


def parse_contents(request: ChatRequest, value: Any) -> None:
    """Raises GatewayError naming the field at fault."""
    contents = listed(value, "contents")
    if not contents:
        raise invalid("contents", "'contents' is empty: give at least one content.", "empty_array")
    conversation = Conversation(request)
    for index, item in enumerate(contents):
        parse_content(conversation, item, f"contents[{index}]")
    if conversation.answer is not None:
        conversation.answer.close()


def parse_content(conversation: Conversation, value: Any, path: str) -> None:
    fields = {"parts": value} if isinstance(value, str) else fields_in(value, path)
    role = string(fields.get("role", ""), f"{path}.role")
    parts = listed(fields.get("parts", []), f"{path}.parts")
    extra = unknown_fields(fields, CONTENT_FIELDS)
    if role == "model":
        add_answer(conversation, parts, extra, path)
    elif role in USER_ROLES:
        if not parts:
            raise missing(f"{path}.parts")
        if conversation.answer is not None:
            conversation.answer.close()
            conversation.answer = None
        add_user_content(conversation, parts, extra, path)
    else:
        raise invalid(f"{path}.role", f"Invalid value for '{path}.role': {role!r}. Supported values are user and model.")


def add_answer(conversation: Conversation, parts: list[Any], extra: Json, path: str) -> None:
    """A Content of the model. One without parts, as filtered answers are, says nothing."""
    if not parts:
        return
    follows = conversation.speaker == "model"
    begins_content = follows
    if conversation.answer is None or extra:
        if conversation.answer is not None:
            conversation.answer.close()
        message = conversation.request.messages.add(role=ROLE_ASSISTANT)
        set_details(message, extra, DIALECT)
        if follows:
            set_form(message, DIALECT, ContentForm(turn="new"))
        conversation.answer = ModelTurn(message)
        begins_content = False
    if not follows:
        conversation.calls.clear()
    for index, item in enumerate(parts):
        part = parse_part(item, f"{path}.parts[{index}]")
        if part.WhichOneof("kind") == "tool_call":
            expect_result(conversation, part)
        conversation.answer.add(part, begins_content and index == 0)
    conversation.speaker = "model"


def expect_result(conversation: Conversation, part: Part) -> None:
    """Every call needs an id elsewhere. One that has none gets the same whenever this conversation is sent again."""
    has_own_id = bool(part.tool_call.id)
    if not has_own_id:
        part.tool_call.id = f"call_{conversation.call_count}"
    conversation.call_count += 1
    conversation.calls.append(Call(part.tool_call.id, part.tool_call.name, has_own_id))


def add_user_content(conversation: Conversation, parts: list[Any], extra: Json, path: str) -> None:
    """Tool results have messages of their own in the contract; all others of a Content share one."""
    messages = conversation.request.messages
    before, position = conversation.speaker, len(messages)
    current: Message | None = None
    for index, item in enumerate(parts):
        where = f"{path}.parts[{index}]"
        fields = fields_in(item, where) if isinstance(item, dict) else {}
        is_result = "functionResponse" in fields
        speaker = "results" if is_result else "user"
        if index == 0:
            conversation.speaker = speaker
        if is_result or current is None:
            current = messages.add(role=ROLE_TOOL if is_result else ROLE_USER)
            if turn := turn_of(conversation.speaker, speaker, before if index == 0 else ""):
                set_form(current, DIALECT, ContentForm(turn=turn))
        if is_result:
            parse_result(current.parts.add(), fields, where)
            claim_call(conversation, current.parts[0])
            current = None
        else:
            current.parts.append(parse_part(item, where))
    set_details(messages[position], extra, DIALECT)


def turn_of(content_speaker: str, speaker: str, speaker_before: str) -> Literal["", "new", "join"]:
    """ContentForm.turn. speaker_before: of the Content before, for the first message of a Content; empty for others."""
    if speaker == speaker_before:
        return "new"
    return "join" if speaker != content_speaker else ""


def claim_call(conversation: Conversation, part: Part) -> None:
    """Pairs a result with its call: by id, or else by name and order. Clients make up ids for calls that came without one
    (older Gemini CLIs), and give them to the results alone."""
    result, calls = part.tool_result, conversation.calls
    found = next((call for call in calls if call.id == result.tool_call_id), None)
    if found is None and result.tool_call_id:
        found = next((call for call in calls if call.name == result.name and not call.has_own_id), None)
        if found is not None:
            set_form(part, DIALECT, msgspec.structs.replace(part_form(part), made_up_id=result.tool_call_id))
            result.tool_call_id = found.id
    elif not result.tool_call_id:
        found = next((call for call in calls if call.name == result.name), calls[0] if calls else None)
        result.tool_call_id = found.id if found else f"call_{result.name}"
    if found is not None:
        calls.remove(found)


class Run:
    """Adjacent pieces of text, or of thoughts, that become one part."""

    __slots__ = ("kind", "part", "pieces", "texts")

    def __init__(self, part: Part, kind: str) -> None:
        self.part = part
        self.kind = kind
        self.texts = [text_of_run(part)]
        self.pieces = [[piece_of(part)]]

    def add(self, part: Part, begins_content: bool) -> None:
        self.texts.append(text_of_run(part))
        if begins_content:
            self.pieces.append([])
        self.pieces[-1].append(piece_of(part))

    def close(self) -> None:
        """The part gets the whole text, and the last signature: that of a stream comes at its end."""
        if len(self.texts) < 2:
            return
        signatures = [piece.fields[SIGNATURE] for content in self.pieces for piece in content if SIGNATURE in piece.fields]
        if self.kind == "text":
            self.part.text = "".join(self.texts)
            if signatures:
                self.part.signature.provider, self.part.signature.value = DIALECT, signatures[-1]
        else:
            self.part.reasoning.text = "".join(self.texts)
            self.part.reasoning.signature = signatures[-1] if signatures else ""
        set_details(self.part, {}, DIALECT)
        pieces = tuple(tuple(content) for content in self.pieces)
        set_form(self.part, DIALECT, PartForm(new_content=part_form(self.part).new_content, pieces=pieces))


class ModelTurn:
    """Puts the parts of a model's turn together. Finish it with close."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._run: Run | None = None

    def add(self, part: Part, begins_content: bool) -> None:
        if self._takes_state(part):
            return
        kind = kind_of_run(part)
        if self._run is not None and kind == self._run.kind:
            self._run.add(part, begins_content)
            return
        self.close()
        self.message.parts.append(part)
        if kind:
            self._run = Run(self.message.parts[-1], kind)
        if begins_content:
            set_form(self.message.parts[-1], DIALECT, msgspec.structs.replace(part_form(part), new_content=True))

    def close(self) -> None:
        if self._run is not None:
            self._run.close()
            self._run = None

    def _takes_state(self, part: Part) -> bool:
        """Whether the part holds nothing but the state of thoughts before it. That goes nowhere else: Gemini must not see
        what another provider signed."""
        is_thought = part.WhichOneof("kind") == "reasoning"
        state = unpack_state(part.reasoning.signature if is_thought else part.signature.value)
        if state is None:
            return False
        if not is_thought:
            part.ClearField("signature")
            if state.signature and part.WhichOneof("kind") == "tool_call":
                restore_call(part, state)
            return False
        part.reasoning.signature = ""
        if state.length == len(part.reasoning.text):
            restore(part, state)
            return False
        if part.reasoning.text:
            return False
        if self._run is not None and self._run.kind == "reasoning":
            self.close()
        last = next((part for part in reversed(self.message.parts) if kind_of_run(part) == "reasoning"), None)
        if last is not None and len(last.reasoning.text) == state.length:
            restore(last, state)
        return True


def unpack_state(signature: str) -> CarriedState | None:
    """The state of another provider in a thoughtSignature; None for a signature of Gemini's own."""
    if not signature:
        return None
    try:
        content = base64.b64decode(standard_base64(signature), validate=True)
    except (binascii.Error, ValueError):
        return None
    mark = PREFIX.encode()
    return read_state(content.removeprefix(mark)) if content.startswith(mark) else None


def restore(part: Part, state: CarriedState) -> None:
    """Puts back what the state carried, in place of the part's own details."""
    part.provider_details_json.clear()
    restore_reasoning(part, state)


def kind_of_run(part: Part) -> str:
    """What kind of run the part can be in; empty: none."""
    kind = part.WhichOneof("kind")
    return kind if kind == "text" or (kind == "reasoning" and is_native(part, DIALECT)) else ""


def text_of_run(part: Part) -> str:
    return part.text or part.reasoning.text


def piece_of(part: Part) -> Piece:
    signature = part.signature.value or part.reasoning.signature
    fields = {**({SIGNATURE: signature} if signature else {}), **details_of(part, DIALECT)}
    return Piece(len(text_of_run(part)), fields)
