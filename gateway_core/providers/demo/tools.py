"""Which of the offered tools the demo calls, and with what."""

from __future__ import annotations

import json

import msgspec

from gateway_core.providers.demo.moves import Call
from gateway_core.providers.demo.question import Question, ToolRow
from gateway_core.providers.demo.schema import instance_of
from gateway_core.providers.demo.script import Unreadable


def calls_for(question: Question, parallel: bool) -> list[Call]:
    """The calls: of the tool that tool_choice forces, or of the first tool, or of all tools. Raises Unreadable when a tool
    is forced that was not offered."""
    offered = [tool for tool in question.tools if tool.name]
    match question.tool_choice:
        case "none":
            return []
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed)}}:
            names = {read_choice(tool).name for tool in allowed}
            offered = [tool for tool in offered if tool.name in names]
        case {"type": "function" | "custom"} as forced:
            name = read_choice(forced).name
            offered = [tool for tool in offered if tool.name == name]
            if not offered:
                raise Unreadable(f"tool_choice names {name}, which is not among the tools")
    return [call_of(tool) for tool in (offered if parallel and question.parallel else offered[:1])]


def read_choice(choice: object) -> ToolRow:
    try:
        return msgspec.convert(choice, ToolRow)
    except msgspec.ValidationError as error:
        raise Unreadable(f"tool_choice cannot be read: {error}") from None


def call_of(tool: ToolRow) -> Call:
    if tool.function is None:
        return Call(tool.name, "demo input", custom=True)
    arguments = instance_of(tool.function.parameters or {"type": "object"})
    return Call(tool.name, spaced(arguments if isinstance(arguments, dict) else {}))


def spaced(value: object) -> str:
    """JSON with spaces, so that it falls into several words."""
    return json.dumps(value, ensure_ascii=False)
