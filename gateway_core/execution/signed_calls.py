"""Signed calls: the reasoning and the signatures that belong to the tool calls of an answer, the signatures of its texts,
and their way back into a history whose client has dropped them. Pure.

A text has no id; what it is found by is made of the text itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from dragoman.v1.chat_pb2 import Candidate, ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, Message, Part, ToolCall
from dragoman.v1.stream_pb2 import PartDelta, PartFinished, PartStarted, StreamResponse
from gateway_dialects.kit.accumulate import append
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.json import UNREADABLE, decode_json

_canonical = msgspec.json.Encoder(order="sorted").encode


class SignedCall(msgspec.Struct, frozen=True, gc=False):
    """What one call, or text, needs back."""

    origin: str
    """See origin_of."""
    digest: bytes
    """Of the call's name and arguments: another call of the same id is not this one. Empty for a text."""
    parts: bytes
    """A serialised Candidate: the reasoning before the call, and the call itself without its arguments; or the text's part
    without the text."""


def origin_of(provider: str, dialect: str) -> str:
    """Who signed: nobody else gets it back."""
    return f"{provider} {dialect}"


def digest_of(call: ToolCall) -> bytes:
    """The same for arguments that were read and written again."""
    given = call.input if call.HasField("input") else call.arguments_json
    try:
        written = _canonical(decode_json(given or "{}"))
    except UNREADABLE:
        written = given.encode(errors="surrogatepass")
    return hashlib.blake2b(call.name.encode() + b"\0" + written, digest_size=16).digest()


def id_of(part: Part) -> str:
    """What a part of a history is found by. Empty: it is neither a call nor a text."""
    return id_of_text(part.text) if part.text else part.tool_call.id


def id_of_text(text: str) -> str:
    return f"text:{hashlib.blake2b(text.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"


def signed_calls(parts: Iterable[Part], origin: str) -> Iterator[tuple[str, SignedCall | None]]:
    """(id, what it needs back) of each call and text of an answer. None: nothing of it is signed."""
    reasoning: list[Part] = []
    for part in parts:
        if part.HasField("reasoning"):
            reasoning.append(part)
        elif part.text:
            yield id_of_text(part.text), signed_text(part, origin) if part.HasField("signature") else None
        elif part.HasField("tool_call"):
            if part.tool_call.id:
                lead = reasoning if any(map(is_signed, reasoning)) else []
                yield part.tool_call.id, signed_call(lead, part, origin) if lead or part.HasField("signature") else None
            reasoning = []


def signed_call(reasoning: Sequence[Part], part: Part, origin: str) -> SignedCall:
    bare = Part(tool_call=ToolCall(id=part.tool_call.id), provider_details_json=part.provider_details_json)
    if part.HasField("signature"):
        bare.signature.CopyFrom(part.signature)
    return SignedCall(origin, digest_of(part.tool_call), Candidate(parts=[*reasoning, bare]).SerializeToString())


def signed_text(part: Part, origin: str) -> SignedCall:
    bare = Part(signature=part.signature, provider_details_json=part.provider_details_json)
    return SignedCall(origin, b"", Candidate(parts=[bare]).SerializeToString())


def is_signed(part: Part) -> bool:
    """Whether reasoning is of use to its provider alone."""
    return bool(part.reasoning.signature or part.reasoning.encrypted)


def unsigned_ids(request: ChatRequest) -> list[str]:
    """The calls and texts of the history that came back without a signature, calls without signed reasoning before them."""
    found = []
    for message in request.messages:
        if message.role != ROLE_ASSISTANT:
            continue
        signed = False
        for part in message.parts:
            kind = part.WhichOneof("kind")
            if kind == "tool_call":
                if not (signed or part.HasField("signature")) and (call_id := part.tool_call.id):
                    found.append(call_id)
                signed = False
            elif kind == "text" and part.text and not part.HasField("signature"):
                found.append(id_of_text(part.text))
            elif kind == "reasoning":
                signed = signed or is_signed(part)
    return found


