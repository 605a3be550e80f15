"""The generationConfig of a client's request. Source: https://ai.google.dev/api/generate-content#v1beta.GenerationConfig."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    ChatRequest,
    ReasoningSettings,
)
from gateway_dialects.gemini.server.details import set_details
from gateway_dialects.gemini.server.proto_json import fields_in, listed, real, small, whole
from gateway_dialects.gemini.server.schema import json_schema_of
from gateway_dialects.kit.fields import boolean, rest_of, string, wrong_type
from gateway_dialects.kit.json import Json, json_text

CONFIG = "generationConfig"
PLAIN_FIELDS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "temperature": ("temperature", real),
    "topP": ("top_p", real),
    "topK": ("top_k", whole),
    "maxOutputTokens": ("max_output_tokens", whole),
    "candidateCount": ("candidate_count", small),
    "seed": ("seed", whole),
    "presencePenalty": ("presence_penalty", real),
    "frequencyPenalty": ("frequency_penalty", real),
    "responseLogprobs": ("logprobs", boolean),
    "logprobs": ("top_logprobs", small),
}
FORM_FIELDS = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema"})
OTHER_FIELDS = frozenset({"stopSequences", "responseModalities", "thinkingConfig"})
JSON_TYPE = "application/json"
PLAIN_TYPE = "text/plain"
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""
EFFORT_BY_BUDGET = ((2000, "low"), (8000, "medium"), (24_000, "high"))
"""The effort that a budget stands for at providers that know no budgets, up to so many tokens; above, xhigh."""


def parse_generation(request: ChatRequest, value: Any, options: Json) -> None:
    fields = fields_in(value, CONFIG)
    for name, (ours, reader) in PLAIN_FIELDS.items():
        if name in fields:
            setattr(request, ours, reader(fields[name], f"{CONFIG}.{name}"))
    request.stop.extend(strings(fields, "stopSequences"))
    request.modalities.extend(modality.lower() for modality in strings(fields, "responseModalities"))
    if "thinkingConfig" in fields:
        parse_thinking(request.reasoning, fields["thinkingConfig"])
    rest = rest_of(fields, {*PLAIN_FIELDS, *FORM_FIELDS, *OTHER_FIELDS})
    rest.update(parse_form(request, {name: fields[name] for name in FORM_FIELDS if name in fields}))
    if rest:
        options[CONFIG] = rest


def strings(fields: Json, name: str) -> list[str]:
    path = f"{CONFIG}.{name}"
    return [string(item, f"{path}[{index}]") for index, item in enumerate(listed(fields.get(name, []), path))]


def parse_form(request: ChatRequest, fields: Json) -> Json:
    """The answer's form. Gives back the fields that make one the contract has no words for, to be carried as they are."""
    if not fields:
        return {}
    mime = string(fields["responseMimeType"], f"{CONFIG}.responseMimeType") if "responseMimeType" in fields else ""
    has_schema = "responseSchema" in fields or "responseJsonSchema" in fields
    if mime not in ("", JSON_TYPE, PLAIN_TYPE) or (mime == PLAIN_TYPE and has_schema):
        return fields
    form = request.response_format
    notes: Json = {}
    if mime == PLAIN_TYPE:
        form.type, notes["$mime"] = RESPONSE_FORMAT_TYPE_TEXT, mime
    elif not has_schema:
        form.type = RESPONSE_FORMAT_TYPE_JSON_OBJECT
    else:
        form.type, form.name = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME
        form.schema_json, notes = parse_schema(fields)
        if not mime:
            notes["$mime"] = False
    set_details(form, notes)
    return {}


def parse_schema(fields: Json) -> tuple[str, Json]:
    """The schema as JSON Schema, and what gives back the client's own form."""
    for name in ("responseSchema", "responseJsonSchema"):
        if name in fields and not isinstance(fields[name], (dict, bool)):
            raise wrong_type(f"{CONFIG}.{name}", "object", fields[name])
    if "responseJsonSchema" in fields:
        return json_text(fields["responseJsonSchema"]), {
            "$schema": "responseJsonSchema",
            **rest_of(fields, {"responseMimeType", "responseJsonSchema"}),
        }
    return json_text(json_schema_of(fields["responseSchema"])), {"responseSchema": fields["responseSchema"]}


def parse_thinking(reasoning: ReasoningSettings, value: Any) -> None:
    """As the client wrote it for Gemini, and what it comes to for others."""
    path = f"{CONFIG}.thinkingConfig"
    fields = fields_in(value, path)
    if "includeThoughts" in fields:
        if boolean(fields["includeThoughts"], f"{path}.includeThoughts"):
            reasoning.summary = "auto"
        else:
            reasoning.exclude = True
    if "thinkingBudget" in fields:
        parse_budget(reasoning, whole(fields["thinkingBudget"], f"{path}.thinkingBudget"))
    if "thinkingLevel" in fields:
        level = string(fields["thinkingLevel"], f"{path}.thinkingLevel").lower()
        if level != "thinking_level_unspecified":
            reasoning.effort = level
    set_details(reasoning, fields)


def parse_budget(reasoning: ReasoningSettings, budget: int) -> None:
    """0 switches thinking off, and -1 leaves the budget to the model."""
    if budget <= 0:
        reasoning.enabled = budget < 0
        return
    reasoning.max_tokens = budget
    reasoning.effort = next((effort for bound, effort in EFFORT_BY_BUDGET if budget < bound), "xhigh")
