"""The base of stream decoders whose events are JSON objects."""

from abc import abstractmethod
from typing import ClassVar

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import TOO_DEEP, UNREADABLE, Json, decode_strictly, malformed
from gateway_dialects.kit.surrogates import HalfJoiner, decode_with_halves
from gateway_dialects.kit.text_template import Padding, TextTemplate, learn

LESSONS = 16
"""Templates of one stream, after which no more are learned: its events differ too much."""


class EventDecoder:
    """See StreamDecoder. A dialect says what each event holds, when the answer is complete and how it ends."""

    lessons: ClassVar[int] = 0
    """How many templates to learn; none where the dialect has no only_text."""
    padding: ClassVar[Padding | None] = None

    def __init__(self) -> None:
        self.done = False
        self._template: TextTemplate | None = None
        """Of the last event: between that and one of its form no state has changed."""
        self._lessons = self.lessons
        self._joiner: HalfJoiner | None = None
        """None until an event of this stream has half of a character."""

    @property
    def complete(self) -> bool:
        """Dialects whose last event ends the answer have no other sign of it."""
        return self.done

    def feed(self, event: ServerSentEvent, batch: StreamResponse) -> None:
        data = event.data
        if self.done:
            return
        if data == b"[DONE]":
            self.finish(batch)
            return
        if self._template is not None:
            if self._template.add(data, batch):
                return
            self._template = None
        try:
            message = decode_strictly(data)
        except UNREADABLE:
            message = self._decode_leniently(data)
        if type(message) is not dict:
            message = only_object(message)
        if self._joiner is not None:
            self._feed_joined(message, batch)
            return
        before = len(batch.events)
        try:
            self.decode(message, batch)
        except RecursionError:
            raise malformed(TOO_DEEP) from None
        if self._lessons and len(batch.events) == before + 1 and (text := self.only_text(message)):
            self._lessons -= 1
            self._template = learn(data, text, batch.events[before].part_delta, self.only_text, self.padding)

    def _decode_leniently(self, data: bytes) -> object:
        try:
            message: object = decode_with_halves(data.decode())
        except (ValueError, RecursionError):
            raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
        self._joiner = self._joiner or HalfJoiner()
        return message

    def _feed_joined(self, message: Json | None, batch: StreamResponse) -> None:
        """message: the next event; None: there is none."""
        joiner, self._joiner = self._joiner, None
        if joiner is None:
            return
        try:
            for ready in joiner.finish() if message is None else joiner.feed(message):
                self.decode(ready, batch)
                if self.done:
                    break
        except RecursionError:
            raise malformed(TOO_DEEP) from None
        if joiner and not self.done:
            self._joiner = joiner

    def finish(self, batch: StreamResponse) -> None:
        self._feed_joined(None, batch)
        if self.done:
            return
        if not self.complete:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")
        self.done = True
        try:
            self.conclude(batch)
        except RecursionError:
            raise malformed(TOO_DEEP) from None

    def only_text(self, message: Json) -> str | None:
        """The text of an event whose like, with another text, would change the decoder's state no further. None: it has
        more than a text."""
        return None

    @abstractmethod
    def decode(self, message: Json, batch: StreamResponse) -> None:
        """Adds what one event holds."""

    def conclude(self, batch: StreamResponse) -> None:
        """Ends the parts that are open and the answer."""


def only_object(message: object) -> Json:
    """The one object of a list: some of Google's endpoints send an error in one."""
    match message:
        case [dict() as only]:
            return only
        case _:
            raise malformed("an event of the provider's stream is not a JSON object")
