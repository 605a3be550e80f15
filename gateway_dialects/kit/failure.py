"""The errors of a client's JSON fields."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.reasons import GatewayError, invalid


def wrong_type(param: str, expected: str, value: object) -> GatewayError:
    """The error for a JSON value of another type than the field takes."""
    found = JSON_TYPE_NAMES.get(type(value), type(value).__name__)
    article = "an" if expected[0] in "aeio" else "a"
    return invalid(param, f"Invalid type for '{param}': expected {article} {expected}, but got {found}.", "invalid_type")


def missing(param: str, advice: str = "") -> GatewayError:
    hint = f" {advice}" if advice else ""
    return invalid(param, f"Missing required parameter: '{param}'.{hint}", "missing_required_parameter")


JSON_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
