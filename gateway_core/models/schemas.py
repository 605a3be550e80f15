"""The JSON Schemas that vendors take in OpenAI's form of request and in forms near to it.

Sources: beside each; what is refused is known from reports of the vendors' own words. Anthropic's and Gemini's are in their
dialects.
"""

from dataclasses import replace

from gateway_dialects.kit.schema_profile import COMBINATIONS, SchemaProfile, Schemas

LENGTHS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"})
CONDITIONS = frozenset({"if", "then", "else", "not", "dependentSchemas", "patternProperties", "propertyNames"})
LOOK_AROUND = r"\(\?<?[=!]|\\[pP]\{"
"""In a pattern. OpenAI: "regex lookaround is not supported"; classes of characters by their names are no more."""

# https://platform.openai.com/docs/guides/function-calling; "schema must have type 'object' and not have 'oneOf'/'anyOf'/
# 'allOf'/'enum'/'const'/'not' at the top level", "array schema missing items", "object schema missing properties"
OPENAI_READ = SchemaProfile(
    not_in_patterns=LOOK_AROUND,
    complete=True,
    not_at_top=frozenset({*COMBINATIONS, "enum", "const", "not"}),
    object_at_top=True,
)
# https://platform.openai.com/docs/guides/structured-outputs (supported schemas); "'default' is not permitted", "$ref cannot
# have keywords {'description'}", "'uri' is not a valid format", "schema must have a 'type' key"
STRICT = replace(
    OPENAI_READ,
    known=frozenset(
        {
            *("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref"),
            *("$defs", "definitions", "title", "description", "pattern", "format", "multipleOf"),
            *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
        }
    ),
    refused=CONDITIONS,
    holds=True,
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
    simple_values=True,
    one_of=False,
    all_of=False,
    reference_siblings=False,
    closed_objects=True,
    required="all",
    typed=True,
)
OPENAI = Schemas(OPENAI_READ, STRICT, OPENAI_READ, STRICT, own=frozenset({"openai", "openai-responses", "azure"}))

# https://console.groq.com/docs/structured-outputs; "'required' present but 'properties' is missing",
# "response_format/json_schema: minItems is not supported", "additionalProperties:false must be set on every object"
GROQ_STRICT = replace(STRICT, described=LENGTHS)
GROQ = Schemas(SchemaProfile(complete=True), GROQ_STRICT, SchemaProfile(complete=True, described=LENGTHS), GROQ_STRICT)

# https://inference-docs.cerebras.ai/capabilities/structured-outputs; "Unsupported JSON schema fields: {'minItems'}",
# "'additionalProperties' is required to be supplied and set to false"
CEREBRAS_READ = SchemaProfile(described=LENGTHS | CONDITIONS | {"pattern"}, formats=frozenset(), closed_objects=True)
CEREBRAS_HELD = replace(
    STRICT, described=LENGTHS | {"pattern"}, formats=frozenset(), required="", recursion=False, deepest=60
)
CEREBRAS = Schemas(CEREBRAS_READ, CEREBRAS_HELD, CEREBRAS_HELD, CEREBRAS_HELD)

# https://docs.x.ai/docs/guides/structured-outputs (lengths of texts and arrays, allOf); "Invalid arguments passed to the
# model" for tools with pattern and format
XAI_READ = SchemaProfile(
    described=frozenset({"minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains", "pattern"}),
    formats=frozenset(),
    all_of=False,
)
XAI = Schemas(XAI_READ, XAI_READ, XAI_READ, XAI_READ)

# "Received unsupported keyword `format` in schema"; its grammars fail to compile with $id and $schema.
MISTRAL_READ = SchemaProfile(dropped=frozenset({"$schema", "$id"}))
MISTRAL_HELD = replace(MISTRAL_READ, formats=frozenset())
MISTRAL = Schemas(MISTRAL_READ, MISTRAL_HELD, MISTRAL_HELD, MISTRAL_HELD, own=frozenset({"mistral"}))

# https://docs.cohere.com/docs/structured-outputs (parameter types support; the top is an object, and every object has a
# required field)
COHERE_HELD = SchemaProfile(
    known=frozenset(
        {
            *("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref"),
            *("$defs", "definitions", "title", "description", "pattern", "format", "default", "examples"),
        }
    ),
    refused=CONDITIONS,
    holds=True,
    formats=frozenset({"date-time", "uuid", "date", "time"}),
    not_in_patterns=r"[\^$]|\(\?",
    simple_values=True,
    one_of=False,
    all_of=False,
    required="some",
    object_at_top=True,
)
COHERE = Schemas(None, COHERE_HELD, COHERE_HELD, COHERE_HELD, own=frozenset({"cohere"}))
