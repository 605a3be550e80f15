"""What the writers of all faces' streams have in common: a batch of events goes in, its bytes come out at once."""

from dragoman.v1.stream_pb2 import Finished, PartDelta, PartFinished, PartStarted, Started, StreamResponse


class EventWriter:
    """Writes one stream: feed it every batch in order. A face says what it has to say of each kind of event."""

    def render(self, batch: StreamResponse) -> bytes:
        """The bytes of a batch, to be written at once."""
        out: list[bytes] = []
        for event in batch.events:
            match event.WhichOneof("event"):
                case "part_delta":
                    self._delta(event.part_delta, out)
                case "part_started":
                    self._part_started(event.part_started, out)
                case "part_finished":
                    self._part_finished(event.part_finished, out)
                case "started":
                    self._started(event.started, out)
                case "finished":
                    self._finished(event.finished, out)
                case _:
                    pass
        return b"".join(out)

    def _started(self, started: Started, out: list[bytes]) -> None:
        """The answer begins."""

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        """A part begins."""

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        """A part has a delta."""

    def _part_finished(self, ended: PartFinished, out: list[bytes]) -> None:
        """A part is complete."""

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        """The answer is complete."""
