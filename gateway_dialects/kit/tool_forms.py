"""Tools in the forms that a target takes: groups flattened, free-form tools as functions, other providers' own left out.

Which name and form each tool had is given back, for answers. Names that the target refuses are another matter (tool_names),
which comes after this.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from dragoman.v1.chat_pb2 import (
    HOSTED_TOOL_WEB_SEARCH,
    TOOL_CHOICE_MODE_NONE,
    TOOL_CHOICE_MODE_TOOL,
    ChatRequest,
    CustomTool,
    FunctionTool,
    Tool,
    ToolChoice,
)
from dragoman.v1.content_pb2 import Opaque, Part
from gateway_dialects.kit.diagnostics import Diagnostics, unsupported
from gateway_dialects.kit.json import json_text, object_at, object_of, text_of
from gateway_dialects.kit.tool_names import NameRule, calls_and_results, hashed

SEPARATOR = "__"
INPUT_FIELD = "input"
PARAMETERS_JSON = json_text(
    {
        "type": "object",
        "properties": {INPUT_FIELD: {"type": "string", "description": "The whole input of the tool, as plain text."}},
        "required": [INPUT_FIELD],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True, slots=True)
class ToolForms:
    """What a target takes beside functions."""

    dialects: tuple[str, ...] = ()
    """Whose own tools and content (Opaque) it reads."""
    custom: bool = False
    """Whether it has tools with free-form input."""
    namespaces: bool = False
    """Whether it has groups of tools."""
    search: Opaque | None = None
    """Its own web search."""


def set_hosted(tool: Tool, dialect: str, json: str, name: str, searches: bool) -> None:
    """Make a tool one of the dialect's own. name: what a tool choice calls it. searches: the web."""
    tool.opaque.dialect, tool.opaque.json, tool.opaque.text = dialect, json, name
    if searches:
        tool.hosted = HOSTED_TOOL_WEB_SEARCH


class Original(NamedTuple):
    """The tool of the client that a target knows as a function."""

    namespace: str
    name: str
    custom: bool = False


Originals = Mapping[str, Original]
"""By their names at the target, before tool_names."""
NO_ORIGINALS: Originals = MappingProxyType({})


def fit_tools(
    request: ChatRequest, forms: ToolForms, rule: NameRule, diagnostics: Diagnostics
) -> tuple[Originals, Collection[int]]:
    """Changes the request. Also the indexes of the tools that are to be removed. Raises GatewayError UNSUPPORTED for a tool
    that must be called and that the target has not, and where no tool is left."""
    removed = drop_hosted(request, forms, diagnostics)
    originals: dict[str, Original] = {}
    if not forms.namespaces:
        originals |= flatten(request, rule, diagnostics)
    if not forms.custom:
        for name in as_functions(request, diagnostics):
            originals[name] = originals.get(name, Original("", name))._replace(custom=True)
    return originals, removed


# Tools that other providers run.


def drop_hosted(request: ChatRequest, forms: ToolForms, diagnostics: Diagnostics) -> Collection[int]:
    """The indexes of what the target has not. Alone, a search of the web becomes the target's own."""
    foreign = [index for index, tool in enumerate(request.tools) if is_foreign(tool, forms)]
    alone = len(foreign) == len(request.tools)
    if alone and forms.search is not None:
        foreign = [index for index in foreign if not becomes_own(request, index, forms.search, diagnostics)]
    for index in foreign:
        tool, field = request.tools[index].opaque, f"tools[{index}]"
        why = f"{tool.text or 'it'} is a tool of the {tool.dialect} dialect, which this provider does not have"
        if is_demanded(request.tool_choice, tool.text):
            raise unsupported("tool_choice", f"tool_choice names the tool {tool.text}, which this provider does not have")
        if alone and len(foreign) == len(request.tools) and request.tool_choice.mode != TOOL_CHOICE_MODE_NONE:
            raise unsupported(field, f"{why}: ask a model of a provider that has it, or give tools of your own beside it")
        diagnostics.drop(field, why)
    if foreign and len(foreign) == len(request.tools):
        request.ClearField("tool_choice")
    return foreign


def is_foreign(tool: Tool, forms: ToolForms) -> bool:
    return tool.WhichOneof("kind") == "opaque" and tool.opaque.dialect not in forms.dialects


def is_demanded(choice: ToolChoice, name: str) -> bool:
    """Whether the choice leaves nothing but the tool of this name. From a list of allowed ones the name is taken."""
    if choice.mode == TOOL_CHOICE_MODE_TOOL:
        return choice.tool_name == name
    if name in choice.allowed_tool_names:
        rest = [other for other in choice.allowed_tool_names if other != name]
        choice.allowed_tool_names[:] = rest
        forget_form(choice)
        return not rest
    return False


def becomes_own(request: ChatRequest, index: int, search: Opaque, diagnostics: Diagnostics) -> bool:
    tool, field = request.tools[index], f"tools[{index}]"
    if tool.hosted != HOSTED_TOOL_WEB_SEARCH:
        return False
    message = f"{field}: the provider's own search of the web stands for {tool.opaque.text}, without its settings"
    diagnostics.warn(field, message)
    tool.opaque.CopyFrom(search)
    tool.provider_details_json.clear()
    if request.tool_choice.mode != TOOL_CHOICE_MODE_NONE and request.HasField("tool_choice"):
        request.ClearField("tool_choice")
        diagnostics.drop("tool_choice", "whether to search is left to the model")
    return True


# Groups of tools.


