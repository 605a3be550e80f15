"""Tools, the choice among them and the format of the answer.

Source: https://platform.claude.com/docs (tool use, strict tool use, parallel tool use, structured outputs) and recorded
requests. Where a model has no structured outputs they are emulated by one tool that the model is forced to call and whose
arguments are the answer: the decoders turn the call back into text. Beside the caller's own tools, and where no tool can be
forced, the schema is asked for in the system prompt.
"""

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ResponseFormat, Tool
from gateway_dialects.anthropic.encode_content import add_details
from gateway_dialects.anthropic.encode_thinking import can_force
from gateway_dialects.anthropic.words import ANSWER_TOOL, DIALECT, STRUCTURED_SCHEMAS, TOOL_CHOICES, TOOL_SCHEMAS, AnswerForm
from gateway_dialects.kit.cache_hints import cache_control
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics, unusable_tool
from gateway_dialects.kit.json import Json, form_of, inverse, object_of, object_schema, set_if_present, verbatim
from gateway_dialects.kit.schema_texts import FittedText, fit_text

SCHEMA_FIELD = "response_format.json_schema.schema"
CHOICE_WORDS = inverse(TOOL_CHOICES)
ANSWER_TOOL_DESCRIPTION = "Gives the answer. Call it once, with the whole answer as its arguments."
JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else: no words around it and no code fence."
SCHEMA_INSTRUCTION = (
    "Answer with one JSON value that is valid against the following JSON Schema, and nothing else: no words around it and no"
    " code fence.\n\n"
)


def encode_tools(body: Json, request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Sets tools and tool_choice."""
    allowed = set(request.tool_choice.allowed_tool_names)
    tools = [
        encode_tool(tool, f"tools[{index}]", model, diagnostics)
        for index, tool in enumerate(request.tools)
        if not allowed or name_of(tool) in allowed
    ]
    if tools:
        body["tools"] = tools
        if choice := encode_tool_choice(request):
            body["tool_choice"] = choice
    elif request.tool_choice.mode in (chat_pb2.TOOL_CHOICE_MODE_REQUIRED, chat_pb2.TOOL_CHOICE_MODE_TOOL):
        diagnostics.drop("tool_choice", "there are no tools to choose from")


def name_of(tool: Tool) -> str:
    return tool.function.name or tool.custom.name


def encode_tool(tool: Tool, field: str, model: Capabilities, diagnostics: Diagnostics) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            encoded = encode_function(tool.function, field, model, diagnostics)
        case "opaque" if tool.opaque.dialect == DIALECT:
            encoded = object_of(tool.opaque.json, f"{field}.opaque.json")
        case _:
            raise unusable_tool(tool, field)
    encoded = add_details(encoded, tool)
    if tool.HasField("cache_hint"):
        encoded["cache_control"] = cache_control(tool.cache_hint)
    return encoded


def encode_function(function: FunctionTool, field: str, model: Capabilities, diagnostics: Diagnostics) -> Json:
    encoded: Json = {"name": function.name}
    set_if_present(encoded, function, ("description",))
    encoded["input_schema"] = object_schema(function.parameters_json, f"{field}.function.parameters", {"type": "object"})
    if function.strict and model.strict_tools:
        encoded["strict"] = True
    elif function.strict:
        diagnostics.drop(f"{field}.strict", "this model has no strict tools")
    return encoded


def encode_tool_choice(request: ChatRequest) -> Json | None:
    """None: the provider's default. disable_parallel_tool_use is a field of the choice."""
    choice = request.tool_choice
    alone = request.HasField("parallel_tool_calls") and not request.parallel_tool_calls
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_UNSPECIFIED and not alone:
        return None
    if choice.mode and choice.mode not in CHOICE_WORDS:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    encoded: Json = {"type": CHOICE_WORDS.get(choice.mode, "auto")}
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL:
        encoded["name"] = choice.tool_name
    if alone and encoded["type"] != "none":
        encoded["disable_parallel_tool_use"] = True
    return add_details(encoded, choice)


def encode_response_format(body: Json, form: ResponseFormat, model: Capabilities, diagnostics: Diagnostics) -> None:
    """body has tools and thinking. Raises GatewayError INVALID_REQUEST for a schema that is no object."""
    if form.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT:
        instruct(body, JSON_INSTRUCTION)
    elif form.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        encode_schema(body, form, model, diagnostics)
    elif form.type not in (chat_pb2.RESPONSE_FORMAT_TYPE_TEXT, chat_pb2.RESPONSE_FORMAT_TYPE_UNSPECIFIED):
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")


def encode_schema(body: Json, form: ResponseFormat, model: Capabilities, diagnostics: Diagnostics) -> None:
    if not form.schema_json:
        instruct(body, JSON_INSTRUCTION)
        return
    schema = object_of(form.schema_json, SCHEMA_FIELD)
    native = model.structured == "schema"
    if native and form_of(form, DIALECT, AnswerForm).native:
        fitted = FittedText(form.schema_json)
    else:
        fitted = fit_text(form.schema_json, STRUCTURED_SCHEMAS) if native else FittedText(None)
    fitted.report(SCHEMA_FIELD, diagnostics)
    if fitted.text is not None:
        sent = {"type": "json_schema", "schema": verbatim(fitted.text)}
        body.setdefault("output_config", {})["format"] = add_details(sent, form)
    elif "tools" not in body and can_force(body, model) and schema.get("type") == "object":
        fitted = fit_text(form.schema_json, TOOL_SCHEMAS)
        fitted.report(SCHEMA_FIELD, diagnostics)
        force_answer_tool(body, form, fitted.text or form.schema_json)
    else:
        instruct(body, SCHEMA_INSTRUCTION + form.schema_json)
        diagnostics.warn(
            "response_format", "the schema was asked for in words, as the model cannot be held to it here: check the answer"
        )


def force_answer_tool(body: Json, form: ResponseFormat, schema: str) -> None:
    body["tools"] = [
        {"name": ANSWER_TOOL, "description": form.description or ANSWER_TOOL_DESCRIPTION, "input_schema": verbatim(schema)}
    ]
    body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}


def instruct(body: Json, text: str) -> None:
    """Adds a last system block: what precedes it stays in the prompt cache."""
    system = body.get("system", [])
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else list(system)
    body["system"] = [*blocks, {"type": "text", "text": text}]
