"""Usage as providers report it: found in their JSON, merged over a stream's events, added over requests."""

import logging
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json

MARK = b'"usage'
"""What JSON with usage contains, in every dialect."""
LARGEST_FIELD = 4 * 1024 * 1024
"""No field that holds usage is larger, in bytes."""

_log = logging.getLogger("dragoman.calls")

Split = dict[str, msgspec.Raw]
split_object = msgspec.json.Decoder(Split).decode
split_objects = msgspec.json.Decoder(list[Split]).decode


def read_reports(dialect: Dialect, events: Iterable[bytes]) -> Usage | None:
    """What these events of an unfinished stream report. None: nothing. Never raises: it is read when a call ends, however it
    ends."""
    raw: Json = {}
    try:
        for data in events:
            for found in objects_in(data) if MARK in data else ():
                report = dialect.find_usage(found)
                if report is not None:
                    raw = merge_raw(raw, report.raw) if report.partial else report.raw
        return dialect.read_usage(raw) if raw else None
    except Exception:
        _log.exception("the usage of a broken %s stream cannot be read", dialect.name)
        return None


def merge_raw(earlier: Json, later: Json) -> Json:
    """A partial report over what was reported before."""
    return {**earlier, **{name: value for name, value in later.items() if value is not None}}


def objects_in(text: bytes) -> Iterator[Json]:
    """The JSON objects of a body or an event, without the fields that cannot hold usage: content is skipped, not decoded.
    Gemini streams a list of them unless it is asked for events. Nothing for what is not JSON."""
    try:
        whole = split_objects(text) if text.lstrip()[:1] == b"[" else [split_object(text)]
        for fields in whole:
            yield {name: decode_json(raw) for name, raw in fields.items() if is_small(raw)}
    except UNREADABLE:
        return


def is_small(raw: msgspec.Raw) -> bool:
    """Whether usage, or the model's name, may be there. In a list, of choices, only Moonshot has it."""
    view = memoryview(raw)
    if view.nbytes > LARGEST_FIELD:
        return False
    first = view[:1].tobytes()
    return first in (b"{", b'"') or (first == b"[" and b'"usage"' in view.tobytes())


def sum_of(usages: Sequence[Usage]) -> Usage:
    """Without the providers' own JSON, which is about one request each. The cost only where all are known."""
    total = Usage()
    for usage in usages:
        for descriptor, value in usage.ListFields():
            if isinstance(value, int) and not isinstance(value, bool):
                setattr(total, descriptor.name, getattr(total, descriptor.name) + value)
    total.estimated = any(usage.estimated for usage in usages)
    if usages and all(usage.HasField("cost") for usage in usages):
        total.cost.total_usd = sum(usage.cost.total_usd for usage in usages)
        total.cost.source = usages[0].cost.source
    return total
