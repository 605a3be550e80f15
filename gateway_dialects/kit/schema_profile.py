"""What the JSON Schema of a provider is: which keywords it takes, and where."""

from dataclasses import dataclass

COMBINATIONS = ("anyOf", "oneOf", "allOf")
CONSTRAINTS = frozenset(
    {
        *("$ref", "type", "enum", "const", "format", "pattern", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "unevaluatedProperties"),
        *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies"),
        *("items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems"),
        *("contains", "minContains", "maxContains", "anyOf", "oneOf", "allOf", "not", "if", "then", "else"),
    }
)
"""Without one of these a schema takes more. All other keywords say nothing about values."""


@dataclass(frozen=True, slots=True)
class SchemaProfile:
    """The JSON Schema of one provider's API. The default takes everything."""

    known: frozenset[str] | None = None
    """The keywords that it takes; other constraints move into the description, all else is left out. None: all."""
    described: frozenset[str] = frozenset()
    """Keywords that move into the description, where the model still reads them."""
    dropped: frozenset[str] = frozenset()
    """Keywords that say nothing about values and are refused."""
    refused: frozenset[str] = frozenset()
    """Keywords without which the meaning would be another: a schema with one does not fit."""
    holds: bool = False
    """Whether the provider holds the model to the schema, so that one that it cannot express does not fit. False: the schema
    is there to be read, and what it cannot express moves into the description."""
    formats: frozenset[str] | None = None
    """The formats of strings that it knows. None: all."""
    not_in_patterns: str = ""
    """A regex of what patterns may not have."""
    least_items: int | None = None
    """The largest minItems that it takes. None: any."""
    simple_values: bool = False
    """Whether enum and const hold no objects and arrays."""
    one_of: bool = True
    """False: oneOf becomes anyOf."""
    all_of: bool = True
    """False: allOf is drawn into the schema around it."""
    references: bool = True
    """False: each is replaced by what it leads to, and recursion ends in any object."""
    reference_siblings: bool = True
    """False: nothing stands beside $ref."""
    closed_objects: bool = False
    """Whether every object must have additionalProperties: false."""
    required: str = ""
    """Which of an object's properties must be required: all, or some. Empty: none."""
    recursion: bool = True
    typed: bool = False
    """Whether every schema must say its type."""
    complete: bool = False
    """Whether arrays must have items, and objects properties where they have required ones."""
    not_at_top: frozenset[str] = frozenset()
    """Keywords that it does not take at the top."""
    object_at_top: bool = False
    """Whether only an object is taken at the top, with its properties and without $ref."""
    deepest: int = 100


@dataclass(frozen=True, slots=True)
class Schemas:
    """What a vendor takes in each place of a request. None: everything, or its dialect sees to it."""

    tools: SchemaProfile | None = None
    strict_tools: SchemaProfile | None = None
    answers: SchemaProfile | None = None
    strict_answers: SchemaProfile | None = None
    own: frozenset[str] = frozenset()
    """The served APIs whose clients write schemas for this vendor itself: theirs go as they are."""


NO_SCHEMAS = Schemas()
