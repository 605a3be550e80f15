"""A client's tools, and its choice among them, in the contract's terms.

The tools of a namespace are tools of their own, which name it. Tools of an item are the same as those of the request.

Source: https://platform.openai.com/docs/api-reference/responses/create (tools, tool_choice, input) and recorded requests.
"""

from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import TOOL_CHOICE_MODE_TOOL, ChatRequest, Tool, ToolChoice
from gateway_dialects.kit import fields as read
from gateway_dialects.kit.fields import Fields, missing, required_string, set_fields, wrong_type
from gateway_dialects.kit.json import Json, WrittenForm, json_text, list_at, unknown_fields
from gateway_dialects.kit.tool_forms import set_hosted
from gateway_dialects.openai.words import TOOL_CHOICE_WORDS
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.parse_items import ToolHolder, set_rest
from gateway_dialects.openai_responses.words import DIALECT, ToolForm, set_details, set_form

MODES = {word: mode for mode, word in TOOL_CHOICE_WORDS.items()}
NAMED = frozenset({"function", "custom"})
"""Types of the tools that a choice must name; any other may be named by its type."""
PLAIN = ToolForm()
GROUP_FIELDS = frozenset({"type", "name", "description", "tools"})


def parse_tools(request: ChatRequest, value: Any, path: str, form: ToolForm = PLAIN) -> None:
    """form: of every tool."""
    for index, item in enumerate(read.array(value, path)):
        fields, place = read.mapping(item, f"{path}[{index}]"), f"{path}[{index}]"
        if fields.get("type") == "namespace" and list_at(fields, "tools"):
            parse_namespace(request, fields, place, form)
        else:
            parse_tool(request.tools.add(), fields, place, form)


def parse_item_tools(request: ChatRequest, holder: ToolHolder) -> None:
    """Tools of an additional_tools or a tool_search_output, which may hold tools that are there already."""
    item, begin = holder.item, len(request.tools)
    known = {identity(tool) for tool in request.tools}
    is_loaded = item["type"] != words.MORE_TOOLS
    form = ToolForm(loaded=True) if is_loaded else ToolForm(item=holder.place)
    parse_tools(request, item.get("tools"), f"{holder.path}.tools", form)
    if is_loaded:
        for index in reversed(range(begin, len(request.tools))):
            if identity(request.tools[index]) in known:
                del request.tools[index]
    elif begin < len(request.tools) and (rest := unknown_fields(item, {"type", "tools"})):
        first = request.tools[begin]
        set_form(first, words.replaced(words.form_of(first, ToolForm), holder=rest))


def identity(tool: Tool) -> tuple[str, str]:
    return tool.namespace.name, tool.function.name or tool.custom.name or tool.opaque.json


def parse_namespace(request: ChatRequest, fields: Json, path: str, form: ToolForm) -> None:
    name = required_string(fields, "name", f"{path}.")
    group = unknown_fields(fields, GROUP_FIELDS)
    for index, item in enumerate(list_at(fields, "tools")):
        tool = request.tools.add()
        parse_tool(tool, read.mapping(item, f"{path}.tools[{index}]"), f"{path}.tools[{index}]", form)
        tool.namespace.name = name
        set_fields(tool.namespace, fields, {"description": ("description", read.string)}, f"{path}.")
        if group and not index:
            set_form(tool, words.replaced(words.form_of(tool, ToolForm), group=group))


def parse_tool(tool: Tool, fields: Json, path: str, form: ToolForm) -> None:
    """Tools that the provider runs are carried as they are."""
    match required_string(fields, "type", f"{path}."):
        case "function":
            parse_function(tool, fields, path)
            form = words.replaced(form, strict_unset=fields.get("strict") is None)
        case "custom":
            parse_custom(tool, fields, path)
        case kind:
            set_hosted(tool, DIALECT, json_text(fields), words.hosted_name(fields), kind.startswith(words.SEARCH))
    set_form(tool, form)


def parse_function(tool: Tool, fields: Json, path: str) -> None:
    tool.function.name = required_string(fields, "name", f"{path}.")
    set_fields(tool.function, fields, FUNCTION_FIELDS, f"{path}.")
    set_rest(tool, unknown_fields(fields, {"type", "name", *FUNCTION_FIELDS}))


def parse_custom(tool: Tool, fields: Json, path: str) -> None:
    tool.custom.name = required_string(fields, "name", f"{path}.")
    set_fields(tool.custom, fields, CUSTOM_FIELDS, f"{path}.")
    set_rest(tool, unknown_fields(fields, {"type", "name", *CUSTOM_FIELDS}))


def format_text(value: Any, path: str) -> str:
    return json_text(nested_grammar(read.mapping(value, path)))


def nested_grammar(form: Json) -> Json:
    """As the contract holds it: chat completions put a grammar into an object of its own."""
    grammar = {name: form[name] for name in GRAMMAR_FIELDS if name in form}
    if form.get("type") != "grammar" or not grammar:
        return form
    return {**{name: value for name, value in form.items() if name not in GRAMMAR_FIELDS}, "grammar": grammar}


def parse_tool_choice(choice: ToolChoice, value: Any) -> None:
    match value:
        case str():
            if value not in MODES:
                raise invalid("tool_choice", f"'tool_choice' is {value!r}: use auto, none, required or an object.")
            choice.mode = MODES[value]
        case {"type": "allowed_tools"}:
            parse_allowed_tools(choice, value)
        case {"type": "function" | "custom"}:
            choice.mode = TOOL_CHOICE_MODE_TOOL
            choice.tool_name = required_string(value, "name", "tool_choice.")
            set_details(choice, unknown_fields(value, {"type", "name"}))
        case {"type": str()}:
            # A tool that the provider runs.
            choice.mode, choice.tool_name = TOOL_CHOICE_MODE_TOOL, words.hosted_name(value)
            set_form(choice, WrittenForm(written=value))
        case dict():
            raise missing("tool_choice.type", "Use 'function', for example.")
        case _:
            raise wrong_type("tool_choice", "string or object", value)


def parse_allowed_tools(choice: ToolChoice, value: Json) -> None:
    mode = required_string(value, "mode", "tool_choice.")
    if mode not in ("auto", "required"):
        raise invalid("tool_choice.mode", "'tool_choice.mode' must be auto or required.")
    choice.mode = MODES[mode]
    tools = read.array(value.get("tools"), "tool_choice.tools")
    for index, item in enumerate(tools):
        path = f"tool_choice.tools[{index}]"
        tool = read.mapping(item, path)
        kind = required_string(tool, "type", f"{path}.")
        choice.allowed_tool_names.append(
            required_string(tool, "name", f"{path}.") if kind in NAMED else words.hosted_name(tool)
        )
    set_form(choice, WrittenForm(written={"tools": tools}))
    set_details(choice, unknown_fields(value, {"type", "mode", "tools"}))


FUNCTION_FIELDS: Fields = {
    "description": ("description", read.string),
    "strict": ("strict", read.boolean),
    "parameters": ("parameters_json", read.object_text),
}
CUSTOM_FIELDS: Fields = {"description": ("description", read.string), "format": ("format_json", format_text)}
GRAMMAR_FIELDS = ("syntax", "definition")
