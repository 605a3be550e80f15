"""A conversation as one target takes it: what only another dialect understands as text, what models drew as the user's
pictures, and results directly behind their calls.

Conversations move between providers, and what an earlier one put into them must not end them. What nothing can be made of is
left out; each change has its warning, so that strict requests are refused. What the user asks about is never left out: the
encoders refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_IMAGE,
    MEDIA_KIND_VIDEO,
    ROLE_ASSISTANT,
    ROLE_TOOL,
    ROLE_USER,
    Message,
    Part,
)
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.dialect import Dialect, Endpoint
from gateway_dialects.kit.json import UNREADABLE, decode_json, text_of
from gateway_dialects.kit.media import media_kind
from gateway_dialects.kit.readings import LEFT_OUT, plain_reading

PLACE = re.compile(r"messages\[(\d+)\](?:\.parts\[(\d+)\])?")
NOUNS = {MEDIA_KIND_IMAGE: "picture", MEDIA_KIND_AUDIO: "sound", MEDIA_KIND_VIDEO: "video"}
"""Any other media is a document."""


class Origin(NamedTuple):
    """Where a message that is sent comes from in the client's request."""

    message: int
    parts: Sequence[tuple[int, int]] | None = None
    """Of each part: the message and the part that it was. None: they are the same."""


class FittedContent(NamedTuple):
    """A conversation as one target takes it."""

    request: ChatRequest
    """The client's own object where nothing changes, else a copy."""
    warnings: Sequence[Warning] = ()
    origins: Sequence[Origin] = ()
    """Of each message, where any changed."""

    def placed(self, text: str) -> str:
        """What an encoder says of its messages, with the client's own numbers."""
        return PLACE.sub(self._place, text) if self.origins else text

    def _place(self, found: re.Match[str]) -> str:
        number, part = int(found[1]), found[2]
        if number >= len(self.origins):
            return found[0]
        origin = self.origins[number]
        if part is None:
            return f"messages[{origin.message}]"
        if origin.parts is None or int(part) >= len(origin.parts):
            return f"messages[{origin.message}].parts[{part}]"
        message, place = origin.parts[int(part)]
        return f"messages[{message}].parts[{place}]"


def fit_content(request: ChatRequest, endpoint: Endpoint, dialects: Mapping[str, Dialect]) -> FittedContent:
    """dialects: all that content may come from."""
    target = dialects[endpoint.dialect]
    fitting = ContentFitting(target, endpoint, dialects)
    order = list(range(len(request.messages))) if target.results_anywhere else results_behind_calls(request.messages)
    moved = [index for place, index in enumerate(order) if place != index and request.messages[index].role == ROLE_TOOL]
    if not moved and not any(map(fitting.concerns, request.messages)):
        return FittedContent(request)
    for index in moved:
        fitting.warn(f"messages[{index}]", "the tool's result was put directly behind its call")
    for index in order:
        fitting.add(request.messages[index], index)
    fitting.close()
    changed = ChatRequest()
    changed.CopyFrom(request)
    del changed.messages[:]
    changed.messages.extend(fitting.messages)
    return FittedContent(changed, fitting.warnings, fitting.origins)


def results_behind_calls(messages: Sequence[Message]) -> list[int]:
    """The order of messages in which results follow the calls that they answer. What stood between comes behind them."""
    if not any(is_late(messages, index) for index in range(len(messages))):
        return list(range(len(messages)))
    order: list[int] = []
    waiting = list(range(len(messages)))
    while waiting:
        order.append(waiting.pop(0))
        if calls := calls_in(messages[order[-1]]):
            order += take_results(waiting, messages, calls)
    return order


def is_late(messages: Sequence[Message], index: int) -> bool:
    """Whether a result stands behind something else than calls or other results."""
    if messages[index].role != ROLE_TOOL or index == 0:
        return False
    before = messages[index - 1]
    return before.role != ROLE_TOOL and not calls_in(before)


def calls_in(message: Message) -> set[str]:
    """The ids of the calls that an assistant makes."""
    if message.role != ROLE_ASSISTANT:
        return set()
    return {part.tool_call.id for part in message.parts if part.HasField("tool_call")}


def take_results(waiting: list[int], messages: Sequence[Message], calls: set[str]) -> list[int]:
    """Takes the messages that answer the calls, up to the next calls, out of those that wait."""
    found = []
    for index in waiting:
        if calls_in(messages[index]):
            break
        if messages[index].role == ROLE_TOOL and {part.tool_result.tool_call_id for part in messages[index].parts} <= calls:
            found.append(index)
    for index in found:
        waiting.remove(index)
    return found


