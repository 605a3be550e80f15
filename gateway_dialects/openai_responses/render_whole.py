"""An item that is told when it is whole: a picture, or what one dialect alone understands, with its progress."""

from __future__ import annotations

from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import PartDelta
from gateway_dialects.kit.json import Json
from gateway_dialects.openai_responses.render_items import opaque_item, picture_item
from gateway_dialects.openai_responses.render_stream_items import Emit
from gateway_dialects.openai_responses.server_details import details_of

IDENTITY = ("id", "type", "status", "role", "call_id", "name")
"""What an item is known by from its announcement on: the SDK's stream helper raises where it changes."""


class StreamedWhole:
    """An opaque item, or a picture."""

    def __init__(self, item_id: str, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.closed = False
        self._item_id = item_id
        self._events: list[Json] = []

    def begin(self, emit: Emit) -> None:
        """Nothing: what it is shows when it ends."""

    def grow(self, delta: PartDelta, emit: Emit) -> None:
        if delta.WhichOneof("delta") == "data":
            self.part.media.data += delta.data
        self._events += details_of(delta.provider_details_json).get("events", ())

    def close(self, emit: Emit, status: str) -> Json:
        self.closed = True
        item = self._item(status)
        begun = {name: item[name] for name in IDENTITY if name in item}
        if "status" in begun:
            begun["status"] = "in_progress"
        empty: Json = {name: [] for name in ("summary", "content") if name in item}
        emit("response.output_item.added", {"output_index": self.index, "item": {**begun, **empty}})
        for event in self._events:
            fields = {name: value for name, value in event.items() if name != "type"}
            emit(str(event.get("type")), {"output_index": self.index, **fields})
        emit("response.output_item.done", {"output_index": self.index, "item": item})
        return item

    def _item(self, status: str) -> Json:
        if self.part.WhichOneof("kind") == "media":
            return picture_item(self.part, self._item_id, status)
        return opaque_item(self.part, self._item_id)
