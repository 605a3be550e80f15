"""Tool calls of streamed choices. Compatible servers send the name and the id of a call late, in pieces, again, or never.

A call begins once both are known and its arguments have begun, so that nobody sees half of them. Calls begin in their order.

Sources: recorded streams, and https://github.com/vercel/ai/issues/14722, https://github.com/NVIDIA-NeMo/Switchyard/issues/785.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.call_ids import made_up_id
from gateway_dialects.kit.json import Json, is_object, json_text, malformed, object_at, text_of
from gateway_dialects.openai import decode_response


@dataclass(slots=True)
class StreamedCall:
    """What is known of one tool call."""

    position: int
    """Among the calls of its candidate."""
    id: str = ""
    name: str = ""
    kind: str = "function"
    """function or custom."""
    begun: bool = False
    has_arguments: bool = False
    pieces: list[str] = field(default_factory=list)
    """Of the arguments, until it begins."""
    fields: Json = field(default_factory=dict)
    """Of its deltas, until it begins."""

    @property
    def key(self) -> tuple[str, int]:
        """Of its part."""
        return ("tool", self.position)

    def hold(self, call: Json, inner: Json, text: str) -> None:
        """Adds a delta before the call has begun. inner: the object with its name. text: of the arguments."""
        if (call_id := decode_response.id_of(call)) and not (self.id and self.has_arguments):
            self.id = joined(self.id, call_id)
        self.name = joined(self.name, text_of(inner.get("name")))
        known = object_at(self.fields, self.kind)
        self.fields.update({name: value for name, value in call.items() if value is not None})
        self.fields[self.kind] = {**known, **{name: value for name, value in inner.items() if value is not None}}
        if text:
            self.has_arguments = True
            self.pieces.append(text)

    def arguments(self) -> str:
        """Those that were held. A tool that takes nothing is called with {}, also when no delta held that."""
        return "".join(self.pieces) or ("" if self.kind == "custom" else "{}")

    def whole(self) -> Json:
        """The call as it would be in a whole answer, without its arguments."""
        return {**self.fields, "id": self.id, self.kind: {**self.fields[self.kind], "name": self.name}}


@dataclass(slots=True)
class StreamedCalls:
    """The calls of one candidate."""

    calls: list[StreamedCall] = field(default_factory=list)
    slots: dict[object, StreamedCall] = field(default_factory=dict)
    """By index; by id, where a vendor gives no index."""
    waiting: int = 0
    """The position of the first that has not begun."""

    @property
    def has_begun(self) -> bool:
        return any(call.begun for call in self.calls)

    def continued(self, call: Any) -> StreamedCall | None:
        """The call that has begun, of a delta with its index, a text of its arguments and nothing else."""
        if type(call) is not dict or "id" in call or type(slot := call.get("index")) is not int:
            return None
        known, function = self.slots.get(slot), call.get("function")
        if known is None or not known.begun or type(function) is not dict or len(function) != 1:
            return None
        return known if type(function.get("arguments")) is str else None

    def call_of(self, call: Json, inner: Json, text: str) -> StreamedCall:
        """The call that a delta belongs to. Some vendors give no index (Google, Mistral), some 0 to every parallel call."""
        slot = call.get("index")
        if not isinstance(slot, (int, str)):
            slot = self._slot_without_index(decode_response.id_of(call), inner)
        known = self.slots.get(slot)
        if known is None or begins_another(known, call, inner, text):
            known = self.slots[slot] = StreamedCall(
                len(self.calls), kind="custom" if inner is call.get("custom") else "function"
            )
            self.calls.append(known)
        return known

    def _slot_without_index(self, call_id: str, inner: Json) -> object:
        last = next(reversed(self.slots), "")
        if not call_id:
            return last
        is_late_id = call_id not in self.slots and last in self.slots and not self.slots[last].id
        return last if is_late_id and not inner.get("name") else call_id

    def ready(self) -> list[StreamedCall]:
        """Those that begin now."""
        first = self.waiting
        while self.waiting < len(self.calls):
            call = self.calls[self.waiting]
            if not (call.id and call.name and call.has_arguments):
                break
            self.waiting += 1
        return self.calls[first : self.waiting]

    def rest(self, answer_id: str, candidate: int) -> list[StreamedCall]:
        """Those that begin with the end of the answer. One of which nothing ever came is none. Raises GatewayError for one
        without a name."""
        late = [call for call in self.calls[self.waiting :] if call.id or call.name or call.has_arguments]
        for call in late:
            if not call.name:
                raise malformed("a tool call of the provider's stream has no name")
            call.id = call.id or made_up_id(answer_id, candidate, call.position, call.name, call.arguments())
        return late


def begins_another(known: StreamedCall, call: Json, inner: Json, text: str) -> bool:
    """Whether a delta in the place of a known call is another call's."""
    call_id, name = decode_response.id_of(call), text_of(inner.get("name"))
    if call_id and known.id and call_id != known.id:
        # Without a name it is a piece of the id; behind the arguments, an id that some servers make anew for each chunk.
        return bool(name) or (known.has_arguments and not text)
    if not name or not known.name or not known.has_arguments or (call_id and known.id):
        return False
    # The name may come again with each piece of the arguments, and not with whole ones behind whole ones.
    return name != known.name or (is_object(text) and (known.begun or is_object("".join(known.pieces))))


def joined(known: str, piece: str) -> str:
    """A name or an id with its next piece, which may also be the whole again."""
    return piece if piece.startswith(known) else known + piece


def inner_of(call: Any) -> tuple[Json, str]:
    """The object with the name of a call, and the piece of its arguments that a delta holds."""
    if not isinstance(call, dict):
        raise malformed("a tool call of the provider's stream is not an object")
    custom = call.get("custom")
    if isinstance(custom, dict):
        return custom, text_of(custom.get("input"))
    function = object_at(call, "function")
    arguments = function.get("arguments")
    return function, arguments if isinstance(arguments, str) else json_text(arguments) if arguments else ""


def begin(call: StreamedCall) -> Part:
    """The part of a call, without its arguments."""
    part, kind, _ = decode_response.begin_tool_call(call.whole())
    if kind == "custom":
        part.tool_call.input = ""
    return part
