"""Tools, and the choice among them, as OpenAI's Responses API takes them.

Source: https://platform.openai.com/docs/api-reference/responses/create (tools, tool_choice) and recorded requests.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from gateway_dialects.kit.diagnostics import unusable_tool
from gateway_dialects.kit.json import Json, list_at, object_of, raw_json, set_if_present, text_of, written_details_of
from gateway_dialects.openai.words import TOOL_CHOICE_WORDS
from gateway_dialects.openai_responses import words
from gateway_dialects.openai_responses.words import DIALECT, ToolForm, details_of, form_of

NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')


@dataclass(frozen=True, slots=True)
class EncodedTools:
    """Where the tools of a request go."""

    own: list[Json] = field(default_factory=list)
    """The request's field tools."""
    items: list[tuple[int, Json]] = field(default_factory=list)
    """Items of type additional_tools, with their places in the input."""

    @property
    def all(self) -> list[Json]:
        """Each tool, those of namespaces too."""
        held = [tool for _, item in self.items for tool in item["tools"]]
        return [inner for tool in (*self.own, *held) for inner in (tool, *list_at(tool, "tools"))]


def encode_tools(tools: Sequence[chat_pb2.Tool]) -> EncodedTools:
    """Raises GatewayError naming the tool that this API does not take."""
    found = EncodedTools()
    numbered = [(index, tool, form_of(tool, ToolForm)) for index, tool in enumerate(tools)]
    for item, members in groupby((one for one in numbered if not one[2].loaded), key=lambda one: one[2].item):
        placed = list(members)
        encoded = list(encode_group([(index, tool) for index, tool, _ in placed]))
        if item < 0:
            found.own.extend(encoded)
        else:
            fields = placed[0][2].holder or {"role": "developer"}
            found.items.append((item, {"type": words.MORE_TOOLS, **fields, "tools": encoded}))
    return found


def encode_group(tools: Iterable[tuple[int, chat_pb2.Tool]]) -> Iterator[Json]:
    """Tools of one namespace that follow each other are in one object."""
    for namespace, members in groupby(tools, key=lambda one: one[1].namespace.name):
        placed = list(members)
        encoded = [encode_tool(tool, f"tools[{index}]") for index, tool in placed]
        if not namespace:
            yield from encoded
            continue
        first = placed[0][1]
        group: Json = {"type": "namespace", "name": namespace, "description": first.namespace.description}
        yield {**group, **form_of(first, ToolForm).group, "tools": encoded}


def encode_tool(tool: chat_pb2.Tool, place: str) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            return encode_function(tool, place)
        case "custom":
            custom: Json = {"type": "custom", "name": tool.custom.name}
            set_if_present(custom, tool.custom, ("description",))
            if tool.custom.format_json:
                custom["format"] = encode_grammar(tool.custom.format_json, f"{place}.custom.format")
            return {**custom, **details_of(tool)}
        case "opaque" if tool.opaque.dialect in words.TOOL_FORMS.dialects:
            return object_of(tool.opaque.json, f"{place}.opaque.json")
        case _:
            raise unusable_tool(tool, place)


def encode_function(tool: chat_pb2.Tool, place: str) -> Json:
    function: Json = {"type": "function", "name": tool.function.name}
    set_if_present(function, tool.function, ("description",))
    is_unset = form_of(tool, ToolForm).strict_unset
    if tool.function.parameters_json:
        function["parameters"] = raw_json(tool.function.parameters_json, f"{place}.function.parameters")
    elif not is_unset:
        function["parameters"] = NO_ARGUMENTS
    if tool.function.HasField("strict"):
        function["strict"] = tool.function.strict
    elif not is_unset:
        function["strict"] = False
    return {**function, **details_of(tool)}


def encode_grammar(text: str, place: str) -> Json:
    """{type: grammar, syntax, definition}, of which chat completions put the last two into an object of their own."""
    form = object_of(text, place)
    grammar = form.get("grammar")
    if not isinstance(grammar, dict):
        return form
    return {**{name: value for name, value in form.items() if name != "grammar"}, **grammar}


def encode_tool_choice(choice: chat_pb2.ToolChoice, tools: Sequence[Json]) -> Any:
    """None: the provider's default."""
    details = written_details_of(choice, DIALECT)
    if choice.mode and choice.mode not in (*TOOL_CHOICE_WORDS, chat_pb2.TOOL_CHOICE_MODE_TOOL):
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL:
        return details if "type" in details else {**reference(choice.tool_name, tools), **details}
    if choice.allowed_tool_names:
        allowed = [reference(name, tools) for name in choice.allowed_tool_names]
        return {"type": "allowed_tools", "mode": TOOL_CHOICE_WORDS.get(choice.mode, "auto"), "tools": allowed, **details}
    return TOOL_CHOICE_WORDS.get(choice.mode)


def reference(name: str, tools: Sequence[Json]) -> Json:
    """How a choice names a tool: one of the client's by its name, one that the provider runs by its type."""
    for tool in tools:
        if tool["type"] not in ("function", "custom", "namespace") and words.hosted_name(tool) == name:
            label = text_of(tool.get("server_label"))
            return {"type": tool["type"], "server_label": label} if label else {"type": tool["type"]}
        if tool["type"] in ("custom", "namespace") and tool.get("name") == name:
            return {"type": tool["type"], "name": name}
    return {"type": "function", "name": name}
