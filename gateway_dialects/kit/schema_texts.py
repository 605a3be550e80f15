"""Schemas as the contract holds them, in texts. Agents send the same tools with every request, so what becomes of a text is
remembered."""

from functools import lru_cache
from typing import NamedTuple

from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, json_text
from gateway_dialects.kit.schema import fit_schema
from gateway_dialects.kit.schema_profile import SchemaProfile
from gateway_dialects.kit.schema_references import fault_of

REMEMBERED = 2_048
LONGEST = 64_000
"""Characters of a text that is remembered."""


class FittedText(NamedTuple):
    """A schema's text as a profile takes it."""

    text: str | None
    """What was given where it fits already. None: it does not fit."""
    lost: tuple[str, ...] = ()
    """What is no longer held."""

    def report(self, place: str, diagnostics: Diagnostics) -> None:
        if self.text is not None and self.lost:
            what = ", ".join(self.lost)
            diagnostics.warn(place, f"this provider does not hold answers to {what}; it was put in words where it could be")


def fit_text(text: str, profile: SchemaProfile, *, of_tool: bool = False) -> FittedText:
    """of_tool: whether the values are objects anyway, so that the schema may say so. What is no JSON goes as it is: whoever
    encodes it says so."""
    return (remembered if len(text) <= LONGEST else fitted_text)(text, profile, of_tool)


def fitted_text(text: str, profile: SchemaProfile, of_tool: bool) -> FittedText:
    try:
        given = decode_json(text)
    except UNREADABLE:
        return FittedText(text)
    schema = as_object(given) if of_tool and isinstance(given, dict) else given
    fitted = fit_schema(schema, profile)
    sent = None if fitted.schema is None else text if fitted.schema is given else json_text(fitted.schema)
    return FittedText(sent, tuple(fitted.lost))


def as_object(schema: Json) -> Json:
    kind = schema.get("type")
    if kind is None:
        return {"type": "object", **schema}
    return {**schema, "type": "object"} if isinstance(kind, list) and "object" in kind else schema


def fault_in(text: str) -> tuple[str, str] | None:
    """See fault_of. Of a text that is no JSON object nothing is said."""
    if '"$ref"' not in text:
        return None
    return (remembered_fault if len(text) <= LONGEST else found_fault)(text)


def found_fault(text: str) -> tuple[str, str] | None:
    try:
        schema = decode_json(text)
    except UNREADABLE:
        return None
    return fault_of(schema) if isinstance(schema, dict) else None


remembered = lru_cache(REMEMBERED)(fitted_text)
remembered_fault = lru_cache(REMEMBERED)(found_fault)
