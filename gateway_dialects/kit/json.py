"""What the JSON of every dialect has in common: how it is read and written, and how what the contract does not name travels
beside its typed fields.

provider_details_json[DIALECT] of a message holds fields of the dialect's JSON that the contract does not name.
provider_details_json["DIALECT.form"] holds which of several equal forms its author used: a Form of the dialect's folder.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Set
from typing import Any, Protocol, TypeVar

import msgspec

from dragoman.reasons import GatewayError, Reason, invalid
from gateway_dialects.kit.surrogates import repaired

Json = dict[str, Any]

ValueT = TypeVar("ValueT")


def lenient(decode: Callable[[bytes | str], ValueT]) -> Callable[[bytes | str], ValueT]:
    """The decoder, which also reads JSON with halves of characters (see surrogates)."""

    def decode_leniently(text: bytes | str) -> ValueT:
        try:
            return decode(text)
        except (msgspec.DecodeError, UnicodeError):
            body = text.encode() if isinstance(text, str) else text
            whole = repaired(body)
            if whole == body:
                raise
            return decode(whole)

    return decode_leniently


encode_json = msgspec.json.Encoder().encode
decode_strictly = msgspec.json.Decoder().decode
decode_json = lenient(decode_strictly)
decode_object = lenient(msgspec.json.Decoder(Json).decode)
check_json = lenient(msgspec.json.Decoder(msgspec.Raw).decode)

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises for text that is not JSON."""
LONGEST_MESSAGE = 2000
TOO_DEEP = "the provider's answer is nested too deeply"
"""Of an answer that could just be read: written as a part of something it is deeper."""


class Detailed(Protocol):
    """Any contract message that has details."""

    @property
    def provider_details_json(self) -> MutableMapping[str, str]: ...


