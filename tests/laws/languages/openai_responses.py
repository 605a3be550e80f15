"""OpenAI's Responses API: the differences that identity allows, and an independent reading of its streams."""

from __future__ import annotations

import copy
import json
from typing import Any

from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from gateway_core.models.table import ModelTable
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.json import encode_json
from gateway_dialects.openai_responses import CLIENT
from gateway_dialects.openai_responses.parse_request import ParsedCreate, parse_create
from gateway_dialects.openai_responses.render_response import response_object
from gateway_dialects.openai_responses.render_stream import ChunkRenderer
from tests.laws.language import Language, Least
from tests.laws.languages.openai import without_nulls
from tests.recordings import Exchange

ENDPOINT = Endpoint("p", "openai-responses", "http://upstream/v1", capabilities_of=ModelTable("p", "openai-responses"))
NOT_SENT = ("model", "stream")
"""What the gateway does itself."""
RAW = ("schema", "parameters")


def is_own(exchange: Exchange) -> bool:
    is_vendor = exchange.vendor.endswith(("openai-responses", "openai_responses"))
    return "/responses" in exchange.request["path"] and is_vendor


def parse_body(exchange: Exchange) -> ParsedCreate:
    return parse_create(parse_object(json.dumps(exchange.request["body"]).encode()))


def parse(exchange: Exchange) -> tuple[ChatRequest, bool]:
    parsed = parse_body(exchange)
    return parsed.chat, parsed.stream


def canonical_request(body: dict[str, Any]) -> Any:
    """Null says nothing. The order in which things are included says nothing either."""
    plain = without_nulls({name: value for name, value in copy.deepcopy(body).items() if name not in NOT_SENT})
    plain["input"] = copy.deepcopy(body["input"])
    if isinstance(plain["input"], list):
        plain["input"] = [without_nulls(item) for item in plain["input"]]
    if "include" in plain:
        plain["include"] = sorted(plain["include"])
    return plain


def canonical_answer(body: dict[str, Any]) -> Any:
    """An answer says that it is whole in one word; it says what was written to the cache only where it was; a call without
    arguments means {}."""
    plain = without_nulls(copy.deepcopy(body))
    if plain["status"] == "complete":
        plain["status"] = "completed"
    details = plain.get("usage", {}).get("input_tokens_details", {})
    if details.get("cache_write_tokens") == 0:
        del details["cache_write_tokens"]
    for item in plain.get("output", []):
        if item["type"] == "function_call":
            item["arguments"] = item.get("arguments") or "{}"
    return plain


def only_theirs(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Ours without the fields that the schema knows and their answer, of another time, did not have or left null."""
    return {name: value for name, value in ours.items() if theirs.get(name) is not None}


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The data of each event. Fails where the event line and the data's type differ."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.splitlines() if line)
        if "data" in lines:
            data = json.loads(lines["data"])
            assert lines["event"].strip() == data["type"]
            found.append(data)
    return found


def check_order(stream: bytes) -> None:
    """Every event has its number; every item is announced before anything is said of it, and ended once."""
    events = events_of(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    begun: list[Any] = []
    ended: list[Any] = []
    for event in events:
        index = event.get("output_index")
        if event["type"] == "response.output_item.added":
            assert index == len(begun)
            begun.append(index)
        elif index is not None:
            assert index in begun
            assert index not in ended
        if event["type"] == "response.output_item.done":
            ended.append(index)
    assert sorted(ended) == begun


def fold_stream(stream: bytes) -> dict[str, Any]:
    """A stream as one response: its last event, with the items as each of them ended. Their encrypted content is another in
    every event, though it says the same."""
    events = events_of(stream)
    last = events[-1]
    response: dict[str, Any] = last["response"]
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    response["output"] = [done[index] for index in sorted(done)]
    assert last["type"] == f"response.{response['status']}"
    return response


def live_events(stream: bytes) -> list[Any]:
    """All that happens between the announcement of the answer and its end, in order, without what says nothing."""
    found = []
    for event in events_of(stream):
        if event["type"] in ("response.created", "response.in_progress", "response.completed", "response.incomplete"):
            continue
        event.pop("sequence_number", None)
        event.pop("obfuscation", None)
        if event["type"] == "response.output_item.added":
            # What an item begins with is told again when it ends, and better.
            event["item"] = {name: event["item"][name] for name in ("id", "type")}
        if event["type"] == "response.function_call_arguments.done":
            event.pop("name", None)
        found.append(without_nulls(event))
    return found


def shown(stream: bytes) -> list[Any]:
    """What happens between the announcement and the end, and the types of all events."""
    return [*live_events(stream), *(event["type"] for event in events_of(stream))]


def end_of_content(stream: bytes) -> int:
    """The last event has it all."""
    return len(stream.rstrip())


def render(answer: ChatResponse) -> bytes:
    return encode_json(response_object(answer, {}, "resp_fallback", 1))


def same_in_fold(answer: ChatResponse) -> object:
    parts = [
        (part.text, part.refusal, part.tool_call, part.reasoning, part.media, part.opaque, list(part.citations))
        for part in answer.candidates[0].parts
    ]
    return json.loads(render(answer)), parts, answer.usage


OPENAI_RESPONSES = Language(
    client=CLIENT,
    is_own=is_own,
    endpoint_of=lambda exchange: ENDPOINT,
    parse=parse,
    render=render,
    writer=lambda: ChunkRenderer(echo={}, fallback_id="resp_fallback", now=1),
    fold_stream=fold_stream,
    canonical_request=canonical_request,
    canonical_answer=canonical_answer,
    comparable=only_theirs,
    live=shown,
    same_in_fold=same_in_fold,
    end_of_content=end_of_content,
    failed={
        "openai-responses/prism_stream_rate_limited": Reason.RATE_LIMITED,
        "openai-responses/prism_stream_unknown_error": Reason.UPSTREAM_UNAVAILABLE,
        "openai-responses/va_openai_error_1_stream": Reason.QUOTA_EXHAUSTED,
        "fixtures-openai_responses/stream_failed": Reason.UPSTREAM_REJECTED,
    },
    least=Least(requests=35, answers=13, streams=13),
    split_bound=16_000,
)
