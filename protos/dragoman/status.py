"""Packs a GatewayError into a gRPC status with google.rpc details, and unpacks it again on the client's side.

The form is google.rpc.Status in the trailer grpc-status-details-bin (https://google.aip.dev/193, and "richer error model" in
https://grpc.io/docs/guides/error/); errors.proto says what is in it. Nothing else of this package is needed to read one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar, assert_never, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from dragoman.reasons import RULES, GatewayError, Reason
from dragoman.v1.routing_pb2 import RouteTrace

_log = logging.getLogger("dragoman.grpc")

MessageT = TypeVar("MessageT", ErrorInfo, RetryInfo, RouteTrace)

DOMAIN = "dragoman.v1"
DETAILS_TRAILER = "grpc-status-details-bin"

# Many clients refuse a status whose headers exceed 8 KiB in all, and then the caller learns nothing. The message travels
# percent-encoded (at worst 3 bytes for 1) and the details in base64 (4 for 3): 3 * 1024 + 4 / 3 * 3400 stays below.
_MESSAGE_BYTES = 1024
_DETAILS_BYTES = 3400
_METADATA_BYTES = 1400
_VALUE_BYTES = 512
_FIELD_BYTES = 200
_ATTEMPT_MESSAGE_BYTES = 120
_TOO_LARGE = ("larger than max", "metadata size exceeds")
"""gRPC's own words for a message, and for metadata, over the limit; the code alone is that of a rate limit too."""
_CORE_BACK_S = 1.0
"""When to ask again after a core that is not reachable, in seconds: it starts in one, and another may be there already."""
_LONGEST_WAIT_S = 365 * 24 * 3600.0
"""Providers may say anything, and a Duration does not hold everything."""


class PackedStatus(NamedTuple):
    """What servicer_context.abort takes, in its order."""

    code: grpc.StatusCode
    message: str
    trailer: tuple[tuple[str, str | bytes], ...]


def pack(error: GatewayError) -> PackedStatus:
    """Long texts are cut and the oldest attempts left out, so that the whole status stays below 8 KiB."""
    code = grpc.StatusCode[RULES[error.reason].grpc_code]
    message = _clip(error.message, _MESSAGE_BYTES)
    status = Status(code=code.value[0], message=message)
    status.details.add().Pack(_error_info(error))
    if error.field:
        violation = BadRequest.FieldViolation(
            field=_clip(error.field, _FIELD_BYTES), description=_clip(error.message, _FIELD_BYTES)
        )
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    if error.retry_after_s is not None and not math.isnan(error.retry_after_s):
        status.details.add().Pack(_retry_info(error.retry_after_s))
    if error.trace is not None:
        _add_trace(status, error.trace)
    return PackedStatus(code, message, ((DETAILS_TRAILER, status.SerializeToString()),))


def unpack(error: grpc.aio.AioRpcError | grpc.RpcError) -> GatewayError:
    """Reads the error of a failed call. A status without our details (gRPC's own, a proxy's) is judged by its code."""
    trailer = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    packed = next((value for name, value in trailer if name == DETAILS_TRAILER), b"")
    if isinstance(packed, bytes):
        try:
            found = _from_details(Status.FromString(packed))
        except DecodeError:
            found = None
        if found is not None:
            return found
    return _foreign(error.code(), error.details() or "")


def _error_info(error: GatewayError) -> ErrorInfo:
    info = ErrorInfo(reason=error.reason.value, domain=DOMAIN)
    left = _METADATA_BYTES
    if error.field:
        info.metadata["field"] = _clip(error.field, _FIELD_BYTES)
    for name, value in error.metadata.items():
        clipped = _clip(value, _VALUE_BYTES)
        left -= len(name) + len(clipped.encode()) + 8
        if left < 0:
            break
        info.metadata[name] = clipped
    return info


def _retry_info(seconds: float) -> RetryInfo:
    info = RetryInfo()
    info.retry_delay.FromNanoseconds(round(min(max(seconds, 0.0), _LONGEST_WAIT_S) * 1e9))
    return info