class ContentFitting:
    """Takes the messages of one request in order."""

    def __init__(self, target: Dialect, endpoint: Endpoint, dialects: Mapping[str, Dialect]) -> None:
        self.messages: list[Message] = []
        self.warnings: list[Warning] = []
        self.origins: list[Origin] = []
        self._target, self._endpoint, self._dialects = target, endpoint, dialects
        self._own = {target.name, *target.reads}
        """The dialects whose content the target reads."""
        self._shown: list[Part] = []
        """What models and tools showed and their messages cannot hold: it comes in the next message of the user."""
        self._shown_from: list[tuple[int, int]] = []
        self._place = (0, 0)
        """The message and the part that is looked at."""

    def warn(self, field: str, why: str) -> None:
        message = f"{field}: {why}"
        self.warnings.append(Warning(provider=self._endpoint.provider, field=field, message=message))

    def concerns(self, message: Message) -> bool:
        """Whether anything in a message may have to be changed. Asked of every call."""
        is_answer = message.role == ROLE_ASSISTANT
        for part in message.parts:
            kind = part.WhichOneof("kind")
            if kind == "opaque":
                if part.opaque.dialect not in self._own:
                    return True
            elif kind == "media":
                if is_answer or part.provider_details_json:
                    return True
            elif kind == "tool_result" and any(not inner.HasField("text") for inner in part.tool_result.parts):
                return True
        return False

    def add(self, message: Message, number: int) -> None:
        """number: of the message, in the client's request."""
        if self._shown and message.role not in (ROLE_TOOL, ROLE_USER):
            self.close()
        if not self._shown and not self.concerns(message):
            self.messages.append(message)
            self.origins.append(Origin(number))
            return
        changed = Message()
        changed.CopyFrom(message)
        del changed.parts[:]
        origins = self._take_shown(changed) if message.role == ROLE_USER else []
        for index, part in enumerate(message.parts):
            self._place = (number, index)
            changed.parts.extend(self._fitted(part, message.role, f"messages[{number}].parts[{index}]"))
            origins += [self._place] * (len(changed.parts) - len(origins))
        if changed.parts or not message.parts:
            self.messages.append(changed)
            self.origins.append(Origin(number, origins))

    def close(self) -> None:
        """Shows what has found no message of the user's."""
        if self._shown:
            number = self._shown_from[0][0]
            message = Message(role=ROLE_USER)
            self.origins.append(Origin(number, self._take_shown(message)))
            self.messages.append(message)

    def _take_shown(self, message: Message) -> list[tuple[int, int]]:
        """Puts what is to be shown into a message. Returns where it comes from."""
        message.parts.extend(self._shown)
        origins = self._shown_from
        self._shown, self._shown_from = [], []
        return origins

    def _show(self, words: str, part: Part) -> None:
        self._shown += [Part(text=words), bare(part)]
        self._shown_from += [self._place] * 2

    def _fitted(self, part: Part, role: int, field: str) -> Iterable[Part]:
        match part.WhichOneof("kind"):
            case "opaque" if part.opaque.dialect not in self._own:
                return self._readable(part, role, field)
            case "media" if role == ROLE_ASSISTANT:
                return self._answered(part, field)
            case "media":
                return self._explained(part, field)
            case "tool_result":
                return [self._result(part, field)]
            case _:
                return [part]

    def _readable(self, part: Part, role: int, field: str) -> Iterable[Part]:
        """What an opaque part says. A model is told what it cannot see, but not in its own words: it would write the like
        itself."""
        dialect, kind = part.opaque.dialect, kind_in(part)
        reads = self._dialects[dialect].for_others if dialect in self._dialects else plain_reading
        found = reads(part) if kind else LEFT_OUT
        if found is None:
            return [part]
        if found:
            self.warn(field, f"{kind} of the {dialect} dialect was sent as text")
            return [one for piece in found for one in self._fitted(piece, role, field)]
        self.warn(field, f"{kind or 'content'} of the {dialect} dialect was left out: this provider cannot read it")
        gap = f"[{kind or 'content'}: left out, since only models of {dialect} can read it]"
        return () if role == ROLE_ASSISTANT else [Part(text=gap)]

    def _explained(self, part: Part, field: str) -> Iterable[Part]:
        """Media with what its author said about it in another dialect."""
        for dialect in part.provider_details_json:
            if dialect not in self._own and dialect in self._dialects and part.HasField("media"):
                found = self._dialects[dialect].for_others(part)
                if found is not None and len(found) > 1:
                    self.warn(field, f"what the {dialect} dialect says beside it was sent as text")
                    return found
        return [part]

    def _answered(self, part: Part, field: str) -> Iterable[Part]:
        """Media in a model's answer."""
        if self._target.takes_back(part, self._endpoint):
            return [part]
        if part.media.transcript:
            self.warn(field, "what was spoken was sent as text")
            return [Part(text=part.media.transcript)]
        if why := self._target.refuses(part.media, self._endpoint):
            self.warn(field, f"the {noun(part)} in the assistant's message was left out: {why}")
            return ()
        self.warn(field, f"the {noun(part)} in the assistant's message was sent as the user's")
        self._show(f"The {noun(part)} in your last message:", part)
        return ()

    def _result(self, part: Part, field: str) -> Part:
        changed = Part()
        changed.CopyFrom(part)
        result = changed.tool_result
        del result.parts[:]
        for index, inner in enumerate(part.tool_result.parts):
            place = f"{field}.tool_result.parts[{index}]"
            pieces = self._fitted(inner, ROLE_TOOL, place)
            for piece in pieces:
                result.parts.extend(self._inside(piece, part.tool_result.tool_call_id, place))
        return changed

    def _inside(self, part: Part, call_id: str, field: str) -> Iterable[Part]:
        """What a result may hold of a part."""
        if not part.HasField("media"):
            return [part]
        if why := self._target.refuses(part.media, self._endpoint):
            self.warn(field, f"the {noun(part)} was left out: {why}")
            return [Part(text=f"[{noun(part)}: left out, since this model cannot be shown it]")]
        if media_kind(part.media) not in self._target.not_in_results:
            return [part]
        self._show(f"What the tool call {call_id} shows:", part)
        return [Part(text=f"[{noun(part)}: in the user's next message]")]


def kind_in(part: Part) -> str:
    """What the dialect calls an opaque part: its type, or else its first field. Empty for JSON that is no object."""
    try:
        block = decode_json(part.opaque.json)
    except UNREADABLE:
        return ""
    if not isinstance(block, dict) or not block:
        return ""
    return text_of(block.get("type")) or next(iter(block))


def noun(part: Part) -> str:
    return NOUNS.get(media_kind(part.media), "document")


def bare(part: Part) -> Part:
    """The media without what belongs to its place in an answer."""
    return Part(media=part.media)