def flatten(request: ChatRequest, rule: NameRule, diagnostics: Diagnostics) -> dict[str, Original]:
    """Gives each tool of a group, and each call of one, a name that tells the group too."""
    names = flat_names(request, rule)
    if not names:
        return {}
    flatten_choice(request.tool_choice, names, {named(tool).name for tool in request.tools if not group_of(tool)})
    described: set[str] = set()
    for index, tool in enumerate(request.tools):
        if not (group := group_of(tool)):
            continue
        holder = named(tool)
        holder.name = names[group, holder.name]
        if group not in described:
            field = f"tools[{index}].namespace"
            message = f"{field}: this provider has no groups of tools; those of {group} are offered as {holder.name} ..."
            diagnostics.warn(field, message)
            if about := tool.namespace.description:
                lines = [holder.description, f"About the tools {group}{SEPARATOR}...: {about}"]
                holder.description = "\n\n".join(line for line in lines if line)
        described.add(group)
        tool.ClearField("namespace")
    flatten_calls(request, names)
    return {flat: Original(*key) for key, flat in names.items()}


def flat_names(request: ChatRequest, rule: NameRule) -> dict[tuple[str, str], str]:
    """By group and name. No other tool has any of them."""
    taken = {named(tool).name for tool in request.tools if not group_of(tool)}
    names: dict[tuple[str, str], str] = {}
    for group, name in sorted(set(grouped(request))):
        flat = f"{group}{SEPARATOR}{name}"
        while flat in taken:
            flat = hashed(flat, f"{group}\0{name}\0{flat}", rule)
        taken.add(flat)
        names[group, name] = flat
    return names


def grouped(request: ChatRequest) -> Iterator[tuple[str, str]]:
    """Group and name of each tool that has a group, of the request and its history."""
    for tool in request.tools:
        if group := group_of(tool):
            yield group, named(tool).name
    for part in calls_and_results(request):
        if part.tool_call.namespace:
            yield part.tool_call.namespace, part.tool_call.name


def group_of(tool: Tool) -> str:
    return tool.namespace.name if tool.WhichOneof("kind") in ("function", "custom") else ""


def named(tool: Tool) -> FunctionTool | CustomTool:
    """The function, or custom tool, both of which have a name and a description."""
    return tool.custom if tool.HasField("custom") else tool.function


def flatten_calls(request: ChatRequest, names: Mapping[tuple[str, str], str]) -> None:
    by_id: dict[str, str] = {}
    for part in calls_and_results(request):
        if part.HasField("tool_call"):
            call = part.tool_call
            if call.namespace:
                call.name = names[call.namespace, call.name]
                call.ClearField("namespace")
                by_id[call.id] = call.name
        elif part.tool_result.name:
            part.tool_result.name = by_id.get(part.tool_result.tool_call_id, part.tool_result.name)


def flatten_choice(choice: ToolChoice, names: Mapping[tuple[str, str], str], plain: set[str]) -> None:
    """A choice names a tool without its group, or a group. Raises GatewayError UNSUPPORTED where that is no one tool."""
    if choice.mode == TOOL_CHOICE_MODE_TOOL and choice.tool_name not in plain:
        meant = meant_by(choice.tool_name, names)
        if len(meant) > 1:
            several = ", ".join(meant)
            raise unsupported("tool_choice", f"tool_choice: {choice.tool_name!r} stands for several tools: {several}")
        choice.tool_name = meant[0] if meant else choice.tool_name
    if choice.allowed_tool_names:
        allowed = [[name] if name in plain else meant_by(name, names) or [name] for name in choice.allowed_tool_names]
        choice.allowed_tool_names[:] = [name for meant in allowed for name in meant]
    forget_form(choice)


def meant_by(name: str, names: Mapping[tuple[str, str], str]) -> list[str]:
    """The flat names of the tools of this name, or of the group of this name."""
    return [flat for (group, tool), flat in names.items() if name in (tool, group, flat)]


def forget_form(choice: ToolChoice) -> None:
    """The form in which a client wrote a choice is not that of the changed one."""
    for key in list(choice.provider_details_json):
        if key.endswith(".form"):
            del choice.provider_details_json[key]


# Tools with free-form input.


def as_functions(request: ChatRequest, diagnostics: Diagnostics) -> Iterator[str]:
    """The names of the custom tools, which become functions of one string."""
    for part in calls_and_results(request):
        if part.tool_call.HasField("input"):
            call_of_function(part)
    for index, tool in enumerate(request.tools):
        if tool.HasField("custom"):
            yield tool.custom.name
            make_function(tool, f"tools[{index}]", diagnostics)
            forget_form(request.tool_choice)


def call_of_function(part: Part) -> None:
    part.tool_call.arguments_json = arguments_of(part.tool_call.input)
    part.tool_call.ClearField("input")


def arguments_of(text: str) -> str:
    """The arguments of the function for an input."""
    return json_text({INPUT_FIELD: text})


def make_function(tool: Tool, field: str, diagnostics: Diagnostics) -> None:
    custom = CustomTool()
    custom.CopyFrom(tool.custom)
    diagnostics.drop_foreign_details(tool, field)
    tool.provider_details_json.clear()
    tool.function.name, tool.function.parameters_json = custom.name, PARAMETERS_JSON
    lines = [custom.description, format_words(custom.format_json, f"{field}.custom.format")]
    if description := "\n\n".join(line for line in lines if line):
        tool.function.description = description
    if lines[1]:
        where = f"{field}.custom.format"
        diagnostics.warn(where, f"{where} was told in the description: this provider holds no input to a grammar")


def format_words(format_json: str, field: str) -> str:
    """The format of an input for a description. Empty: any text. Raises GatewayError INVALID_REQUEST for no JSON object."""
    form = object_of(format_json, field) if format_json else {}
    grammar = object_at(form, "grammar")
    if definition := text_of(grammar.get("definition")):
        return f"The input must follow this {text_of(grammar.get('syntax'))} grammar:\n\n{definition}"
    return "" if form.get("type", "text") == "text" else f"The format of the input: {format_json}"
