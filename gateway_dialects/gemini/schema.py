"""JSON Schema as Gemini's Schema object, for models that take nothing else, and Schema objects as JSON Schema.

Source: https://ai.google.dev/api/caching#Schema: a part of OpenAPI 3.0 with types in capitals, no references and no
union types; enums are strings.
"""

from typing import Any

from dragoman.reasons import GatewayError, invalid
from gateway_dialects.gemini.words import camel, plain
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import Json, json_text, list_at, object_of
from gateway_dialects.kit.schema import fit_schema
from gateway_dialects.kit.schema_keywords import Fitted
from gateway_dialects.kit.schema_parts import conjunction
from gateway_dialects.kit.schema_profile import SchemaProfile
from gateway_dialects.kit.schema_references import BY_NAME, IN_LIST, SINGLE
from gateway_dialects.kit.schema_texts import FittedText

DEEPEST = 100
"""The most schemas inside one another that are converted."""
BOUNDS = ("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength")
"""int64 in the proto, so that clients may write them as strings."""
OPENAPI = SchemaProfile(
    known=frozenset(
        {
            *("type", "enum", "format", "pattern", *BOUNDS, "minimum", "maximum", "anyOf", "nullable"),
            *("properties", "required", "additionalProperties", "propertyOrdering", "items", "description"),
        }
    ),
    formats=frozenset({"date-time", "float", "double", "int32", "int64"}),
    simple_values=True,
    one_of=False,
    all_of=False,
    references=False,
)
"""Before it is spelled as a Schema object."""
ANYTHING = [{"type": "STRING"}, {"type": "NUMBER"}, {"type": "BOOLEAN"}]
"""Items must be said, and objects must say their properties."""
WITHOUT_MEANING = frozenset({"nullable", "propertyOrdering", "example"})
NAMES = {"defs": "$defs", "ref": "$ref"}
OF_SCHEMAS = BY_NAME | {"defs"}
NO_TYPE = "type_unspecified"


def gemini_schema_of(text: str, place: str, diagnostics: Diagnostics) -> Json:
    """A Schema object. Constraints that it cannot hold become one warning. place: the request field of the schema."""
    fitted = fit_schema(object_of(text, place), OPENAPI)
    converted = spelled(fitted.schema or {}, fitted)
    FittedText(text, tuple(fitted.lost)).report(place, diagnostics)
    return converted


def spelled(schema: Any, found: Fitted) -> Json:
    """A schema that fits OPENAPI in the words of Schema objects."""
    if not isinstance(schema, dict):
        if schema is False:
            found.lose("false")
        return {}
    converted = {name: value for name, value in schema.items() if name not in ("type", "anyOf", "nullable", "required")}
    if isinstance(converted.pop("additionalProperties", None), dict):
        found.lose("additionalProperties")
    spell_type(converted, schema, found)
    spell_values(converted, schema, found)
    spell_members(converted, schema, found)
    spell_options(converted, schema, found)
    if schema.get("nullable") is True or (names_null(schema) and takes_null(schema)):
        converted["nullable"] = True
    return converted


def types_of(schema: Json) -> list[str]:
    kinds = schema.get("type")
    return strings(kinds if isinstance(kinds, list) else [kinds])


def spell_type(converted: Json, schema: Json, found: Fitted) -> None:
    real = [kind.upper() for kind in types_of(schema) if kind.lower() != "null"]
    if len(real) == 1:
        converted["type"] = real[0]
    elif real and "anyOf" not in schema:
        converted["anyOf"] = [{"type": kind} for kind in real]
    elif real or types_of(schema):
        found.lose("type")


def spell_values(converted: Json, schema: Json, found: Fitted) -> None:
    """Enums must be strings; others are named in the description."""
    values = converted.pop("enum", None)
    if not isinstance(values, list):
        return
    texts = strings(values)
    if len(texts) == len([value for value in values if value is not None]) and converted.get("type", "STRING") == "STRING":
        converted.update(type="STRING", format="enum", enum=texts)
        return
    if "type" not in converted and (kind := kind_of(values)):
        converted["type"] = kind
    found.lose("enum")
    add_note(converted, "One of: " + ", ".join(json_text(value) for value in values))


