"""The JSON form of protocol buffers, which Google's clients write.

Source: https://protobuf.dev/programming-guides/json. Fields may be named in lowerCamelCase or as the proto names them, null
says nothing, numbers may be written as strings, and bytes are base64 in either alphabet. Google's own servers also take one
object where a list belongs, and its documentation uses that.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from dragoman.reasons import invalid
from gateway_dialects.kit.fields import integer, mapping, number, wrong_type
from gateway_dialects.kit.json import Json

UNDERSCORE = re.compile(r"_([a-z0-9])")
DECIMAL = re.compile(r"-?\d{1,20}")
URL_SAFE = str.maketrans("-_", "+/")


@lru_cache(maxsize=512)
def camel(name: str) -> str:
    """A field's name in lowerCamelCase."""
    return UNDERSCORE.sub(lambda found: found[1].upper(), name)


def fields_in(value: Any, path: str) -> Json:
    """An object's fields by their lowerCamelCase names, without those that are null. What they hold stays as it is. path:
    empty for the body."""
    fields: Json = {}
    for name, item in mapping(value, path or "body").items():
        if item is None:
            continue
        known = camel(name) if "_" in name else name
        if known in fields:
            param = f"{path}.{known}" if path else known
            raise invalid(param, f"'{param}' is given twice, as {name} and in its other spelling.")
        fields[known] = item
    return fields


def listed(value: Any, path: str) -> list[Any]:
    """A list; one value alone stands for a list of one."""
    if isinstance(value, list):
        return value
    if isinstance(value, (dict, str)):
        return [value]
    raise wrong_type(path, "array", value)


def whole(value: Any, path: str) -> int:
    """An integer of 64 bits, also as a string or as a float without a fraction."""
    return integer(plain(value), path)


def small(value: Any, path: str) -> int:
    """An integer of 32 bits."""
    return integer(plain(value), path, 32)


def plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        return int(value)
    return value


def real(value: Any, path: str) -> float:
    """A number, also as a string."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise wrong_type(path, "number", value) from None
    return number(value, path)


def standard_base64(data: str) -> str:
    """Base64 in the alphabet that other dialects take, and padded. What it holds is the provider's to check."""
    if "-" in data or "_" in data:
        data = data.translate(URL_SAFE)
    return data if len(data) % 4 == 0 else data + "=" * (-len(data) % 4)
