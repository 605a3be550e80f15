"""Fitting a request's tools, the form of its answer, and the reasoning in its history to what a model takes."""

from __future__ import annotations

from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_DEVELOPER, ROLE_SYSTEM, Message, Part
from gateway_core.models.fit_schemas import fit_answer_schema
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.schema_profile import NO_SCHEMAS, Schemas

FORCED = (chat_pb2.TOOL_CHOICE_MODE_REQUIRED, chat_pb2.TOOL_CHOICE_MODE_TOOL)
JSON_FORMS = (chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT, chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA)
JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it and no code fence."
SCHEMA_INSTRUCTION = (
    "Answer with one JSON value that is valid against the following JSON Schema, and nothing else: no words around it and no"
    " code fence.\n\n"
)
INSTRUCTIONS = (ROLE_SYSTEM, ROLE_DEVELOPER)
UNLESS_A_CALL = "Unless you call a tool: "


def fit_tools(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    if model.tools is False and request.tools:
        del request.tools[:]
        request.ClearField("tool_choice")
        diagnostics.drop("tools", "this model calls no tools")
    if not request.tools:
        leave_out_choices(request, diagnostics)
        return
    if model.strict_tools is False:
        leave_out_strict(request, diagnostics)
    if model.parallel_tools is False and request.HasField("parallel_tool_calls"):
        if not request.parallel_tool_calls:
            diagnostics.drop("parallel_tool_calls", "this model does not take it")
        request.ClearField("parallel_tool_calls")
    if not model.forced_tools:
        free_choice(request, "with this model", diagnostics)
    if not model.denied_tools and request.tool_choice.mode == chat_pb2.TOOL_CHOICE_MODE_NONE:
        del request.tools[:]
        leave_out_choices(request, diagnostics)


def free_choice(request: ChatRequest, when: str, diagnostics: Diagnostics) -> None:
    """Leaves a choice that forces a call to the model."""
    if request.tool_choice.mode in FORCED:
        request.tool_choice.mode = chat_pb2.TOOL_CHOICE_MODE_AUTO
        request.tool_choice.ClearField("tool_name")
        diagnostics.warn("tool_choice", f"no tool can be forced {when}; the choice was left to the model")


def leave_out_choices(request: ChatRequest, diagnostics: Diagnostics) -> None:
    """Providers refuse what is about tools where there are none. Only who demands a call loses something."""
    if request.tool_choice.mode in FORCED:
        diagnostics.drop("tool_choice", "there are no tools to choose from")
    request.ClearField("tool_choice")
    request.ClearField("parallel_tool_calls")


def leave_out_strict(request: ChatRequest, diagnostics: Diagnostics) -> None:
    for index, tool in enumerate(request.tools):
        if tool.WhichOneof("kind") == "function" and tool.function.HasField("strict"):
            if tool.function.strict:
                diagnostics.drop(f"tools[{index}].function.strict", "this model does not hold arguments to their schema")
            tool.function.ClearField("strict")


def fit_response_format(
    request: ChatRequest, model: Capabilities, diagnostics: Diagnostics, schemas: Schemas = NO_SCHEMAS
) -> None:
    """JSON by schema, in JSON mode or in words, whichever of them the model takes first."""
    wanted = request.response_format
    if wanted.type not in JSON_FORMS:
        return
    beside_tools = model.json_with_tools is False and any(tool.WhichOneof("kind") == "function" for tool in request.tools)
    loose = wanted.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT
    if beside_tools or model.structured == "words" or (model.structured == "only schema" and loose):
        instruct(request, instruction(request, UNLESS_A_CALL if beside_tools else ""))
        why = "while there are tools" if beside_tools else "by this model"
        diagnostics.warn("response_format", f"the answer's form cannot be set {why}; it was asked for in words: check it")
        request.ClearField("response_format")
        return
    if wanted.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA and (
        model.structured == "json" or not fit_answer_schema(request, schemas, diagnostics)
    ):
        what = "no schema" if model.structured == "json" else "no such schema"
        instruct(request, instruction(request))
        diagnostics.warn(
            "response_format", f"this model takes {what}; it was asked for JSON, and the schema in words: check the answer"
        )
        request.response_format.CopyFrom(chat_pb2.ResponseFormat(type=chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT))
    elif model.json_word and wanted.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT and not says_json(request):
        instruct(request, JSON_INSTRUCTION)


def instruction(request: ChatRequest, condition: str = "") -> str:
    schema = request.response_format.schema_json
    return condition + (SCHEMA_INSTRUCTION + schema if schema else JSON_INSTRUCTION)


def says_json(request: ChatRequest) -> bool:
    return any("json" in part.text.lower() for message in request.messages for part in message.parts)


def instruct(request: ChatRequest, text: str) -> None:
    """Added after the application's own instructions, before the conversation: what comes before stays in the cache."""
    request.messages.insert(place_of_instructions(request), Message(role=ROLE_SYSTEM, parts=[Part(text=text)]))


def place_of_instructions(request: ChatRequest) -> int:
    """The index of the first message of the conversation."""
    roles = (message.role for message in request.messages)
    return next((index for index, role in enumerate(roles) if role not in INSTRUCTIONS), len(request.messages))


def fit_history(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Leaves out reasoning that the model does not take back."""
    if model.replays_reasoning:
        return
    for index, message in enumerate(request.messages):
        kept = [part for part in message.parts if part.WhichOneof("kind") != "reasoning"]
        if len(kept) < len(message.parts):
            diagnostics.drop(f"messages[{index}]", "this model takes no reasoning back")
            del message.parts[:]
            message.parts.extend(kept)
