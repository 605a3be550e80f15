"""A request that failed, before any face has put it into its own envelope."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(slots=True, eq=False)
class Failure(Exception):
    """Every face renders this into its dialect's error envelope; none adds a cause of its own."""

    status: int
    """HTTP status."""
    reason: str
    """A name of the contract's enum Reason, without its prefix."""
    message: str
    param: str = ""
    """The request field at fault in the client's own words: messages[1].content. Empty when none is."""
    code: str = ""
    """The provider's or the face's own code. Empty: the reason in lower case."""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """ErrorInfo.metadata of the contract: provider, upstream_status ..."""
    retry_after_s: float | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Answer headers that tell who was asked."""

    def __str__(self) -> str:
        return self.message


def bad_request(param: str, message: str, code: str = "invalid_value") -> Failure:
    return Failure(400, "INVALID_REQUEST", message, param=param, code=code)


def wrong_type(param: str, expected: str, value: object) -> Failure:
    """The error for a JSON value of another type than the field takes."""
    found = JSON_TYPE_NAMES.get(type(value), type(value).__name__)
    article = "an" if expected[0] in "aeio" else "a"
    return bad_request(param, f"Invalid type for '{param}': expected {article} {expected}, but got {found}.", "invalid_type")


def missing(param: str, advice: str = "") -> Failure:
    hint = f" {advice}" if advice else ""
    return bad_request(param, f"Missing required parameter: '{param}'.{hint}", "missing_required_parameter")


JSON_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
