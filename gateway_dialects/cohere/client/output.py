"""The form of the answer: JSON that follows a schema, natively, or asked for in words where the provider does not take both.

Source: https://docs.cohere.com/docs/structured-outputs: response_format is not taken beside tools or documents, and the
schema must be one of an object. What Cohere's own client wrote is left to Cohere to judge.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
    RESPONSE_FORMAT_TYPE_TEXT,
    RESPONSE_FORMAT_TYPE_UNSPECIFIED,
    ResponseFormat,
)
from gateway_dialects.cohere.client.details import details_of, object_of
from gateway_dialects.cohere.client.remarks import Remarks
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it and no code fence."
SCHEMA_INSTRUCTION = (
    "Answer with one JSON value that is valid against the following JSON Schema, and nothing else: no words around it and no"
    " code fence.\n\n"
)
SCHEMA_FIELD = "response_format.json_schema.schema"


def encode_response_format(body: Json, form: ResponseFormat, remarks: Remarks) -> None:
    """body has messages, tools and documents. Raises GatewayError INVALID_REQUEST for a schema that is no object."""
    details = details_of(form)
    native = bool(details)
    if form.type == RESPONSE_FORMAT_TYPE_TEXT and native:
        body["response_format"] = {"type": "text", **fields_of(details)}
    if form.type in (RESPONSE_FORMAT_TYPE_UNSPECIFIED, RESPONSE_FORMAT_TYPE_TEXT):
        return
    if form.type not in (RESPONSE_FORMAT_TYPE_JSON_OBJECT, RESPONSE_FORMAT_TYPE_JSON_SCHEMA):
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")
    schema = object_of(form.schema_json, SCHEMA_FIELD) if form.schema_json else None
    reason = "" if native else obstacle(body, schema)
    if reason:
        instruct(body, form)
        remarks.warn("response_format", f"the form of the answer was asked for in words, as {reason}: check the answer")
        return
    encoded: Json = {"type": "json_object"}
    if schema is not None:
        encoded[details.get("$schema", "json_schema")] = described(form, schema)
    body["response_format"] = {**encoded, **fields_of(details)}


def obstacle(body: Json, schema: Json | None) -> str:
    """Why the provider cannot hold the model to the form; empty: it can."""
    for name in ("tools", "documents"):
        if body.get(name):
            return f"this provider takes no response_format beside {name}"
    if schema is not None and schema.get("type", "object") != "object":
        return "this provider takes only schemas of objects"
    return ""


def described(form: ResponseFormat, schema: Json) -> Any:
    """The schema, with the description that other dialects have beside it."""
    if form.HasField("description") and "description" not in schema:
        return {**schema, "description": form.description}
    return msgspec.Raw(form.schema_json.encode())


def instruct(body: Json, form: ResponseFormat) -> None:
    """Say it after the application's own instructions, before the conversation: what stands before stays in the cache."""
    text = SCHEMA_INSTRUCTION + form.schema_json if form.schema_json else JSON_INSTRUCTION
    messages = body["messages"]
    place = next((index for index, message in enumerate(messages) if message["role"] != "system"), len(messages))
    messages.insert(place, {"role": "system", "content": text})
