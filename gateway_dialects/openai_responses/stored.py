"""What is stored of a response: the Response, and the input of its own request. What came before is stored with the
responses that it continues.

Source: https://platform.openai.com/docs/api-reference/responses/input-items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.kit.json import UNREADABLE, Json, decode_object, encode_json, json_text, malformed, object_at, text_of
from gateway_dialects.openai_responses.parse_request import refers
from gateway_dialects.openai_responses.render_items import PREFIXES
from gateway_dialects.openai_responses.render_response import GATEWAY_FIELDS
from gateway_dialects.openai_responses.words import CALLS, CUSTOM_OUTPUT, OUTPUTS, REFERENCE_FIELDS, UNFINISHED

INPUT_PREFIXES = {**PREFIXES, "function_call_output": "fco", CUSTOM_OUTPUT: "ctco"}
WITH_STATUS = CALLS | OUTPUTS | {"message"}
"""Items that typed clients want to know the status of."""
LONGEST_ID = 256
MOST_PARTS = 10_000
LISTED = 20
LISTED_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Stored:
    response: Json
    items: Sequence[Json]
    """The input, as the client wrote it but for its long form and for references, which are resolved."""
    elsewhere: str = ""
    """The field of its request by which its provider knew more than is stored here. Empty: all is here."""
    provider: str = ""
    """The provider that makes the response in the background. Empty: it is complete."""

    @property
    def response_id(self) -> str:
        response_id: str = self.response["id"]
        return response_id

    def pack(self) -> str:
        more = {"elsewhere": self.elsewhere, "provider": self.provider}
        given = {name: value for name, value in more.items() if value}
        return json_text({"response": self.response, "input": self.items, **given})

    def refreshed(self, answer: Json) -> Stored:
        """The response as its provider has it now; fields that the gateway honours itself stay. Raises GatewayError
        UPSTREAM_INVALID_RESPONSE for what is no response of this id."""
        if answer.get("id") != self.response_id or not is_list_of_objects(answer.get("output")):
            raise malformed(f"the provider's answer about response {self.response_id} is none")
        own = {name: self.response[name] for name in GATEWAY_FIELDS if name in self.response}
        provider = self.provider if is_unfinished(answer) else ""
        return Stored({**self.response, **answer, **own}, self.items, self.elsewhere, provider)

    def conversation(self) -> Sequence[Json]:
        """The input and what was answered."""
        return [*self.items, *self.response["output"]]

    def identified(self) -> Iterator[tuple[str, Json]]:
        """The same, each item with its id. Those that the client left without one get one that no provider sees."""
        stem = self.response_id.removeprefix("resp_")
        for index, item in enumerate(self.items):
            prefix = INPUT_PREFIXES.get(str(item.get("type")), "item")
            yield str(item.get("id") or f"{prefix}_in{index}_{stem}"), item
        yield from ((item["id"], item) for item in self.response["output"] if isinstance(item.get("id"), str))

    def listed_input(self) -> list[Json]:
        """The input's items as a list shows them."""
        ids = self.identified()
        return [listed_item(item_id, item) for item_id, item in (next(ids) for _ in self.items)]

    def referable(self) -> Iterator[tuple[str, Json]]:
        """The same, without references that were left to the provider: they hold nothing."""
        return ((item_id, item) for item_id, item in self.identified() if not refers(item))

    def part_ids(self) -> list[str]:
        return [item_id for item_id, _ in self.referable() if len(item_id) <= LONGEST_ID][:MOST_PARTS]


def unpack(text: str) -> Stored:
    """Raises GatewayError 503 for what this gateway cannot have stored."""
    try:
        record = decode_object(text)
    except UNREADABLE:
        record = {}
    response, items = object_at(record, "response"), record.get("input")
    is_response = isinstance(response.get("id"), str) and is_list_of_objects(response.get("output"))
    if not (is_response and is_list_of_objects(items)):
        raise GatewayError(Reason.STORAGE_UNAVAILABLE, "What is stored under this id is damaged, or is not a response.")
    return Stored(response, items, text_of(record.get("elsewhere")), text_of(record.get("provider")))


def is_list_of_objects(value: Any) -> TypeGuard[list[Json]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_unfinished(response: Json) -> bool:
    """Whether its provider makes it in the background."""
    return text_of(response.get("status")) in UNFINISHED


def elsewhere_in(fields: Json) -> str:
    """Stored.elsewhere of a request."""
    return next((name for name in REFERENCE_FIELDS if name != "previous_response_id" and fields.get(name) is not None), "")


def listed_item(item_id: str, item: Json) -> Json:
    status = {"status": "completed"} if item.get("type") in WITH_STATUS else {}
    return {"id": item_id, **status, **item}


def whole_input(chain: Sequence[Stored]) -> list[Json]:
    """All input of the last response of a chain, the earlier turns included."""
    *earlier, last = chain
    before = [item for stored in earlier for item in (*stored.listed_input(), *stored.response["output"])]
    return [*before, *last.listed_input()]


def resolved(items: Sequence[Json], known: Mapping[str, Json]) -> list[Json]:
    """The input with what it refers to, as far as that is known."""
    return [known.get(item["id"], item) if refers(item) else item for item in items]


def render_page(items: Sequence[Json], *, limit: int, order: str, after: str) -> bytes:
    """A page of a list. after: the id of the last item of the page before. Raises GatewayError 400."""
    ordered = list(items) if order == "asc" else list(reversed(items))
    if after:
        ordered = ordered[place_of(ordered, after) + 1 :]
    data = ordered[:limit]
    ends = {"first_id": data[0].get("id"), "last_id": data[-1].get("id")} if data else {"first_id": None, "last_id": None}
    return encode_json({"object": "list", "data": data, **ends, "has_more": len(ordered) > limit})


def place_of(items: Iterable[Json], item_id: str) -> int:
    for index, item in enumerate(items):
        if item.get("id") == item_id:
            return index
    raise invalid("after", f"Invalid value for 'after': this response has no item with the id {item_id!r}.")


def render_deleted(response_id: str) -> bytes:
    return encode_json({"id": response_id, "object": "response", "deleted": True})
