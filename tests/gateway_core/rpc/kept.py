"""Records of which nothing is kept: every call goes to one function."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.v1.records_pb2 import (
    DeleteRecordRequest,
    DeleteRecordResponse,
    GetRecordRequest,
    GetRecordResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PutRecordRequest,
    PutRecordResponse,
)
from gateway_core.call import Call


class Kept:
    def __init__(self, seen: Callable[[Call], None]) -> None:
        self._seen = seen

    async def put(self, request: PutRecordRequest, call: Call) -> PutRecordResponse:
        self._seen(call)
        return PutRecordResponse()

    async def get(self, request: GetRecordRequest, call: Call) -> GetRecordResponse:
        self._seen(call)
        return GetRecordResponse()

    async def delete(self, request: DeleteRecordRequest, call: Call) -> DeleteRecordResponse:
        self._seen(call)
        return DeleteRecordResponse()

    async def page(self, request: ListRecordsRequest, call: Call) -> ListRecordsResponse:
        self._seen(call)
        return ListRecordsResponse()
