"""Reads fields of a client's JSON and says exactly which one is wrong."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from dragoman.reasons import GatewayError, invalid
from gateway_dialects.kit.json import Json, decode_json, json_text, raw_json

Reader = Callable[[Any, str], Any]
"""(JSON value, its place) -> the value of the contract's field. Raises GatewayError for one of another type."""
Fields = Mapping[str, tuple[str, Reader]]
"""Optional fields: by the name in JSON, the contract's name and the reader."""
ValueT = TypeVar("ValueT")


def parse_object(body: bytes) -> Json:
    """The request's JSON object. Raises GatewayError for anything else."""
    if not body.strip():
        raise invalid("", "The request body is empty: send a JSON object.", "invalid_json")
    try:
        value = decode_json(body)
    except RecursionError:
        raise invalid("", "The request body is nested too deeply.", "invalid_json") from None
    except UnicodeDecodeError:
        raise invalid("", "The request body is not valid UTF-8.", "invalid_json") from None
    except msgspec.DecodeError as error:
        raise invalid("", f"The request body is not valid JSON: {error}.", "invalid_json") from None
    if not isinstance(value, dict):
        raise wrong_type("body", "object", value)
    return value


def string(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise wrong_type(param, "string", value)
    return value


def required_string(body: Json, name: str, path: str = "") -> str:
    value = body.get(name)
    if value is None:
        raise missing(path + name)
    return string(value, path + name)


def boolean(value: Any, param: str) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(param, "boolean", value)
    return value


def number(value: Any, param: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(param, "number", value)
    try:
        return float(value)
    except OverflowError:
        raise invalid(param, f"Invalid value for '{param}': it is too large for a number.") from None


def integer(value: Any, param: str, bits: int = 64) -> int:
    if type(value) is not int:
        raise wrong_type(param, "integer", value)
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise invalid(param, f"Invalid value for '{param}': it does not fit into {bits} bits.")
    return value


def small_integer(value: Any, param: str) -> int:
    return integer(value, param, 32)


def array(value: Any, param: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong_type(param, "array", value)
    return value


def mapping(value: Any, param: str) -> Json:
    if not isinstance(value, dict):
        raise wrong_type(param, "object", value)
    return value


def required_mapping(body: Json, name: str, path: str = "") -> Json:
    value = body.get(name)
    if value is None:
        raise missing(path + name)
    return mapping(value, path + name)


def object_text(value: Any, param: str) -> str:
    """An object as the contract's JSON text."""
    return json_text(mapping(value, param))


def texts(value: Any, param: str) -> list[str]:
    return [string(item, f"{param}[{index}]") for index, item in enumerate(array(value, param))]


def text_or_list(parts: Any, content: Any, path: str, parse: Callable[[Any, Any, str], None]) -> None:
    """Text, or a list of items that parse reads, appended to parts (a repeated Part field)."""
    match content:
        case str():
            if content:
                parts.add().text = content
        case list():
            for index, item in enumerate(content):
                parse(parts.add(), item, f"{path}[{index}]")
        case _:
            raise wrong_type(path, "string or array", content)


def one_of(value: str, known: Mapping[str, ValueT], param: str) -> ValueT:
    """The value of a name. Raises GatewayError that lists the known ones."""
    if value not in known:
        raise invalid(param, f"Invalid value for '{param}': {value!r}. Supported values are {', '.join(known)}.")
    return known[value]


def set_fields(target: Any, body: Json, fields: Fields, path: str = "") -> None:
    """Sets what the body has of some optional fields. path: of the body, with the dot behind it."""
    for name, (contract_name, read) in fields.items():
        if (value := body.get(name)) is not None:
            setattr(target, contract_name, read(value, path + name))


def fields_of(source: Any, fields: Fields, path: str = "") -> Json:
    """The other direction: the JSON of those of the fields that a contract message has. Raises GatewayError INVALID_REQUEST
    for JSON text that is none."""
    names = {contract_name: name for name, (contract_name, _) in fields.items()}
    return {
        (name := names[descriptor.name]): raw_json(value, path + name) if descriptor.name.endswith("_json") else value
        for descriptor, value in source.ListFields()
        if descriptor.name in names
    }


def messages_of(value: Any) -> list[Any]:
    """The field messages, which may not be empty."""
    messages = array(value, "messages")
    if not messages:
        raise invalid("messages", "'messages' is empty: send at least one message.", "empty_array")
    return messages


def require(body: Json, names: Iterable[str]) -> None:
    """Raises GatewayError for the first field of a request that is missing."""
    for name in names:
        if body.get(name) is None and not (name == "model" and takes_first_of_models(body)):
            raise missing(name, "Name one as provider/model, for example demo/echo." if name == "model" else "")


def takes_first_of_models(body: Json) -> bool:
    """Whether the first of the fields models became the field model, which is missing."""
    models = body.get("models")
    if models is None or not array(models, "models"):
        return False
    body["model"] = string(models[0], "models[0]")
    return True


def flag(body: Json, name: str, default: bool = False) -> bool:
    value = body.get(name)
    return default if value is None else boolean(value, name)


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