def with_signatures(request: ChatRequest, found: Mapping[str, SignedCall], endpoint: Endpoint) -> ChatRequest:
    """A copy with what the endpoint itself signed; the request where there is nothing."""
    origin = origin_of(endpoint.provider, endpoint.dialect)
    own = {call_id: signed for call_id, signed in found.items() if signed.origin == origin}
    if not own:
        return request
    restored = ChatRequest()
    restored.CopyFrom(request)
    for message in restored.messages:
        if message.role == ROLE_ASSISTANT and any(id_of(part) in own for part in message.parts):
            restore(message, own)
    return restored


def restore(message: Message, own: Mapping[str, SignedCall]) -> None:
    """Reasoning goes to where it was: before its call, and before the words between. Unsigned reasoning there is the same,
    as the client shows it."""
    parts: list[Part] = []
    before: list[Part] = []
    for part in message.parts:
        before.append(part)
        if part.text and (signed := own.get(id_of_text(part.text))):
            sign_again(part, Candidate.FromString(signed.parts).parts[0])
        elif part.HasField("tool_call"):
            if (signed := own.get(part.tool_call.id)) and signed.digest == digest_of(part.tool_call):
                before = signed_again(before, signed)
            parts += before
            before = []
    parts += before
    whole = Message(parts=parts)
    del message.parts[:]
    message.parts.MergeFrom(whole.parts)


def signed_again(parts: list[Part], signed: SignedCall) -> list[Part]:
    """parts: the call, last, and what is between it and the call before."""
    *reasoning, bare = Candidate.FromString(signed.parts).parts
    sign_again(parts[-1], bare)
    if not reasoning or any(map(is_signed, parts)):
        return parts
    return [*reasoning, *(part for part in parts if not part.HasField("reasoning"))]


def sign_again(part: Part, bare: Part) -> None:
    if bare.HasField("signature") and not part.HasField("signature"):
        part.signature.CopyFrom(bare.signature)
        for name, text in bare.provider_details_json.items():
            part.provider_details_json.setdefault(name, text)


class StreamedCalls:
    """The reasoning, the calls and the texts of one stream."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], Part] = {}
        self._pieces: dict[tuple[int, int], list[str]] = {}
        """Of calls and texts."""

    def feed(self, batch: StreamResponse) -> None:
        for event in batch.events:
            match event.WhichOneof("event"):
                case "part_delta" if self._parts:
                    self._delta(event.part_delta)
                case "part_started":
                    self._started(event.part_started)
                case "part_finished":
                    self._finished(event.part_finished)
                case _:
                    pass

    def calls(self, origin: str) -> Iterator[tuple[str, SignedCall | None]]:
        """See signed_calls."""
        for place, pieces in self._pieces.items():
            call = self._parts[place].tool_call
            if not self._parts[place].HasField("tool_call"):
                self._parts[place].text += "".join(pieces)
            elif call.HasField("input"):
                call.input += "".join(pieces)
            else:
                call.arguments_json += "".join(pieces)
        for candidate in sorted({index for index, _ in self._parts}):
            yield from signed_calls((part for place, part in sorted_items(self._parts) if place[0] == candidate), origin)

    def _started(self, started: PartStarted) -> None:
        part = started.part
        kind = part.WhichOneof("kind")
        if kind in ("reasoning", "tool_call", "text"):
            place = started.candidate_index, started.part_index
            self._parts[place] = Part.FromString(part.SerializeToString())
            if kind != "reasoning":
                self._pieces[place] = []

    def _delta(self, delta: PartDelta) -> None:
        place = delta.candidate_index, delta.part_index
        if (pieces := self._pieces.get(place)) is not None:
            pieces.append(delta.text or delta.arguments_json or delta.input)
        elif (part := self._parts.get(place)) is not None:
            append(part, delta)

    def _finished(self, finished: PartFinished) -> None:
        part = self._parts.get((finished.candidate_index, finished.part_index))
        if part is not None and finished.HasField("signature"):
            part.signature.CopyFrom(finished.signature)


def sorted_items(parts: Mapping[tuple[int, int], Part]) -> list[tuple[tuple[int, int], Part]]:
    return sorted(parts.items(), key=lambda item: item[0])
