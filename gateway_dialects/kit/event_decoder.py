"""The base of stream decoders whose events are JSON objects."""

from abc import abstractmethod

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.dialect import ServerSentEvent
from gateway_dialects.kit.json import TOO_DEEP, UNREADABLE, Json, decode_json, malformed


class EventDecoder:
    """See StreamDecoder. A dialect says what each event holds, when the answer is complete and how it ends."""

    def __init__(self) -> None:
        self.done = False

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
        try:
            message = decode_json(data)
        except UNREADABLE:
            raise malformed(f"an event of the provider's stream is not JSON; it begins with {data[:80]!r}") from None
        if not isinstance(message, dict):
            if not (isinstance(message, list) and len(message) == 1 and isinstance(message[0], dict)):
                raise malformed("an event of the provider's stream is not a JSON object")
            # Some of Google's endpoints send an error in a list.
            message = message[0]
        try:
            self.decode(message, batch)
        except RecursionError:
            raise malformed(TOO_DEEP) from None

    def finish(self, batch: StreamResponse) -> None:
        if self.done:
            return
        if not self.complete:
            raise GatewayError(Reason.STREAM_INTERRUPTED, "the provider's stream ended before the answer was complete")
        self.done = True
        try:
            self.conclude(batch)
        except RecursionError:
            raise malformed(TOO_DEEP) from None

    @abstractmethod
    def decode(self, message: Json, batch: StreamResponse) -> None:
        """Adds what one event holds."""

    def conclude(self, batch: StreamResponse) -> None:
        """Ends the parts that are open and the answer."""
