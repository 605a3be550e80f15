"""Fitting a request's JSON Schemas to what the vendor of its model takes."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.schema_profile import NO_SCHEMAS, SchemaProfile, Schemas
from gateway_dialects.kit.schema_texts import FittedText, fit_text

ANSWER = "response_format.json_schema"
NO_ARGUMENTS = '{"type":"object","properties":{}}'


def unfit_schemas(request: ChatRequest, takes: Schemas) -> bool:
    """Whether there is anything to fit. Asked of every call."""
    if takes is NO_SCHEMAS or not (request.tools or request.response_format.schema_json):
        return False
    functions = (tool.function for tool in request.tools if tool.HasField("function"))
    places: Sequence[tuple[str, SchemaProfile | None, bool]] = [
        *((parameters_of(one), takes.strict_tools if one.strict else takes.tools, True) for one in functions),
        (request.response_format.schema_json, answers_of(request, takes), False),
    ]
    return any(
        text and profile is not None and fit_text(text, profile, of_tool=of_tool).text != text
        for text, profile, of_tool in places
    )


def parameters_of(function: FunctionTool) -> str:
    return function.parameters_json or (NO_ARGUMENTS if function.strict else "")


def answers_of(request: ChatRequest, takes: Schemas) -> SchemaProfile | None:
    return takes.strict_answers if request.response_format.strict else takes.answers


def fit_tool_schemas(request: ChatRequest, takes: Schemas, diagnostics: Diagnostics) -> None:
    for index, tool in enumerate(request.tools):
        if tool.WhichOneof("kind") == "function":
            fit_function(tool.function, takes, f"tools[{index}].function", diagnostics)


def fit_function(function: FunctionTool, takes: Schemas, place: str, diagnostics: Diagnostics) -> None:
    text = parameters_of(function)
    fitted = FittedText(text)
    if function.strict and takes.strict_tools is not None:
        fitted = fit_text(text, takes.strict_tools, of_tool=True)
        if fitted.text is None:
            function.ClearField("strict")
            diagnostics.drop(f"{place}.strict", "this provider cannot hold arguments to such a schema")
            text = function.parameters_json
    if not function.strict and text and takes.tools is not None:
        fitted = fit_text(text, takes.tools, of_tool=True)
    fitted.report(f"{place}.parameters", diagnostics)
    if fitted.text is not None and fitted.text != text:
        function.parameters_json = fitted.text


def fit_answer_schema(request: ChatRequest, takes: Schemas, diagnostics: Diagnostics) -> bool:
    """False: the vendor takes no schema that would say the same."""
    wanted = request.response_format
    profile = answers_of(request, takes)
    if wanted.type != chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA or not wanted.schema_json or profile is None:
        return True
    fitted = fit_text(wanted.schema_json, profile)
    if fitted.text is None and wanted.strict and takes.answers is not None:
        fitted = fit_text(wanted.schema_json, takes.answers)
        if fitted.text is not None:
            wanted.strict = False
            diagnostics.drop(f"{ANSWER}.strict", "this provider cannot hold the answer to such a schema: check it")
    if fitted.text is None:
        return False
    fitted.report(f"{ANSWER}.schema", diagnostics)
    wanted.schema_json = fitted.text
    return True
