"""The form of the answer: JSON that follows a schema, natively where the model has it, and otherwise emulated.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs. The emulation is one tool that the model
is forced to call and whose arguments are the answer: response.py and stream.py turn the call back into text. Beside the
user's own tools, and where no tool can be forced, the schema is asked for in words.
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
from gateway_dialects.anthropic.client.details import details_of
from gateway_dialects.anthropic.client.families import Family
from gateway_dialects.anthropic.client.remarks import Remarks
from gateway_dialects.anthropic.client.schema import fitted
from gateway_dialects.anthropic.client.thinking import can_force
from gateway_dialects.anthropic.client.tools import object_of
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

ANSWER_TOOL = "dragoman_json_answer"
"""The forced tool's name: no client's tool may have it, for its calls are read as text."""
ANSWER_TOOL_DESCRIPTION = "Gives the answer. Call it once, with the whole answer as its arguments."
JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it and no code fence."
SCHEMA_INSTRUCTION = (
    "Answer with one JSON value that is valid against the following JSON Schema, and nothing else: no words around it and no"
    " code fence.\n\n"
)


def encode_response_format(body: Json, form: ResponseFormat, family: Family, remarks: Remarks) -> None:
    """body has tools and thinking. Raises GatewayError INVALID_REQUEST for a schema that is no object."""
    if form.type == RESPONSE_FORMAT_TYPE_JSON_OBJECT:
        instruct(body, JSON_INSTRUCTION)
    elif form.type == RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        encode_schema(body, form, family, remarks)
    elif form.type not in (RESPONSE_FORMAT_TYPE_TEXT, RESPONSE_FORMAT_TYPE_UNSPECIFIED):
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")


def encode_schema(body: Json, form: ResponseFormat, family: Family, remarks: Remarks) -> None:
    if not form.schema_json:
        instruct(body, JSON_INSTRUCTION)
        return
    schema = object_of(form.schema_json, "response_format.json_schema.schema")
    suited = fitted(schema) if family.native_schema else None
    if suited is not None:
        kept: Any = msgspec.Raw(form.schema_json.encode()) if suited == schema else suited
        native = {"type": "json_schema", "schema": kept, **fields_of(details_of(form))}
        body.setdefault("output_config", {})["format"] = native
    elif "tools" not in body and can_force(body, family) and schema.get("type") == "object":
        force_answer_tool(body, form)
    else:
        instruct(body, SCHEMA_INSTRUCTION + form.schema_json)
        remarks.warn(
            "response_format", "the schema was asked for in words, as the model cannot be held to it here: check the answer"
        )


def force_answer_tool(body: Json, form: ResponseFormat) -> None:
    body["tools"] = [
        {
            "name": ANSWER_TOOL,
            "description": form.description or ANSWER_TOOL_DESCRIPTION,
            "input_schema": msgspec.Raw(form.schema_json.encode()),
        }
    ]
    body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}


def instruct(body: Json, text: str) -> None:
    """Say it after everything that the application says: what stands before stays in the prompt cache."""
    system = body.get("system", [])
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else list(system)
    body["system"] = [*blocks, {"type": "text", "text": text}]
