"""Streamed answers of OpenAI's Responses API: a sans-IO machine.

Source: https://platform.openai.com/docs/api-reference/responses-streaming and recorded streams. The last event holds the
whole answer again: what the deltas left out is read from there.
"""

from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.event_decoder import EventDecoder
from gateway_dialects.kit.json import Json, list_at, malformed, text_of, unknown_fields
from gateway_dialects.openai_responses import decode_response as whole
from gateway_dialects.openai_responses.decode_items import complete_item, is_incomplete, typed
from gateway_dialects.openai_responses.decode_stream_items import Parts, StreamedItem, StreamedMessage, begin_item, place_of
from gateway_dialects.openai_responses.words import UNFINISHED, set_details

BEGINS = frozenset({"response.created", "response.queued", "response.in_progress"})
ENDS = frozenset({"response.completed", "response.incomplete", "response.cancelled"})
TEXT_EVENTS = ("response.output_text.", "response.refusal.")


class ResponsesStreamDecoder(EventDecoder):
    """See StreamDecoder."""

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._answer_id = ""
        self._parts = Parts()
        self._items: dict[int, StreamedItem] = {}
        self._begun: dict[int, Json] = {}
        self._settled: dict[int, Json] = {}
        self._details: Json = {}

    def decode(self, event: Json, batch: StreamResponse) -> None:
        name = event.get("type")
        if not isinstance(name, str):
            if event.get("error"):
                raise whole.error_in_event(event)
            return
        if name in BEGINS:
            self._start(whole.response_in(event), batch)
        elif name == "response.output_item.added":
            item = typed(event.get("item"), "an item")
            if not is_incomplete(item):
                self._begin(place_of(event, "output_index"), item, batch)
        elif name == "response.output_item.done":
            self._settle(place_of(event, "output_index"), typed(event.get("item"), "an item"), batch)
        elif name in ENDS:
            self._end(whole.response_in(event), batch)
        elif name == "response.failed":
            raise whole.error_in_answer(whole.response_in(event).get("error"))
        elif name == "error":
            raise whole.error_in_event(event)
        elif "output_index" in event:
            self._feed_item(name, event, batch)

    def _start(self, response: Json, batch: StreamResponse) -> None:
        if self._started:
            return
        self._started = True
        started = batch.events.add().started
        whole.set_head(started, response)
        self._answer_id = started.id
        self._details = unknown_fields(response, whole.RESPONSE_FIELDS)
        set_details(started, self._details)

    def _begin(self, place: int, item: Json, batch: StreamResponse) -> None:
        self._start({}, batch)
        if place not in self._items:
            self._items[place] = begin_item(item, self._parts, batch)
            self._begun[place] = item

    def _feed_item(self, name: str, event: Json, batch: StreamResponse) -> None:
        """Of an item that was not announced only the text of a message can be read."""
        place = place_of(event, "output_index")
        item = self._items.get(place)
        if item is None and name.startswith(TEXT_EVENTS):
            self._start({}, batch)
            item = self._items[place] = StreamedMessage({}, self._parts)
            self._begun[place] = {"type": "message"}
        if item is not None and place not in self._settled:
            item.feed(name, event, batch)

    def _settle(self, place: int, item: Json, batch: StreamResponse) -> None:
        if place in self._settled:
            return
        item = complete_item(item, self._answer_id, place)
        self._begin(place, item, batch)
        self._settled[place] = item
        self._items[place].settle(item, batch)

    def _end(self, response: Json, batch: StreamResponse) -> None:
        whole.check_status(response)
        if text_of(response.get("status")) in UNFINISHED:
            raise malformed(f"the provider ended its stream with an answer whose status is {response['status']}")
        self._start(response, batch)
        for place, item in enumerate(list_at(response, "output")):
            self._settle(place, typed(item, "an item"), batch)
        for place, begun in self._begun.items():
            self._settle(place, begun, batch)
        self._finish(response, batch)
        self.done = True

    def _finish(self, response: Json, batch: StreamResponse) -> None:
        finished = batch.events.add().finished
        whole.set_ending(finished.candidates.add(), response, [self._settled[place] for place in sorted(self._settled)])
        if isinstance(usage := response.get("usage"), dict):
            finished.usage.CopyFrom(whole.decode_usage(usage))
        if isinstance(tier := response.get("service_tier"), str):
            finished.service_tier = tier
        late = unknown_fields(response, whole.RESPONSE_FIELDS)
        set_details(finished, {name: value for name, value in late.items() if self._details.get(name) != value})