def _add_trace(status: Status, trace: RouteTrace) -> None:
    short = RouteTrace()
    short.CopyFrom(trace)
    for attempt in short.attempts:
        attempt.message = _clip(attempt.message, _ATTEMPT_MESSAGE_BYTES)
    for target in short.considered:
        target.message = _clip(target.message, _ATTEMPT_MESSAGE_BYTES)
    detail = status.details.add()
    detail.Pack(short)
    while status.ByteSize() > _DETAILS_BYTES and short.considered:
        del short.considered[-1]
        detail.Pack(short)
    while status.ByteSize() > _DETAILS_BYTES and short.attempts:
        del short.attempts[0]
        detail.Pack(short)
    if status.ByteSize() > _DETAILS_BYTES:
        del status.details[-1]


def _clip(text: str, limit: int) -> str:
    """At most limit bytes of UTF-8. Lone surrogates, which JSON can bring, become question marks."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _from_details(status: Status) -> GatewayError | None:
    """None unless an ErrorInfo of ours with a reason that this version knows is there."""
    error: GatewayError | None = None
    for info in _details(status, ErrorInfo):
        if info.domain == DOMAIN and info.reason in Reason.__members__:
            metadata = dict(info.metadata)
            error = GatewayError(Reason(info.reason), status.message, metadata.pop("field", ""), metadata)
    if error is None:
        return None
    for retry in _details(status, RetryInfo):
        error.retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    for trace in _details(status, RouteTrace):
        error.trace = trace
    return error


def _details(status: Status, kind: type[MessageT]) -> Iterator[MessageT]:
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            yield message


def _foreign(code: grpc.StatusCode, details: str) -> GatewayError:
    """A status that the core did not write: gRPC itself, a proxy, or a newer core with reasons that are not known here."""
    reason, message = _judge(code, details)
    if code is grpc.StatusCode.UNAVAILABLE:
        # It names addresses of the operator's network, which are no client's business.
        _log.info("%s: %s", message, details)
        return GatewayError(reason, message, retry_after_s=_CORE_BACK_S)
    return GatewayError(reason, f"{message}: {details}" if details else message)


def _judge(code: grpc.StatusCode, details: str) -> tuple[Reason, str]:
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.ABORTED:
            return Reason.UPSTREAM_UNAVAILABLE, "the core is not reachable"
        case grpc.StatusCode.RESOURCE_EXHAUSTED if any(words in details for words in _TOO_LARGE):
            return Reason.REQUEST_TOO_LARGE, "the message is larger than the core takes"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Reason.RATE_LIMITED, "the core is at its limit"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Reason.DEADLINE_EXCEEDED, "the deadline passed before the answer was complete"
        case grpc.StatusCode.CANCELLED:
            return Reason.CANCELLED, "the call was cancelled"
        case grpc.StatusCode.UNAUTHENTICATED:
            return Reason.INVALID_API_KEY, "the key was refused"
        case grpc.StatusCode.PERMISSION_DENIED:
            return Reason.PERMISSION_DENIED, "the key may not do this"
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.OUT_OF_RANGE:
            return Reason.INVALID_REQUEST, "the request was refused"
        case grpc.StatusCode.NOT_FOUND:
            return Reason.MODEL_NOT_FOUND, "not found"
        case grpc.StatusCode.FAILED_PRECONDITION:
            return Reason.UPSTREAM_AUTH, "the operator must act"
        case grpc.StatusCode.UNIMPLEMENTED:
            return Reason.INTERNAL, "the core does not know this method"
        case (
            grpc.StatusCode.OK
            | grpc.StatusCode.UNKNOWN
            | grpc.StatusCode.ALREADY_EXISTS
            | grpc.StatusCode.INTERNAL
            | grpc.StatusCode.DATA_LOSS
        ):
            return Reason.INTERNAL, "the core failed"
        case _:
            assert_never(code)