def spell_members(converted: Json, schema: Json, found: Fitted) -> None:
    properties = converted.pop("properties", None)
    if isinstance(properties, dict) and properties:
        converted["properties"] = {name: spelled(inner, found) for name, inner in properties.items()}
    required = strings(list_at(schema, "required"))
    if known := [name for name in required if name in converted.get("properties", {})]:
        converted["required"] = known
    if len(known) < len(required):
        found.lose("required")
    if isinstance(converted.get("items"), dict):
        converted["items"] = spelled(converted["items"], found)
    elif converted.get("type") == "ARRAY":
        converted["items"] = {"anyOf": ANYTHING}
        found.lose("items of every type")


def spell_options(converted: Json, schema: Json, found: Fitted) -> None:
    options = list_at(schema, "anyOf")
    real = [option for option in options if not (isinstance(option, dict) and option.get("type") == "null")]
    inner = [spelled(option, found) for option in real]
    beside = {name: value for name, value in converted.items() if name != "anyOf"}
    if len(inner) == 1 and (whole := conjunction(beside, inner[0])) is not None:
        converted.update(whole)
    elif inner:
        converted["anyOf"] = inner
    elif options:
        found.lose("anyOf")


def add_note(converted: Json, text: str) -> None:
    before = converted.get("description")
    converted["description"] = f"{before} {text}" if before else text


def names_null(schema: Json) -> bool:
    """Whether it says that there may be null."""
    values = schema.get("enum")
    options = [option for option in list_at(schema, "anyOf") if isinstance(option, dict)]
    named = "null" in types_of(schema) or (isinstance(values, list) and None in values)
    return named or any(names_null(option) for option in options)


def takes_null(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return schema is not False
    kinds, values, options = types_of(schema), schema.get("enum"), list_at(schema, "anyOf")
    if (kinds and "null" not in kinds) or (isinstance(values, list) and None not in values):
        return False
    return not options or any(takes_null(option) for option in options)


def strings(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def kind_of(values: list[Any]) -> str:
    """The type of values that are all numbers or all truth values; empty for any other."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return "INTEGER" if kinds == {int} else "NUMBER"
    return "BOOLEAN" if kinds == {bool} else ""


def json_schema_of(schema: Any, place: str, depth: int = 0) -> Any:
    """JSON Schema. What is JSON Schema already stays what it was. place: the request field of the schema."""
    if not isinstance(schema, dict):
        return schema
    if depth > DEEPEST:
        raise too_deep(place)
    converted: Json = {}
    for name, value in schema.items():
        keyword = camel(name)
        if value is not None and keyword not in WITHOUT_MEANING:
            converted[NAMES.get(keyword, keyword)] = converted_value(keyword, value, place, depth + 1)
    if converted.get("type") == NO_TYPE:
        del converted["type"]
    if converted.get("format") == "enum":
        del converted["format"]
    return with_null(converted) if schema.get("nullable") is True else converted


def converted_value(keyword: str, value: Any, place: str, depth: int) -> Any:
    if keyword == "type":
        return value.lower() if isinstance(value, str) else value
    if keyword in BOUNDS:
        return plain(value)
    if keyword == "ref" and isinstance(value, str):
        return value.replace("#/defs/", "#/$defs/", 1)
    if keyword in OF_SCHEMAS and isinstance(value, dict):
        return {name: json_schema_of(inner, place, depth) for name, inner in value.items()}
    if keyword in IN_LIST and isinstance(value, list):
        return [json_schema_of(inner, place, depth) for inner in value]
    return json_schema_of(value, place, depth) if keyword in SINGLE else value


def with_null(schema: Json) -> Json:
    """A schema that also takes null."""
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema


def too_deep(place: str) -> GatewayError:
    return invalid(place, f"{place}: the schema is nested too deeply, or its references are")
