"""The records service: checks what callers put, decides how long it is stored, and gives it back to its owner alone."""

import re
import time
from collections.abc import Callable, Sequence

import msgspec

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1 import records_pb2
from gateway_core.call import Call
from gateway_core.settings.server import StorageSettings
from gateway_core.storage import Query, RecordStore

KIND = re.compile(r"[a-z0-9_]{1,64}")
MAX_ID_LENGTH = 256
MAX_PARTS = 10_000
MAX_ANCESTORS = 10_000
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
DAY_S = 24 * 3600
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class RecordService:
    """Every method raises GatewayError."""

    def __init__(self, store: RecordStore, settings: StorageSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    async def put(self, request: records_pb2.PutRecordRequest, call: Call) -> records_pb2.PutRecordResponse:
        given = request.record
        check_record(given, self._settings.max_record_bytes)
        now = self._now()
        latest = now + round(self._settings.days * DAY_S)
        # In process the request is its client's own object.
        record = records_pb2.Record()
        record.CopyFrom(given)
        record.created = now
        record.expires = min(given.expires, latest) if given.expires > 0 else latest
        await self._store.put(call.caller.name, record)
        return records_pb2.PutRecordResponse(expires=record.expires)

    async def get(self, request: records_pb2.GetRecordRequest, call: Call) -> records_pb2.GetRecordResponse:
        check_key(request.kind, request.id, "")
        depth = MAX_ANCESTORS if request.with_ancestors else 0
        found = await self._store.lineage(call.caller.name, request.kind, request.id, now=self._now(), depth=depth)
        if not found.records:
            raise not_found(request.kind, request.id)
        record, *ancestors = found.records
        return records_pb2.GetRecordResponse(record=record, ancestors=ancestors, missing_ancestor_id=found.missing_id)

    async def delete(self, request: records_pb2.DeleteRecordRequest, call: Call) -> records_pb2.DeleteRecordResponse:
        check_key(request.kind, request.id, "")
        if not await self._store.delete(call.caller.name, request.kind, request.id, now=self._now()):
            raise not_found(request.kind, request.id)
        return records_pb2.DeleteRecordResponse()

    async def page(self, request: records_pb2.ListRecordsRequest, call: Call) -> records_pb2.ListRecordsResponse:
        check_kind(request.kind, "")
        check_parts(request.part_ids, "")
        query = Query(request.kind, request.part_ids, cursor_of(request.page_token), page_size(request.page_size))
        found = await self._store.page(call.caller.name, query, now=self._now())
        token = "" if found.cursor is None else str(found.cursor)
        return records_pb2.ListRecordsResponse(records=found.records, next_page_token=token)

    async def close(self) -> None:
        await self._store.close()

    def _now(self) -> int:
        return int(self._clock())


def check_record(record: records_pb2.Record, max_bytes: int) -> None:
    check_key(record.kind, record.id, "record.")
    check_parts(record.part_ids, "record.")
    if len(record.parent_id) > MAX_ID_LENGTH:
        raise invalid("record.parent_id", f"record.parent_id is longer than {MAX_ID_LENGTH} characters")
    if (size := record.ByteSize()) > max_bytes:
        message = f"the record is {size} bytes; this gateway keeps {max_bytes} at most ([storage] max_record_bytes)"
        raise GatewayError(Reason.REQUEST_TOO_LARGE, message, field="record.json")
    try:
        _decode_object(record.json)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid("record.json", f"record.json is not a JSON object: {error}") from None


def check_key(kind: str, record_id: str, path: str) -> None:
    check_kind(kind, path)
    if not 1 <= len(record_id) <= MAX_ID_LENGTH:
        raise invalid(f"{path}id", f"{path}id must be 1 to {MAX_ID_LENGTH} characters")


def check_kind(kind: str, path: str) -> None:
    if not KIND.fullmatch(kind):
        raise invalid(f"{path}kind", f"{path}kind must be 1 to 64 lower-case letters, digits and underscores")


def check_parts(part_ids: Sequence[str], path: str) -> None:
    if len(part_ids) > MAX_PARTS:
        raise invalid(f"{path}part_ids", f"{path}part_ids has {len(part_ids)} entries; at most {MAX_PARTS} are taken")
    for index, part_id in enumerate(part_ids):
        if not 1 <= len(part_id) <= MAX_ID_LENGTH:
            field = f"{path}part_ids[{index}]"
            raise invalid(field, f"{field} must be 1 to {MAX_ID_LENGTH} characters")


def page_size(given: int) -> int:
    if not 0 <= given <= MAX_PAGE_SIZE:
        raise invalid("page_size", f"page_size must be 1 to {MAX_PAGE_SIZE}, or 0 for {DEFAULT_PAGE_SIZE}, not {given}")
    return given or DEFAULT_PAGE_SIZE


def cursor_of(token: str) -> int | None:
    if not token:
        return None
    if not (token.isascii() and token.isdecimal() and len(token) < 19):
        raise invalid("page_token", "page_token is not one of this gateway's: give the next_page_token of the page before")
    return int(token)


def not_found(kind: str, record_id: str) -> GatewayError:
    return GatewayError(Reason.RECORD_NOT_FOUND, f"there is no {kind} with the id {record_id!r}", field="id")