class Form(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which of several equal forms the author of a message used. A dialect's folder defines one for each kind of message
    that needs it; a field at its default says nothing."""


class WrittenForm(Form, frozen=True):
    """The form of what a client can say in its dialect's fields and in the contract's: both are recorded."""

    written: Json = msgspec.field(default_factory=dict)
    """The dialect's fields. They are sent in place of the contract's."""


FormT = TypeVar("FormT", bound=Form)
NameT = TypeVar("NameT")


def inverse(table: Mapping[NameT, ValueT]) -> dict[ValueT, NameT]:
    """The other direction of a table: the first name of each value."""
    return {value: name for name, value in reversed(list(table.items()))}


def json_text(value: Any) -> str:
    """Compact JSON; keys keep their order, so that providers' prompt caches keep hitting."""
    return encode_json(value).decode()


def details_of(holder: Detailed, dialect: str) -> Json:
    """The dialect's details; empty when there are none. Raises GatewayError INVALID_REQUEST for what is no JSON object; who
    encodes a request finds its place (gateway_core.validation)."""
    text = holder.provider_details_json.get(dialect)
    if not text:
        return {}
    try:
        return decode_object(text)
    except UNREADABLE:
        raise invalid("", f"provider_details_json.{dialect} is not a JSON object") from None


def set_details(target: Detailed, details: Json, dialect: str) -> None:
    """In place of those that the target has."""
    if details:
        target.provider_details_json[dialect] = json_text(details)
    elif dialect in target.provider_details_json:
        del target.provider_details_json[dialect]


def form_of(holder: Detailed, dialect: str, form: type[FormT]) -> FormT:
    """The form that was recorded, or the default one. Raises GatewayError INVALID_REQUEST for what is none."""
    return _form_in(holder.provider_details_json, "provider_details_json", dialect, form)


def set_form(target: Detailed, dialect: str, form: Form) -> None:
    """A form of defaults alone is not recorded."""
    set_options_form(target.provider_details_json, dialect, form)


def written_details_of(holder: Detailed, dialect: str) -> Json:
    """The dialect's details with the fields of a WrittenForm. Raises like details_of and form_of."""
    if not holder.provider_details_json:
        return {}
    return {**details_of(holder, dialect), **form_of(holder, dialect, WrittenForm).written}


def options_form_of(options_json: Mapping[str, str], dialect: str, form: type[FormT]) -> FormT:
    """The form of a request, from its provider_options_json. Raises like form_of."""
    return _form_in(options_json, "provider_options_json", dialect, form)


def set_options_form(options_json: MutableMapping[str, str], dialect: str, form: Form) -> None:
    if form != type(form)():
        options_json[f"{dialect}.form"] = json_text(form)


def _form_in(forms_json: Mapping[str, str], field: str, dialect: str, form: type[FormT]) -> FormT:
    text = forms_json.get(f"{dialect}.form")
    if not text:
        return form()
    try:
        return msgspec.json.decode(text, type=form)
    except UNREADABLE as error:
        raise invalid("", f"{field}.{dialect}.form is not a {form.__name__}: {error}") from None


def object_of(text: str, field: str) -> Json:
    """The JSON object in a text field of the contract. Raises GatewayError INVALID_REQUEST for anything else."""
    try:
        return decode_object(text)
    except UNREADABLE:
        raise invalid(field, f"{field} is not a JSON object") from None


def object_schema(parameters_json: str, field: str, lacking: Json) -> Json | msgspec.Raw:
    """The parameters of a tool where the API reads only an object's schema. lacking: what one without a type needs beside
    it. Raises like object_of."""
    if not parameters_json:
        return {"type": "object", "properties": {}}
    parameters = object_of(parameters_json, field)
    if "type" in parameters:
        # Key for key as the client wrote it: prompt caches hit only then.
        return verbatim(parameters_json)
    return {**lacking, **parameters}


def is_object(text: str) -> bool:
    """Whether a text, which a model may have written, is a JSON object."""
    try:
        return isinstance(decode_json(text), dict)
    except UNREADABLE:
        return False


def options_of(options_json: Mapping[str, str], name: str) -> Json:
    """The request's fields for one dialect or vendor; empty when there are none. Raises like object_of."""
    text = options_json.get(name)
    return object_of(text, f"provider_options_json.{name}") if text else {}


def unknown_fields(body: Json, known: Set[str]) -> Json:
    """Fields the contract does not name; null says nothing and is not carried."""
    return {name: value for name, value in body.items() if name not in known and value is not None}


def request_bytes(body: Json) -> bytes:
    """The JSON body of a request to a provider. Raises GatewayError INVALID_REQUEST for one that is nested too deeply: what
    could just be read can be too deep to be written as a part of it."""
    try:
        return encode_json(body)
    except RecursionError:
        raise invalid("", "the request is nested too deeply") from None


def merged(base: Json, fields: Json) -> Json:
    """base with more fields. Where both have an object, that is merged too."""
    result = dict(base)
    for name, value in fields.items():
        known = base.get(name)
        result[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def set_if_present(body: Json, message: Any, names: Iterable[str]) -> None:
    """Copy optional scalar fields that are set."""
    for name in names:
        if message.HasField(name):
            body[name] = getattr(message, name)


def without_halves(text: str) -> str:
    """JSON as it was written, with halves of characters replaced, which strict providers refuse."""
    return repaired(text.encode()).decode() if "\\ud" in text or "\\uD" in text else text


def verbatim(text: str) -> msgspec.Raw:
    """JSON that was read already, key for key. See without_halves."""
    return msgspec.Raw(without_halves(text).encode())


def raw_json(text: str, field: str) -> msgspec.Raw:
    """The JSON as its sender wrote it, key order and numbers included. Raises GatewayError unless it is exactly one value:
    two would break out of their place in the body."""
    try:
        return check_json(text)
    except UNREADABLE:
        raise invalid(field, f"{field} is not JSON") from None


# Reading what a provider answered. Nothing may be caught but what these raise: any other exception is the gateway's fault.


def decode_body(body: bytes, what: str = "the provider's answer") -> Json:
    """The JSON object that a provider answered. Raises GatewayError UPSTREAM_INVALID_RESPONSE for anything else."""
    if not body or body.isspace():
        raise malformed(f"{what} is empty")
    try:
        answer = decode_json(body)
    except UNREADABLE:
        raise malformed(f"{what} is not JSON; it begins with {body[:80]!r}") from None
    if not isinstance(answer, dict):
        raise malformed(f"{what} is a JSON {type(answer).__name__}, not an object")
    return answer


def malformed(message: str) -> GatewayError:
    """The provider's answer breaks its own format."""
    return GatewayError(Reason.UPSTREAM_INVALID_RESPONSE, message[:LONGEST_MESSAGE])


def as_object(value: Any, what: str) -> Json:
    """An object of a provider's answer. Raises GatewayError UPSTREAM_INVALID_RESPONSE for anything else. what: its name, as
    choices[0].message."""
    if isinstance(value, dict):
        return value
    raise malformed(f"{what} of the provider's answer is a JSON {type(value).__name__}, not an object")


def as_list(value: Any, what: str) -> list[Any]:
    """The same for a list; null is an empty one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise malformed(f"{what} of the provider's answer is a JSON {type(value).__name__}, not a list")


def object_at(holder: Json, name: str) -> Json:
    """The object in a field; empty where there is none, or something else that nobody needs."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def list_at(holder: Json, name: str) -> list[Any]:
    """The list in a field; empty where there is none, or something else that nobody needs."""
    value = holder.get(name)
    return value if isinstance(value, list) else []


def objects_at(holder: Json, name: str) -> list[Json]:
    """The objects in the list in a field."""
    return [item for item in list_at(holder, name) if isinstance(item, dict)]


def text_of(value: Any) -> str:
    """The text; empty for anything else."""
    return value if isinstance(value, str) else ""


def int_of(value: Any, bits: int = 63) -> int:
    """The whole number, which some providers write as 1.0; 0 for anything else and for what does not fit."""
    if type(value) is float:
        value = int(value) if value.is_integer() else 0
    return value if type(value) is int and abs(value) < 2**bits else 0


def float_of(value: Any) -> float:
    """The number; 0 for anything else and for what does not fit."""
    try:
        return float(value) if type(value) in (int, float) else 0.0
    except OverflowError:
        return 0.0
