"""Tools and the choice among them in Mistral's words."""

from __future__ import annotations

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import (
    TOOL_CHOICE_MODE_AUTO,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_REQUIRED,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    Tool,
    ToolChoice,
)
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_object, raw_json, set_if_present
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.mistral.client.details import DIALECT, details_of
from gateway_dialects.mistral.client.remarks import Remarks
from gateway_dialects.openai.words import DIALECT as OPENAI

CHOICES = {
    TOOL_CHOICE_MODE_AUTO: "auto",
    TOOL_CHOICE_MODE_NONE: "none",
    TOOL_CHOICE_MODE_REQUIRED: "any",
}
"""required is a newer word for any."""
NO_FIELDS: frozenset[str] = frozenset()


def encode_tools(body: Json, request: ChatRequest, remarks: Remarks) -> None:
    """Sets tools and tool_choice. Mistral cannot be told to choose among some of the tools: the others are not shown."""
    allowed = set(request.tool_choice.allowed_tool_names)
    tools = [
        encode_tool(tool, f"tools[{index}]", remarks)
        for index, tool in enumerate(request.tools)
        if not allowed or tool.function.name in allowed
    ]
    if tools:
        body["tools"] = tools
    if request.HasField("tool_choice") and request.tool_choice.mode:
        body["tool_choice"] = encode_choice(request.tool_choice)


def encode_tool(tool: Tool, field: str, remarks: Remarks) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            details = fields_of(details_of(tool, NO_FIELDS, field, remarks))
            function: Json = {"name": tool.function.name}
            set_if_present(function, tool.function, ("description", "strict"))
            # Mistral wants the schema, also of a tool that takes nothing.
            schema = tool.function.parameters_json or '{"type":"object","properties":{}}'
            function["parameters"] = raw_json(schema, f"{field}.function.parameters")
            return {"type": "function", **details, "function": {**function, **details.get("function", {})}}
        case "custom":
            raise unsupported(field, "Mistral has no tools with free-form input")
        case "opaque" if tool.opaque.dialect in (DIALECT, OPENAI):
            return decode_object(tool.opaque.json)
        case "opaque":
            raise unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to Mistral")
        case _:
            raise invalid(field, f"{field} has no kind: set function, custom or opaque")


def encode_choice(choice: ToolChoice) -> Json | str:
    text = choice.provider_details_json.get(DIALECT)
    details = decode_object(text) if text else {}
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        fields = fields_of(details)
        return {"type": "function", **fields, "function": {"name": choice.tool_name, **fields.get("function", {})}}
    if choice.mode not in CHOICES:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    word: str = details.get("$word", "")
    return word or CHOICES[choice.mode]
