"""What a provider's HTTP answer does, step by step: played by transport/demo.py."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

import msgspec

JSON: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})
EVENT_STREAM: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream; charset=utf-8"})
encode_json = msgspec.json.Encoder().encode


class Unreadable(Exception):
    """The request is not one. Its text says why."""


class Ending(Enum):
    """How an answer ends when it does not end well."""

    CUT = auto()
    """The connection breaks."""
    STALL = auto()
    """Nothing more ever comes, and the connection stays open."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes for a while."""

    seconds: float


Step = bytes | Pause | Ending


@dataclass(frozen=True, slots=True)
class Script:
    """One HTTP answer."""

    steps: Iterable[Step]
    """Played once."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    """Names in lower case."""


ERROR_WORDS: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout_error", "request_timeout"),
    409: ("conflict_error", None),
    422: ("invalid_request_error", None),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    503: ("server_error", "server_is_overloaded"),
    529: ("overloaded_error", "overloaded_error"),
}
"""Type and code that OpenAI's API, or the API that has this status, uses with it."""


def error_object(
    status: int, message: str, *, kind: str | None = None, code: str | None = None, param: str | None = None
) -> dict[str, object]:
    """An error as OpenAI's API writes it (https://platform.openai.com/docs/guides/error-codes)."""
    usual_kind, usual_code = ERROR_WORDS.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
    return {"error": {"message": message, "type": kind or usual_kind, "param": param, "code": code or usual_code}}


def error_script(
    status: int,
    message: str,
    *,
    kind: str | None = None,
    code: str | None = None,
    param: str | None = None,
    retry_after_s: float | None = None,
) -> Script:
    """An HTTP error."""
    headers = JSON if retry_after_s is None else {**JSON, "retry-after": f"{retry_after_s:g}"}
    return Script([encode_json(error_object(status, message, kind=kind, code=code, param=param))], status, headers)


def spaced(value: object) -> str:
    """JSON with spaces, so that it falls into several words."""
    return json.dumps(value, ensure_ascii=False)
